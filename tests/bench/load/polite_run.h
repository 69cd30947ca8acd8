#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "tests/bench/load/histogram.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/question.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// How long answers took since the last report.
class AnswerTimes {
 public:
  void Add(std::uint64_t nanoseconds, bool good);
  // One that is still awaited, after so much time: it counts, as the least that it will take.
  void AddUnanswered(std::uint64_t nanoseconds);
  // count, failed, unanswered, p50_us, p99_us, max_us; begins anew.
  nlohmann::json Take();

 private:
  Histogram times_;
  std::uint64_t count_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t unanswered_ = 0;
};

// Two well-behaved clients of a gateway that others flood: one asks, waits for the answer and
// pauses; the other is a health check, which asks at fixed times on new connections, whatever
// became of the earlier ones. Says "open" on standard output when the first one is connected; for
// every line "report" on standard input prints what happened since the one before as one line of
// JSON; ends with standard input.
class PoliteRun {
 public:
  PoliteRun(Loop& loop, const Plan& plan);
  ~PoliteRun();

  void Run();

 private:
  struct HealthCheck {
    std::uint64_t began = 0;
    std::unique_ptr<HttpQuestion> question;
  };

  std::unique_ptr<Question> MakeQuestion();
  void AskIfDue(std::uint64_t now);
  void CheckIfDue(std::uint64_t now);
  void OnAnswer(bool good);
  void Report();

  Loop& loop_;
  const Plan& plan_;
  const Target health_;
  AnswerTimes polite_times_;
  AnswerTimes health_times_;
  AnswerTimes lateness_;  // of this program's own timers
  bool ready_ = false;
  std::optional<std::uint64_t> asked_at_;
  std::uint64_t ask_at_ = 0;
  std::uint64_t check_at_ = 0;
  std::list<HealthCheck> checks_;  // under way
  std::list<HealthCheck> finished_;
  std::unique_ptr<Question> question_;
};

}  // namespace upgate::bench
