#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/io/timers.h"
#include "gateway/stats/certificate.h"

namespace upgate::app {

// Logs certificates that expire soon or have expired: at once, then once a day. On the thread of
// its timers.
class ExpiryLog final : private io::Timer::Owner {
 public:
  // Both are borrowed and outlive it.
  ExpiryLog(io::Timers& timers, Log& log) : timers_(timers), log_(log), timer_(timers, *this) {}

  // Sets the certificates in use. A renewed certificate counts as a new one.
  void Watch(std::vector<stats::Certificate> certificates);

  static constexpr std::chrono::days kSoon{14};
  static constexpr io::Millis kInterval = std::chrono::hours(1);
  static constexpr io::Millis kRepeat = std::chrono::hours(24);

 private:
  using Key = std::tuple<stats::Certificate::Owner, std::string, std::string, std::int64_t>;
  struct Told {
    io::Instant when;
    bool expired;
  };

  void OnTimer(io::Timer& timer) override;
  void Check();
  void Tell(const stats::Certificate& certificate, std::int64_t seconds_left);

  io::Timers& timers_;
  Log& log_;
  std::vector<stats::Certificate> certificates_;
  std::map<Key, Told> told_;
  io::Timer timer_;
};

}  // namespace upgate::app
