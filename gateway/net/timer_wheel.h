#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::net {

// A hierarchical timing wheel (Varghese and Lauck, scheme 7): six levels of 64 slots; a slot of one
// level is as wide as the whole level below. Arming and disarming are O(1) and do not allocate; a
// timer moves down at most five times before it fires. Has no clock: the time is set by Advance.
// Belongs to one thread. Timers hold a reference to it; it disarms those that are left when it is
// destroyed.
//
// A timer never fires early, and at most one tick after its deadline; timers of one tick fire in
// the order in which they were armed. A timer armed inside a callback fires on a later tick.
class TimerWheel : public io::Timers {
 public:
  static constexpr io::Millis kTick{4};

  // `unix_start`: the wall-clock time at Instant zero, in seconds since 1970.
  explicit TimerWheel(std::int64_t unix_start = 0) : unix_start_(unix_start) {}
  ~TimerWheel() override;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Moves the time forward to `now` and fires due timers, tick by tick: inside a callback Now() is
  // the time of the tick, so one long step has the same outcome as many short ones. An earlier
  // `now` than before has no effect. Must not be called from inside a callback.
  void Advance(io::Instant now);

  // The time of the next work for Advance: never later than the deadline of the first timer,
  // possibly earlier to move timers down the levels. nullopt if no timer is armed.
  std::optional<io::Instant> NextDeadline();

  io::Instant Now() const override { return now_; }
  std::int64_t UnixSeconds() const override;
  void Insert(io::Timer& timer, io::Instant deadline) override;

 private:
  using Tick = std::uint64_t;
  static constexpr int kBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kBits;
  static constexpr int kLevels = 6;

  struct Slot {
    Tick start;
    int level;
    std::size_t index;
  };

  // The next slot that holds a timer.
  std::optional<Slot> NextSlot();
  Tick TickOf(const io::Timer& timer) const;
  void Place(io::Timer& timer);
  void Expire(const Slot& slot);

  std::int64_t unix_start_;
  io::Instant now_{};
  Tick current_ = 0;  // the last tick whose timers have fired
  // Bit i: slot i may hold timers. Disarming a timer does not clear its bit; NextSlot does.
  std::array<std::uint64_t, kLevels> occupied_{};
  // Each list starts with the timer armed last.
  std::array<std::array<io::Timer*, kSlots>, kLevels> slots_{};
};

}  // namespace upgate::net
