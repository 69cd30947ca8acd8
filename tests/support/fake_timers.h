#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::test {

// A clock that stands still until a test advances it. Timers with the same deadline fire in the
// order in which they were armed. It is a test failure to destroy it with armed timers.
class FakeTimers final : public io::Timers {
 public:
  FakeTimers() = default;
  ~FakeTimers() override;
  FakeTimers(const FakeTimers&) = delete;
  FakeTimers& operator=(const FakeTimers&) = delete;

  io::Instant Now() const override { return now_; }
  // Starts at 2026-01-02T03:04:05Z and advances with Now().
  std::int64_t UnixSeconds() const override;
  void Insert(io::Timer& timer, io::Instant deadline) override;

  // Advances the clock, stopping at every deadline on the way; returns how many timers fired.
  int Advance(io::Millis by) { return AdvanceTo(now_ + by); }
  int AdvanceTo(io::Instant target);
  // Sets the result of UnixSeconds(). Does not affect timers.
  void SetUnixSeconds(std::int64_t seconds);

  // The deadline of the next timer, if any is armed.
  std::optional<io::Instant> NextDeadline() const;
  std::size_t armed() const;

 private:
  io::Instant now_{};
  std::int64_t unix_at_start_ = 1767323045;
  std::map<io::Instant, io::Timer*>
      slots_;  // heads of the lists; nullptr once all timers of a list are disarmed
};

}  // namespace upgate::test
