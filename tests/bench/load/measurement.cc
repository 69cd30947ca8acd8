#include "tests/bench/load/measurement.h"

#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

Measurement::Measurement(Loop& loop, const Plan& plan)
    : loop_(loop), plan_(plan), gateway_(plan.gateway) {}

void Measurement::TurnFor(double seconds) {
  const std::uint64_t end = Now() + static_cast<std::uint64_t>(seconds * kSecond);
  while (Now() < end) loop_.Turn(end);
}

void Measurement::Run(const std::uint64_t& messages) {
  TurnFor(plan_.warmup);
  latency_.Clear();
  measuring_ = true;
  const auto cpu_before = gateway_.Read();
  const std::uint64_t messages_before = messages;
  const std::uint64_t idle_before = loop_.idle();
  const std::uint64_t began = Now();
  TurnFor(plan_.seconds);
  elapsed_ = Now() - began;
  messages_ = messages - messages_before;
  idle_ = loop_.idle() - idle_before;
  cpu_ = ProcessTree::Between(cpu_before, gateway_.Read());
  measuring_ = false;
  if (messages_ == 0) Die("nothing came through in the measured time");
}

nlohmann::json Measurement::Report() const {
  const auto seconds = static_cast<double>(elapsed_) / kSecond;
  const auto per_message = [&](std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000 / static_cast<double>(messages_);
  };
  const auto share = [&](std::uint64_t part) {
    return static_cast<double>(part) / static_cast<double>(elapsed_);
  };
  nlohmann::json report = {
      {"messages", messages_},
      {"seconds", seconds},
      {"per_second", static_cast<double>(messages_) / seconds},
      {"cpu_us",
       {{"user", per_message(cpu_.user)},
        {"system", per_message(cpu_.system)},
        {"total", per_message(cpu_.total())}}},
      {"busy", {{"gateway", share(cpu_.total())}, {"load", 1 - share(idle_)}}},
  };
  if (latency_.Quantile(1) > 0) {
    const auto micros = [&](double quantile) {
      return static_cast<double>(latency_.Quantile(quantile)) / 1000;
    };
    report["latency_us"] = {
        {"p50", micros(0.5)}, {"p99", micros(0.99)}, {"p99.9", micros(0.999)}, {"max", micros(1)}};
  }
  return report;
}

}  // namespace upgate::bench
