#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "tests/bench/load/histogram.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/meter/process_tree.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// The measured part of a run: its duration, cost and latencies.
class Measurement {
 public:
  Measurement(Loop& loop, const Plan& plan);

  // Runs the loop for the warm-up and then for the measured time; `messages` is a counter that
  // others increment.
  void Run(const std::uint64_t& messages);

  // Latencies, in nanoseconds, excluding the warm-up.
  Histogram& latency() { return latency_; }
  // Whether the measured time is running.
  bool measuring() const { return measuring_; }

  // messages, seconds, per_second; cpu_us of the gateway per message: user, system, total; busy:
  // the share of the time that gateway and load were busy; latency_us: p50, p99, p99.9, if any were
  // recorded.
  nlohmann::json Report() const;

 private:
  void TurnFor(double seconds);

  Loop& loop_;
  const Plan& plan_;
  const ProcessTree gateway_;
  Histogram latency_;
  bool measuring_ = false;
  std::uint64_t messages_ = 0;
  std::uint64_t elapsed_ = 0;
  std::uint64_t idle_ = 0;
  CpuTime cpu_;
};

}  // namespace upgate::bench
