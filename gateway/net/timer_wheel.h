#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::net {

// A hierarchical timing wheel (Varghese and Lauck, scheme 7): six levels of 64 slots, a slot of one
// level as wide as the whole level below. Arming and disarming are O(1) and allocate nothing; a
// timer moves down at most five times before it fires. Pure: time is what Advance says. Belongs to
// one thread. Timers hold a reference to it and are disarmed before it dies.
//
// A timer never fires early, and at most one tick after its deadline; those of one tick fire in the
// order in which they were armed. A timer armed from within a callback fires on a later tick.
class TimerWheel : public io::Timers {
 public:
  static constexpr io::Millis kTick{4};

  // `unix_start`: the wall-clock time, in seconds since 1970, at Instant zero.
  explicit TimerWheel(std::int64_t unix_start = 0) : unix_start_(unix_start) {}
  ~TimerWheel() override;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Moves the time forward to `now` and fires what is due, tick by tick: within a callback Now() is
  // the time of the tick, so a long step has the same outcome as many short ones. An earlier `now`
  // than before changes nothing. Not to be called from within a callback.
  void Advance(io::Instant now);

  // When Advance has something to do next: never later than the first timer is due, and possibly
  // earlier, to move timers down the levels. Nothing when no timer is armed.
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
  Tick current_ = 0;  // the last one whose timers have fired
  // Bit i: slot i may hold timers. A timer that is disarmed leaves its bit behind; NextSlot clears
  // it.
  std::array<std::uint64_t, kLevels> occupied_{};
  // Each list has the latest arrival first.
  std::array<std::array<io::Timer*, kSlots>, kLevels> slots_{};
};

}  // namespace upgate::net
