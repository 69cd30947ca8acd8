#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace upgate {

// Something that several owners hold together, on one thread: counted without atomics. Destroyed
// with its last Ref, at once: whoever drops a Ref must not be called by what it holds.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

 protected:
  virtual ~RefCounted() = default;

 private:
  template <class T>
  friend class Ref;
  std::uint32_t refs_ = 0;
};

// One owner's hold; may be empty. Not thread-safe.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit(false) Ref(std::nullptr_t) {}
  explicit Ref(T* held) : held_(held) { Take(); }
  Ref(const Ref& other) : held_(other.held_) { Take(); }
  Ref(Ref&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  explicit(false) Ref(Ref<U> other) : held_(std::exchange(other.held_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }
  ~Ref() {
    if (held_ == nullptr) return;
    RefCounted* const counted = held_;
    if (--counted->refs_ == 0) delete counted;
  }

  T* get() const { return held_; }
  T& operator*() const { return *held_; }
  T* operator->() const { return held_; }
  explicit operator bool() const { return held_ != nullptr; }
  friend bool operator==(const Ref& a, const Ref& b) { return a.held_ == b.held_; }

 private:
  template <class U>
  friend class Ref;
  void Take() {
    if (held_ != nullptr) ++static_cast<RefCounted*>(held_)->refs_;
  }
  T* held_ = nullptr;
};

template <class T, class... Args>
Ref<T> MakeRef(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace upgate
