// The cost of a session's two log lines for the thread that serves it, with a reader on standard
// error, for one thread and for several at once. No line is lost: after each burst, outside of the
// measured time, the threads wait until all is written.
//   build/release/tests/bench/log 2> >(cat >/dev/null)
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "gateway/base/log.h"

namespace upgate::bench {
namespace {

constexpr std::uint64_t kBurst = 256;  // sessions

void SessionLines(benchmark::State& state, LogFormat format) {
  static Log& log = *MakeStderrLog(LogLevel::kInfo, format).release();
  const std::string client = "203.0.113.7:51234";
  const std::string route = "/mqtt";
  const std::string server = "tcp://127.0.0.1:1883";
  std::uint64_t id = 0;
  for (auto _ : state) {
    if (++id % kBurst == 0) {
      state.PauseTiming();
      log.Flush(std::chrono::minutes(1));
      state.ResumeTiming();
    }
    log.Info("session open", {{"id", id},
                              {"client", client},
                              {"route", route},
                              {"server", server},
                              {"subprotocol", "mqtt"},
                              {"extensions", ""},
                              {"dialect", "rfc6455"}});
    log.Info("session close", {{"id", id},
                               {"client", client},
                               {"route", route},
                               {"server", server},
                               {"subprotocol", "mqtt"},
                               {"dialect", "rfc6455"},
                               {"duration_s", 12.345},
                               {"messages_in", std::uint64_t{1234}},
                               {"bytes_in", std::uint64_t{123456}},
                               {"messages_out", std::uint64_t{4321}},
                               {"bytes_out", std::uint64_t{654321}},
                               {"code", std::uint64_t{1000}},
                               {"closed_by", "client"},
                               {"why", "the client closed"}});
  }
  state.counters["lost"] = static_cast<double>(log.lines_lost());
}

BENCHMARK_CAPTURE(SessionLines, text, LogFormat::kText)->ThreadRange(1, 4);
BENCHMARK_CAPTURE(SessionLines, json, LogFormat::kJson)->ThreadRange(1, 4);

}  // namespace
}  // namespace upgate::bench

BENCHMARK_MAIN();
