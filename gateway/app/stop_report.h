#pragma once

#include "gateway/base/log.h"
#include "gateway/io/timers.h"
#include "gateway/stats/stats.h"

namespace upgate::app {

// Logs every few seconds during shutdown what is still open. On the thread of its timers.
class StopReport final : private io::Timer::Owner {
 public:
  static constexpr io::Millis kInterval{3'000};

  // Everything is borrowed and outlives the report.
  StopReport(io::Timers& timers, const stats::Registry& registry, Log& log)
      : registry_(registry), log_(log), timer_(timers, *this) {}

  // Starts reporting, until nothing is open any more. A second call has no effect.
  void Begin();

 private:
  void OnTimer(io::Timer& timer) override;

  const stats::Registry& registry_;
  Log& log_;
  io::Timer timer_;
};

}  // namespace upgate::app
