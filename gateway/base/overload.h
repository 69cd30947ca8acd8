#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace upgate {

// What the process has run out of. The names used in statistics and logs are in kOverloadNames.
enum class OverloadReason : std::uint8_t {
  kDescriptors,  // new connections wait in the backlog
  kMemory,       // new handshakes are refused
  kLoopLag,      // new handshakes on this event loop are refused
};
inline constexpr std::size_t kOverloadReasons = 3;
inline constexpr std::array<std::string_view, kOverloadReasons> kOverloadNames{
    "descriptors", "memory", "loop_lag"};

// A set of these.
class OverloadSet {
 public:
  constexpr OverloadSet() = default;
  explicit constexpr OverloadSet(std::uint8_t bits) : bits_(bits) {}
  constexpr std::uint8_t bits() const { return bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool Has(OverloadReason reason) const { return (bits_ & Bit(reason)) != 0; }
  constexpr void Set(OverloadReason reason, bool on) {
    bits_ = static_cast<std::uint8_t>(on ? bits_ | Bit(reason) : bits_ & ~Bit(reason));
  }
  constexpr bool refuses_handshakes() const {
    return Has(OverloadReason::kMemory) || Has(OverloadReason::kLoopLag);
  }
  // "memory, loop_lag"; empty for none.
  std::string ToString() const {
    std::string names;
    for (std::size_t i = 0; i < kOverloadReasons; ++i) {
      if (!Has(static_cast<OverloadReason>(i))) continue;
      if (!names.empty()) names += ", ";
      names += kOverloadNames[i];
    }
    return names;
  }
  friend bool operator==(OverloadSet, OverloadSet) = default;

 private:
  static constexpr std::uint8_t Bit(OverloadReason reason) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(reason));
  }
  std::uint8_t bits_ = 0;
};

// What each loop is overloaded by: set by whoever watches the process, read by the loops before
// they take on new work. Thread-safe, without locks.
class Overload {
 public:
  static constexpr std::size_t kMostLoops = 256;

  OverloadSet Of(std::size_t loop) const {
    return OverloadSet(loops_[loop].load(std::memory_order_relaxed));
  }
  void Set(std::size_t loop, OverloadSet reasons) {
    loops_[loop].store(reasons.bits(), std::memory_order_relaxed);
  }
  // Over all loops.
  OverloadSet Total() const {
    unsigned bits = 0;
    for (const auto& loop : loops_) bits |= loop.load(std::memory_order_relaxed);
    return OverloadSet(static_cast<std::uint8_t>(bits));
  }

 private:
  std::array<std::atomic<std::uint8_t>, kMostLoops> loops_{};
};

}  // namespace upgate
