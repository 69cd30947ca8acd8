#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "tests/bench/load/histogram.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/meter/process_tree.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// The measured part of a run: how long it took, what it cost, and how fast things came back.
class Measurement {
 public:
  Measurement(Loop& loop, const Plan& plan);

  // Turns the loop through the warm-up and then through the measured time; `messages` is a counter
  // that somebody else increments.
  void Run(const std::uint64_t& messages);

  // Latencies, in nanoseconds; those of the warm-up are forgotten.
  Histogram& latency() { return latency_; }
  // Whether time is being measured.
  bool measuring() const { return measuring_; }

  // messages, seconds, per_second; cpu_us of the gateway by message: user, system, total; busy: the
  // shares of the time for which gateway and load were at work; latency_us: p50, p99, p99.9 if
  // there are.
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
