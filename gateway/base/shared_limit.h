#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

namespace upgate {

// A limit shared by all loops. Thread-safe; one atomic operation per acquire and release.
class SharedLimit {
 public:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  // Holds a part of the limit and releases it on destruction. Not thread-safe.
  class Taken {
   public:
    Taken() = default;
    Taken(Taken&& other) noexcept
        : limit_(std::exchange(other.limit_, nullptr)), count_(other.count_) {}
    Taken& operator=(Taken&& other) noexcept {
      std::swap(limit_, other.limit_);
      std::swap(count_, other.count_);
      return *this;
    }
    ~Taken() {
      if (limit_ != nullptr) limit_->GiveBack(count_);
    }
    explicit operator bool() const { return limit_ != nullptr; }

   private:
    friend class SharedLimit;
    Taken(SharedLimit& limit, std::uint64_t count) : limit_(&limit), count_(count) {}
    SharedLimit* limit_ = nullptr;
    std::uint64_t count_ = 0;
  };

  explicit SharedLimit(std::uint64_t most = kNone) : most_(most) {}
  SharedLimit(const SharedLimit&) = delete;
  SharedLimit& operator=(const SharedLimit&) = delete;

  // What is taken already stays taken.
  void SetMost(std::uint64_t most) { most_.store(most, std::memory_order_relaxed); }
  std::uint64_t most() const { return most_.load(std::memory_order_relaxed); }
  std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }

  // Takes all of `count` or nothing. The limit must outlive what is taken from it.
  bool TryTake(std::uint64_t count) {
    const std::uint64_t most = this->most();
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (taken <= most && count <= most - taken) {
      if (taken_.compare_exchange_weak(taken, taken + count, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  Taken TryTakeOwned(std::uint64_t count) { return TryTake(count) ? Taken(*this, count) : Taken(); }
  void GiveBack(std::uint64_t count) { taken_.fetch_sub(count, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> most_;
  std::atomic<std::uint64_t> taken_ = 0;
};

}  // namespace upgate
