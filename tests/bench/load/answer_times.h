#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "tests/bench/load/histogram.h"

namespace upgate::bench {

// Answer times since the last report.
class AnswerTimes {
 public:
  void Add(std::uint64_t nanoseconds, bool good);
  // A pending answer, after this time: counted as a lower bound.
  void AddUnanswered(std::uint64_t nanoseconds);
  // count, failed, unanswered, p50_us, p99_us, max_us; then starts over.
  nlohmann::json Take();

 private:
  Histogram times_;
  std::uint64_t count_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t unanswered_ = 0;
};

}  // namespace upgate::bench
