#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/bench/load/answer_times.h"
#include "tests/bench/load/numbered.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/ramp.h"
#include "tests/bench/load/short_sessions.h"
#include "tests/bench/load/steady_client.h"
#include "tests/bench/wire/loop.h"

namespace upgate::bench {

// Clients that stay connected and send one message per second each, and short sessions at a steady
// rate, while somebody else changes the gateway. Prints "open" when all clients are connected.
// Commands on standard input, each answered with one line of JSON:
//   report    what happened since the last report
//   finish    the same, after sending nothing more and waiting for the echoes; those that do not
//             come are lost
// Ends with standard input.
class SteadyRun {
 public:
  SteadyRun(Loop& loop, const Plan& plan);

  void Run();

 private:
  void StartClient(std::size_t index);
  void OnCommand(std::string_view line);
  void SendUntil(std::uint64_t now);
  void TickUntil(std::uint64_t now);
  void StartSessionsUntil(std::uint64_t now);
  std::uint64_t NextEvent() const;
  // Whether all echoes that can come have come.
  bool Drained(std::uint64_t now) const;
  void Report();

  Loop& loop_;
  const Plan& plan_;
  NumberedMessages messages_;
  SteadyCounts counts_;
  AnswerTimes lateness_;  // of this program's own timers
  ShortSessions sessions_;
  Ramp ramp_;
  SteadyClient::Shared shared_;
  std::vector<std::unique_ptr<SteadyClient>> clients_;
  std::uint64_t began_ = 0;
  std::uint64_t reported_at_ = 0;
  std::uint64_t ticks_ = 0;  // of all clients
  std::uint64_t sessions_started_ = 0;
  std::optional<std::uint64_t> finishing_since_;  // nothing more is sent
};

}  // namespace upgate::bench
