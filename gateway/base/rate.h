#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace upgate {

// How much may come in a time: 5 a second, or 1 MiB a minute; and how much of it at once.
struct Rate {
  std::uint64_t amount = 0;  // 0: no limit
  std::chrono::milliseconds period{1000};
  std::uint64_t burst = 1;

  explicit operator bool() const { return amount != 0; }
  // Milliseconds per unit. Requires amount != 0.
  double milliseconds() const {
    return static_cast<double>(period.count()) / static_cast<double>(amount);
  }
  friend bool operator==(const Rate&, const Rate&) = default;
};

// A token bucket, kept as the time at which it is full again (the generic cell rate algorithm).
// Times are in milliseconds of any clock that does not go backwards. Not thread-safe.
class TokenBucket {
 public:
  // How long until `count` can be taken, in milliseconds; 0: now. More than the burst can never be
  // taken at once, but Take may go into debt.
  double Wait(const Rate& rate, double now, std::uint64_t count) const {
    const double unit = rate.milliseconds();
    const double room = unit * (static_cast<double>(rate.burst) - static_cast<double>(count));
    return std::max(0.0, std::max(full_, now) - now - room);
  }
  void Take(const Rate& rate, double now, std::uint64_t count) {
    full_ = std::max(full_, now) + rate.milliseconds() * static_cast<double>(count);
  }
  // Takes one if it is there. Returns 0, or how long until it is.
  double TakeOne(const Rate& rate, double now) {
    const double wait = Wait(rate, now, 1);
    if (wait <= 0) Take(rate, now, 1);
    return wait;
  }
  // For one that was taken and not used.
  void GiveBackOne(const Rate& rate, double now) {
    full_ = std::max(now, full_ - rate.milliseconds());
  }
  // How much can be taken now.
  std::uint64_t Room(const Rate& rate, double now) const {
    const double debt = (std::max(full_, now) - now) / rate.milliseconds();
    // A little more, for what rounding has lost.
    return static_cast<std::uint64_t>(std::max(0.0, static_cast<double>(rate.burst) - debt + 1e-6));
  }
  // When it is full: a bucket whose time has come is as good as a new one.
  double full() const { return full_; }

 private:
  double full_ = 0;
};

}  // namespace upgate
