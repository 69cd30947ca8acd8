#include "tests/bench/load/polite_run.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "tests/bench/load/commands.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

constexpr std::uint64_t kHealthInterval = kSecond / 20;
constexpr std::uint64_t kPatience = 20 * kSecond;

}  // namespace

PoliteRun::PoliteRun(Loop& loop, const Plan& plan)
    : loop_(loop),
      plan_(plan),
      health_{.port = plan.health, .path = "/healthz", .subprotocol = {}},
      question_(MakeQuestion()) {}

PoliteRun::~PoliteRun() = default;

std::unique_ptr<Question> PoliteRun::MakeQuestion() {
  const auto answered = [this](bool good) { OnAnswer(good); };
  if (plan_.answer == "http") {
    ready_ = true;
    return std::make_unique<HttpQuestion>(loop_, plan_.target, true, answered);
  }
  return std::make_unique<WebSocketQuestion>(
      loop_, plan_.target, plan_.message_size, plan_.answer == "echo", [this] { ready_ = true; },
      answered);
}

void PoliteRun::Run() {
  const std::uint64_t deadline = Now() + kPatience;
  while (!ready_) {
    if (Now() > deadline) Die("the polite client got no connection");
    loop_.Turn(deadline);
  }
  Commands commands(loop_, [this](std::string_view line) {
    if (line != "report") Die("unknown command: " + std::string(line));
    Report();
  });
  Commands::Say("open");
  ask_at_ = check_at_ = Now();
  while (!commands.ended()) {
    const std::uint64_t now = Now();
    AskIfDue(now);
    CheckIfDue(now);
    loop_.Turn(asked_at_ ? check_at_ : std::min(ask_at_, check_at_));
    finished_.clear();
  }
}

void PoliteRun::AskIfDue(std::uint64_t now) {
  if (asked_at_ || now < ask_at_) return;
  lateness_.Add(now - ask_at_, true);
  asked_at_ = now;
  question_->Ask();
}

void PoliteRun::OnAnswer(bool good) {
  const std::uint64_t now = Now();
  polite_times_.Add(now - asked_at_.value_or(now), good);
  asked_at_.reset();
  ask_at_ = now + static_cast<std::uint64_t>(plan_.pause * kSecond);
}

void PoliteRun::CheckIfDue(std::uint64_t now) {
  if (plan_.health == 0) check_at_ = now + kSecond;
  if (now < check_at_) return;
  lateness_.Add(now - check_at_, true);
  check_at_ += kHealthInterval;
  checks_.push_back({.began = now, .question = nullptr});
  const auto check = std::prev(checks_.end());
  check->question = std::make_unique<HttpQuestion>(loop_, health_, false, [this, check](bool good) {
    health_times_.Add(Now() - check->began, good);
    // Destroyed after this turn of the loop, because it is the caller.
    finished_.splice(finished_.end(), checks_, check);
  });
  check->question->Ask();
}

void PoliteRun::Report() {
  const std::uint64_t now = Now();
  if (asked_at_) polite_times_.AddUnanswered(now - *asked_at_);
  for (const HealthCheck& check : checks_) health_times_.AddUnanswered(now - check.began);
  const nlohmann::json report = {
      {"polite", polite_times_.Take()},
      {"health", health_times_.Take()},
      {"lateness", lateness_.Take()},
  };
  Commands::Say(report.dump());
}

}  // namespace upgate::bench
