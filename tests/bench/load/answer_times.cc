#include "tests/bench/load/answer_times.h"

namespace upgate::bench {

void AnswerTimes::Add(std::uint64_t nanoseconds, bool good) {
  times_.Add(nanoseconds);
  ++count_;
  if (!good) ++failed_;
}

void AnswerTimes::AddUnanswered(std::uint64_t nanoseconds) {
  Add(nanoseconds, true);
  ++unanswered_;
}

nlohmann::json AnswerTimes::Take() {
  const auto micros = [&](double share) {
    return static_cast<double>(times_.Quantile(share)) / 1000;
  };
  nlohmann::json report = {
      {"count", count_},       {"failed", failed_},      {"unanswered", unanswered_},
      {"p50_us", micros(0.5)}, {"p99_us", micros(0.99)}, {"max_us", micros(1)},
  };
  *this = {};
  return report;
}

}  // namespace upgate::bench
