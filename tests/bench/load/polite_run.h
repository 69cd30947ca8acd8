#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "tests/bench/load/answer_times.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/question.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Two well-behaved clients of a gateway that others flood. One sends a request, waits for the
// answer and pauses. The other is a health check, which asks at fixed times on new connections,
// regardless of earlier ones. Prints "open" when the first one is connected. For every line
// "report" on standard input, it prints one line of JSON for the time since the last report. Ends
// with standard input.
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
  std::list<HealthCheck> checks_;  // in progress
  std::list<HealthCheck> finished_;
  std::unique_ptr<Question> question_;
};

}  // namespace upgate::bench
