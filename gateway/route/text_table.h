#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::route {

// Maps texts of several spaces to numbers. Built once, then read only; thread-safe then. Open
// addressing with the keys in one piece of memory: a look-up among many thousands touches two cache
// lines.
class TextTable {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  // kNone if there is no such key in the space.
  std::uint32_t Find(std::string_view key, std::uint32_t space = 0) const {
    if (slots_.empty()) return kNone;
    const std::uint32_t hash = HashOf(key, space);
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.size == kFree) return kNone;
      if (slot.hash == hash && slot.size == key.size() && Holds(slot, key, space))
        return slot.value;
    }
  }

  // The number of a key, which is kNone if it is new; valid until the next call.
  std::uint32_t& At(std::string_view key, std::uint32_t space = 0) {
    if (3 * (count_ + 1) > 2 * slots_.size()) Grow();
    Slot& slot = SlotFor(key, space);
    if (slot.size != kFree) return slot.value;
    slot = {HashOf(key, space), static_cast<std::uint32_t>(keys_.size()),
            static_cast<std::uint32_t>(key.size()), kNone};
    keys_.append(reinterpret_cast<const char*>(&space), sizeof space).append(key);
    ++count_;
    return slot.value;
  }

  // Replaces every number by what `change` makes of it.
  template <class Change>
  void ForEach(Change&& change) {
    for (Slot& slot : slots_) {
      if (slot.size != kFree) slot.value = change(slot.value);
    }
  }

 private:
  static constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();

  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t at = 0;  // in keys_: the space, then the key
    std::uint32_t size = kFree;
    std::uint32_t value = kNone;
  };

  static std::uint32_t HashOf(std::string_view key, std::uint32_t space) {
    const std::uint64_t hash =
        std::hash<std::string_view>{}(key) + space * std::uint64_t{0x9e3779b97f4a7c15};
    return static_cast<std::uint32_t>(hash ^ (hash >> 32));
  }
  bool Holds(const Slot& slot, std::string_view key, std::uint32_t space) const {
    const char* at = keys_.data() + slot.at;
    return std::memcmp(at, &space, sizeof space) == 0 &&
           std::memcmp(at + sizeof space, key.data(), key.size()) == 0;
  }
  std::size_t mask() const { return slots_.size() - 1; }

  Slot& SlotFor(std::string_view key, std::uint32_t space) {
    const std::uint32_t hash = HashOf(key, space);
    std::size_t at = hash & mask();
    for (; slots_[at].size != kFree; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.hash == hash && slot.size == key.size() && Holds(slot, key, space)) break;
    }
    return slots_[at];
  }

  void Grow() {
    std::vector<Slot> before(slots_.empty() ? 4 : 2 * slots_.size());
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.size == kFree) continue;
      std::size_t at = slot.hash & mask();
      while (slots_[at].size != kFree) at = (at + 1) & mask();
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_;  // a power of two, at most two thirds of them used
  std::string keys_;
  std::size_t count_ = 0;
};

}  // namespace upgate::route
