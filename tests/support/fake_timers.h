#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::test {

// A clock that stands still until a test moves it. Timers with the same deadline fire in the order
// in which they were armed. Destroying it with timers still armed is a test failure.
class FakeTimers final : public io::Timers {
 public:
  FakeTimers() = default;
  ~FakeTimers() override;
  FakeTimers(const FakeTimers&) = delete;
  FakeTimers& operator=(const FakeTimers&) = delete;

  io::Instant Now() const override { return now_; }
  // Starts at 2026-01-02T03:04:05Z and moves with Now().
  std::int64_t UnixSeconds() const override;
  void Insert(io::Timer& timer, io::Instant deadline) override;

  // Moves the clock on, stopping at every deadline on the way; returns how many timers fired.
  int Advance(io::Millis by) { return AdvanceTo(now_ + by); }
  int AdvanceTo(io::Instant target);
  // Makes UnixSeconds() answer this now. Timers do not notice.
  void SetUnixSeconds(std::int64_t seconds);

  // Of the next timer to fire, if any is armed.
  std::optional<io::Instant> NextDeadline() const;
  std::size_t armed() const;

 private:
  io::Instant now_{};
  std::int64_t unix_at_start_ = 1767323045;
  std::map<io::Instant, io::Timer*>
      slots_;  // heads of the lists; nullptr once all of a list disarmed themselves
};

}  // namespace upgate::test
