#include "tests/bench/load/steady_run.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/bench/load/commands.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

constexpr std::uint64_t kDrain = 5 * kSecond;
constexpr std::uint64_t kDrainStep = kSecond / 100;
// One short session in so many uses TLS, if steady clients do.
constexpr std::uint64_t kSecureEvery = 10;

// The time of the event with this number, of `rate` per second.
std::uint64_t TimeOf(std::uint64_t number, std::uint64_t rate) {
  return number / rate * kSecond + number % rate * kSecond / rate;
}

}  // namespace

SteadyRun::SteadyRun(Loop& loop, const Plan& plan)
    : loop_(loop),
      plan_(plan),
      sessions_(loop, messages_),
      ramp_(plan.connections + plan.secure_connections,
            [this](std::size_t index) { StartClient(index); }),
      shared_{.loop = loop, .messages = messages_, .counts = counts_, .on_first_open = [this] {
                ramp_.OnOpen();
              }} {
  if (plan.connections + plan.secure_connections == 0) Die("no connections");
}

void SteadyRun::StartClient(std::size_t index) {
  const Target& target = index < plan_.connections ? plan_.target : plan_.secure;
  clients_.push_back(std::make_unique<SteadyClient>(shared_, target, plan_.SourceOf(index), index));
}

void SteadyRun::Run() {
  ramp_.Run(loop_);
  Commands commands(loop_, [this](std::string_view line) { OnCommand(line); });
  Commands::Say("open");
  began_ = reported_at_ = Now();
  bool finished = false;
  while (!commands.ended()) {
    const std::uint64_t now = Now();
    if (!finishing_since_) SendUntil(now);
    sessions_.Expire(now);
    if (!finished && finishing_since_ && Drained(now)) {
      finished = true;
      for (const auto& client : clients_) counts_.lost += client->unanswered();
      Report();
    }
    loop_.Turn(finishing_since_ ? now + kDrainStep : NextEvent());
  }
}

void SteadyRun::OnCommand(std::string_view line) {
  if (line == "report") return Report();
  if (line != "finish") Die("unknown command: " + std::string(line));
  finishing_since_ = Now();
}

void SteadyRun::SendUntil(std::uint64_t now) {
  TickUntil(now);
  StartSessionsUntil(now);
}

// The ticks of the clients are spread evenly over each second.
void SteadyRun::TickUntil(std::uint64_t now) {
  for (;; ++ticks_) {
    const std::uint64_t due = began_ + TimeOf(ticks_, clients_.size());
    if (due > now) return;
    lateness_.Add(now - due, true);
    clients_[ticks_ % clients_.size()]->Tick(now);
  }
}

void SteadyRun::StartSessionsUntil(std::uint64_t now) {
  if (plan_.handshakes == 0) return;
  for (; began_ + TimeOf(sessions_started_, plan_.handshakes) <= now; ++sessions_started_) {
    const bool secure = plan_.secure_connections > 0 && sessions_started_ % kSecureEvery == 0;
    sessions_.Start(secure ? plan_.secure : plan_.target, plan_.SourceOf(sessions_started_));
  }
}

std::uint64_t SteadyRun::NextEvent() const {
  const std::uint64_t tick = began_ + TimeOf(ticks_, clients_.size());
  if (plan_.handshakes == 0) return tick;
  return std::min(tick, began_ + TimeOf(sessions_started_, plan_.handshakes));
}

bool SteadyRun::Drained(std::uint64_t now) const {
  if (now > *finishing_since_ + kDrain) return true;
  return sessions_.idle() && std::ranges::all_of(clients_, [](const auto& client) {
           return client->unanswered() == 0;
         });
}

void SteadyRun::Report() {
  const std::uint64_t now = Now();
  const nlohmann::json report = {
      {"seconds", static_cast<double>(now - reported_at_) / kSecond},
      {"steady", counts_.Take()},
      {"sessions", sessions_.Take()},
      {"lateness", lateness_.Take()},
  };
  reported_at_ = now;
  Commands::Say(report.dump());
}

}  // namespace upgate::bench
