#include "gateway/stats/stats.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/stats/sum.h"
#include "tests/unit/stats/test_rows.h"

namespace upgate::stats::stats_test {
namespace {

using Json = nlohmann::json;

TestRows::Names SmallNames() {
  return {.listeners = {"0.0.0.0:8080"},
          .routes = {"/echo", "/live/*"},
          .servers = {{"live", "ws://live-1:9000"}}};
}

Json Read(const Registry& registry) {
  return Json::parse(registry.Json());
}

TEST(CounterTest, GoesBothWays) {
  Counter counter;
  counter.Add();
  counter.Add(5);
  counter.Subtract(2);
  EXPECT_EQ(counter.Get(), 4U);
  counter.Subtract(4);
  EXPECT_EQ(counter.Get(), 0U);
}

TEST(HistogramTest, BucketsArePowersOfTwo) {
  Histogram histogram;
  for (const std::uint64_t value : {0, 1, 2, 3, 4, 7, 8}) histogram.Record(value);
  const std::array<std::uint64_t, 5> expected{1, 1, 2, 2, 1};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(histogram.bucket(i), expected[i]) << i;
  EXPECT_EQ(histogram.sum(), 25U);
  EXPECT_EQ(CountOf(histogram), 7U);
  EXPECT_EQ(UsedBuckets(histogram), 5U);
  EXPECT_EQ(Histogram::UpperBound(0), 0U);
  EXPECT_EQ(Histogram::UpperBound(3), 7U);
}

TEST(HistogramTest, TheLastBucketHasNoEnd) {
  Histogram histogram;
  histogram.Record((std::uint64_t{1} << 39) - 1);
  histogram.Record(std::uint64_t{1} << 39);
  histogram.Record(std::uint64_t{1} << 50);
  EXPECT_EQ(histogram.bucket(39), 1U);
  EXPECT_EQ(histogram.bucket(40), 2U);
  EXPECT_EQ(UsedBuckets(histogram), Histogram::kBuckets);
}

TEST(QuantileTest, LiesInTheBucketOfTheValue) {
  Histogram histogram;
  EXPECT_EQ(Quantile(histogram, 0.5), 0U);
  for (int i = 0; i < 98; ++i) histogram.Record(10);
  for (int i = 0; i < 2; ++i) histogram.Record(1000);
  EXPECT_GE(Quantile(histogram, 0.5), 8U);
  EXPECT_LE(Quantile(histogram, 0.5), 15U);
  EXPECT_LE(Quantile(histogram, 0.9), 15U);
  EXPECT_GE(Quantile(histogram, 0.99), 512U);
  EXPECT_LE(Quantile(histogram, 0.99), 1023U);
  EXPECT_EQ(Quantile(histogram, 1), 1023U);
}

TEST(QuantileTest, OfEvenlySpreadValuesIsNear) {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 1024; ++value) histogram.Record(value);
  EXPECT_NEAR(static_cast<double>(Quantile(histogram, 0.5)), 512, 2);
  EXPECT_NEAR(static_cast<double>(Quantile(histogram, 0.9)), 922, 2);
}

TEST(CloseCodesTest, CountsCodesAndRanges) {
  CloseCodes codes;
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{1000, 1000, 1006, 1015, 3000, 3999, 4000, 4500, 4999})
    codes.Count(code);
  EXPECT_EQ(codes.standard[0].Get(), 2U);
  EXPECT_EQ(codes.standard[6].Get(), 1U);
  EXPECT_EQ(codes.standard[15].Get(), 1U);
  EXPECT_EQ(codes.library.Get(), 2U);
  EXPECT_EQ(codes.application.Get(), 3U);
}

TEST(CloseCodesTest, OmitsInvalidCodes) {
  CloseCodes codes;
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{0, 999, 1016, 2999, 5000, 65535})
    codes.Count(code);
  for (const Counter& counter : codes.standard) EXPECT_EQ(counter.Get(), 0U);
  EXPECT_EQ(codes.library.Get() + codes.application.Get(), 0U);
}

TEST(ListenerStatsTest, CountsResponsesByClass) {
  ListenerStats listener;
  for (const int status : {101, 200, 204, 301, 400, 404, 431, 502, 0, -1, 99, 600, 999}) {
    listener.CountResponse(status);
  }
  EXPECT_EQ(listener.responses_1xx.Get(), 1U);
  EXPECT_EQ(listener.responses_2xx.Get(), 2U);
  EXPECT_EQ(listener.responses_3xx.Get(), 1U);
  EXPECT_EQ(listener.responses_4xx.Get(), 3U);
  EXPECT_EQ(listener.responses_5xx.Get(), 1U);
}

// Each counter gets a unique number, half of it from each loop, so that mix-ups are detected.
TEST(JsonTest, RoutesAreSummedOverLoops) {
  TestRows small(SmallNames(), 2);
  for (std::size_t i = 0; i < 2; ++i) {
    RouteStats& route = small.route(i, 1);
    route.requests.Add(1);
    route.sessions_open.Add(2);
    route.sessions_total.Add(3);
    route.sessions_by_dialect[static_cast<std::size_t>(config::Dialect::kHixie76)].Add(2);
    for (std::size_t o = 0; o < kHandshakeOutcomes; ++o) route.handshakes[o].Add(10 + o);
    route.refusals[static_cast<std::size_t>(Refusal::kAddress)].Add(20);
    route.in.text_messages.Add(21);
    route.in.binary_messages.Add(22);
    route.in.bytes.Add(23);
    route.in.frames.Add(24);
    route.in.pings.Add(25);
    route.in.pongs.Add(26);
    route.in.closes.Add(27);
    route.out.text_messages.Add(31);
    route.out.closes.Add(32);
    route.close_codes.Count(1000);
    route.close_codes.Count(4321);
  }
  const Json json = Read(small.registry());
  const Json& idle = json["routes"][0];
  EXPECT_EQ(idle["name"], "/echo");
  EXPECT_EQ(idle["requests"], 0);
  EXPECT_EQ(idle["close_codes"], Json::object());

  const Json& route = json["routes"][1];
  EXPECT_EQ(route["name"], "/live/*");
  EXPECT_EQ(route["requests"], 2);
  EXPECT_EQ(route["sessions_open"], 4);
  EXPECT_EQ(route["sessions_total"], 6);
  EXPECT_EQ(route["sessions_by_dialect"],
            (Json{{"rfc6455", 0}, {"hybi08", 0}, {"hixie76", 4}, {"hixie75", 0}}));
  EXPECT_EQ(route["handshakes"].size(), kHandshakeOutcomes);
  EXPECT_EQ(route["refusals"], (Json{{"address", 40},
                                     {"handshakes", 0},
                                     {"requests", 0},
                                     {"sessions_per_client", 0},
                                     {"overload", 0},
                                     {"body_size", 0}}));
  EXPECT_EQ(route["handshakes"]["accepted"], 20);
  EXPECT_EQ(route["handshakes"]["shutting_down"], 36);
  EXPECT_EQ(route["in"]["text_messages"], 42);
  EXPECT_EQ(route["in"]["binary_messages"], 44);
  EXPECT_EQ(route["in"]["bytes"], 46);
  EXPECT_EQ(route["in"]["frames"], 48);
  EXPECT_EQ(route["in"]["pings"], 50);
  EXPECT_EQ(route["in"]["pongs"], 52);
  EXPECT_EQ(route["in"]["closes"], 54);
  EXPECT_EQ(route["out"]["text_messages"], 62);
  EXPECT_EQ(route["out"]["closes"], 64);
  EXPECT_EQ(route["out"]["bytes"], 0);
  EXPECT_EQ(route["close_codes"], (Json{{"1000", 2}, {"4000-4999", 2}}));
}

TEST(JsonTest, ListenersServersAndLoops) {
  TestRows small(SmallNames(), 2);
  for (std::size_t i = 0; i < 2; ++i) {
    small.registry().WatchLoop(i, [i] { return LoopTimes{100 + i, 200 + i}; });
    small.route(i, 0).sessions_open.Add(5 + i);
    ListenerStats& listener = small.listener(i, 0);
    listener.connections_open.Add(1 + i);
    listener.connections_total.Add(12);
    listener.requests.Add(13);
    listener.tls_failures[static_cast<std::size_t>(TlsFault::kVersion)].Add(14);
    listener.connection_errors.Add(15);
    listener.accept_pauses[static_cast<std::size_t>(WaitReason::kConnections)].Add(1);
    listener.accept_pauses[static_cast<std::size_t>(WaitReason::kSystem)].Add(2);
    listener.connections_refused.Add(3);
    listener.turned_away[static_cast<std::size_t>(TurnedAway::kAddress)].Add(5);
    listener.proxy_refusals[static_cast<std::size_t>(ProxyFault::kAbsent)].Add(4);
    listener.CountResponse(101);
    listener.CountResponse(404);
    ServerStats& server = small.server(i, 0);
    server.connects.Add(21);
    server.connect_failures.Add(22);
    server.connect_timeouts.Add(23);
    server.sessions_open.Add(24);
    server.sessions_total.Add(25);
    server.bytes_sent.Add(26);
    server.bytes_received.Add(27);
    server.sessions_compressed.Add(29);
    server.compression_declined.Add(30);
    server.in.text_messages.Add(31);
    server.in.message_size.Record(7);
    server.out.compressed_bytes.Add(32);
    server.connect_us.Record(28);
  }
  const Json json = Read(small.registry());
  EXPECT_EQ(
      json["listeners"],
      (Json::array(
          {{{"address", "0.0.0.0:8080"},
            {"drained", false},
            {"connections_open", 3},
            {"connections_total", 24},
            {"requests", 26},
            {"responses", {{"1xx", 2}, {"2xx", 0}, {"3xx", 0}, {"4xx", 2}, {"5xx", 0}}},
            {"tls_failures",
             {{"other", 0},
              {"plain_http", 0},
              {"not_tls", 0},
              {"version", 28},
              {"certificate", 0},
              {"alert", 0},
              {"gone", 0},
              {"timeout", 0}}},
            {"connection_errors", 30},
            {"accept_pauses",
             {{"connections", 2},
              {"descriptors", 0},
              {"system", 4},
              {"accept_rate", 0},
              {"tls_handshakes", 0}}},
            {"connections_refused", 6},
            {"turned_away", {{"address", 10}, {"connections_per_client", 0}, {"overload", 0}}},
            {"proxy_refusals",
             {{"untrusted", 0},
              {"absent", 8},
              {"malformed", 0},
              {"checksum", 0},
              {"timeout", 0},
              {"gone", 0}}}}})));
  Json server = json["servers"][0];
  EXPECT_EQ(server["connect_us"]["count"], 2);
  server.erase("connect_us");
  EXPECT_EQ(server["received"]["text_messages"], 62);
  EXPECT_EQ(server["received"]["message_size"]["sum"], 14);
  EXPECT_EQ(server["sent"]["compressed_bytes"], 64);
  server.erase("received");
  server.erase("sent");
  EXPECT_EQ(server, (Json{{"backend", "live"},
                          {"url", "ws://live-1:9000"},
                          {"failed", false},
                          {"drained", false},
                          {"up", true},
                          {"ejected", false},
                          {"weight", 1},
                          {"retries", 0},
                          {"connects", 42},
                          {"connect_failures", 44},
                          {"connect_timeouts", 46},
                          {"sessions_open", 48},
                          {"sessions_total", 50},
                          {"bytes_sent", 52},
                          {"bytes_received", 54},
                          {"sessions_compressed", 58},
                          {"compression_declined", 60}}));
  EXPECT_EQ(
      json["loops"],
      (Json::array(
          {{{"turns", 100}, {"busy_us", 200}, {"connections_open", 1}, {"sessions_open", 5}},
           {{"turns", 101}, {"busy_us", 201}, {"connections_open", 2}, {"sessions_open", 6}}})));
}

TEST(JsonTest, TotalsAreOverRoutesAndListeners) {
  TestRows small(SmallNames(), 2);
  small.route(0, 0).sessions_open.Add(2);
  small.route(1, 1).sessions_open.Add(3);
  small.route(0, 0).in.message_size.Record(100);
  small.route(1, 1).in.message_size.Record(200);
  small.listener(1, 0).requests.Add(7);
  small.route(1, 0).requests.Add(5);
  small.registry().loop(1).unrouted.Add(2);
  small.listener(0, 0).connections_open.Add(4);
  const Json totals = Read(small.registry())["totals"];
  EXPECT_EQ(totals["sessions_open"], 5);
  EXPECT_EQ(totals["in"]["message_size"]["sum"], 300);
  EXPECT_EQ(totals["requests"], 7);
  EXPECT_EQ(totals["unrouted"], 2);
  EXPECT_EQ(totals["connections_open"], 4);
}

TEST(JsonTest, Histograms) {
  TestRows small(SmallNames(), 2);
  small.route(0, 0).handshake_us.Record(0);
  small.route(0, 0).handshake_us.Record(5);
  small.route(1, 0).handshake_us.Record(6);
  small.route(1, 0).out.message_size.Record(std::numeric_limits<std::uint64_t>::max() / 4);
  const Json route = Read(small.registry())["routes"][0];
  const Json& histogram = route["handshake_us"];
  EXPECT_EQ(histogram["count"], 3);
  EXPECT_EQ(histogram["sum"], 11);
  EXPECT_EQ(histogram["buckets"], (Json{{"0", 1}, {"1", 1}, {"3", 1}, {"7", 3}, {"+Inf", 3}}));
  EXPECT_GE(histogram["p50"], 4);
  EXPECT_LE(histogram["p99"], 7);
  EXPECT_EQ(route["out"]["message_size"]["buckets"]["+Inf"], 1);
  EXPECT_EQ(route["in"]["message_size"]["buckets"], (Json{{"+Inf", 0}}));
}

TEST(JsonTest, Memory) {
  io::MemoryTotal total(1000);
  total.Change(700);
  Registry registry({}, 2);
  EXPECT_EQ(Read(registry)["memory"]["limit_bytes"], 0);
  registry.WatchMemory(total);
  registry.loop(0).memory.waiting.Add(2);
  registry.loop(1).memory.waits.Add(3);
  registry.loop(0).memory.refusals[0].Add(4);
  registry.loop(1).memory.refusals[0].Add(1);
  const Json memory = Read(registry)["memory"];
  EXPECT_EQ(memory["held_bytes"], 700);
  EXPECT_EQ(memory["limit_bytes"], 1000);
  EXPECT_EQ(memory["waiting"], 2);
  EXPECT_EQ(memory["waits"], 3);
  EXPECT_EQ(memory["refusals"], (Json{{"request", 5},
                                      {"unfinished_request", 0},
                                      {"session", 0},
                                      {"stalled_reader", 0},
                                      {"tls_handshake", 0},
                                      {"connection", 0}}));
}

TEST(JsonTest, SaysWhatTheProcessIsOutOf) {
  Registry registry({}, 2);
  const Json none{{"descriptors", false}, {"memory", false}, {"loop_lag", false}};
  EXPECT_EQ(Read(registry)["overload"], none);
  Overload overload;
  registry.WatchOverload(overload);
  EXPECT_EQ(Read(registry)["overload"], none);
  OverloadSet lag;
  lag.Set(OverloadReason::kLoopLag, true);
  overload.Set(1, lag);
  EXPECT_EQ(Read(registry)["overload"],
            (Json{{"descriptors", false}, {"memory", false}, {"loop_lag", true}}));
}

TEST(JsonTest, Process) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  const Json process = Read(Registry({}, 1))["process"];
  EXPECT_EQ(process["pid"], getpid());
  EXPECT_GE(process["started"], now);
  EXPECT_LE(process["started"], now + 60);
  EXPECT_GE(process["uptime_s"], 0);
  EXPECT_GE(process["time_ms"], std::int64_t{1000} * std::time(nullptr) - 60'000);
  EXPECT_GT(process["resident_bytes"], 100'000);
  EXPECT_GE(process["open_fds"], 3);
  EXPECT_GT(process["max_fds"], process["open_fds"]);
}

TEST(JsonTest, Reloads) {
  Registry registry({}, 1);
  Json json = Read(registry);
  EXPECT_EQ(json["generation"], 0);
  EXPECT_EQ(json["generation_loaded"], 0);
  EXPECT_EQ(json["reloads"], (Json{{"ok", 0}, {"failed", 0}}));
  const std::time_t now = std::time(nullptr);
  registry.SetGeneration(2);
  registry.CountReload(true);
  registry.CountReload(false);
  registry.CountReload(false);
  json = Read(registry);
  EXPECT_EQ(json["generation"], 2);
  EXPECT_GE(json["generation_loaded"], now);
  EXPECT_EQ(json["reloads"], (Json{{"ok", 1}, {"failed", 2}}));
}

TEST(JsonTest, Certificates) {
  using Owner = Certificate::Owner;
  Registry registry({}, 1);
  EXPECT_EQ(Read(registry)["certificates"], Json::array());
  const std::time_t now = std::time(nullptr);
  registry.SetCertificates({
      {Owner::kListener, "[::]:443", "/tls/a.crt", {"a.example", "10.0.0.1"}, now + 1000},
      {Owner::kListener, "[::]:443", "/tls/a.crt", {"a.example"}, now},
      {Owner::kBackend, "[::]:443", "/tls/a.crt", {}, 1'767'323'045},
  });
  const Json certificates = Read(registry)["certificates"];
  ASSERT_EQ(certificates.size(), 2u) << "one for each owner and file";
  EXPECT_EQ(certificates[0]["listener"], "[::]:443");
  EXPECT_EQ(certificates[0]["file"], "/tls/a.crt");
  EXPECT_EQ(certificates[0]["names"], (Json{"a.example", "10.0.0.1"}));
  EXPECT_LE(certificates[0]["seconds_left"], 1000);
  EXPECT_EQ(certificates[1]["backend"], "[::]:443");
  EXPECT_EQ(certificates[1]["names"], Json::array());
  EXPECT_EQ(certificates[1]["not_after"], "2026-01-02T03:04:05Z");
  EXPECT_LT(certificates[1]["seconds_left"], 0);
  registry.SetCertificates({});
  EXPECT_EQ(Read(registry)["certificates"], Json::array());
}

TEST(JsonTest, LogLinesLost) {
  Registry registry({}, 1);
  EXPECT_EQ(Read(registry)["process"]["log_lines_lost"], 0);
  std::uint64_t lost = 3;
  registry.WatchLog([&] { return lost; });
  EXPECT_EQ(Read(registry)["process"]["log_lines_lost"], 3);
  lost = 4;
  EXPECT_EQ(Read(registry)["process"]["log_lines_lost"], 4);
}

TEST(JsonTest, OpenFdsCountOpenDescriptors) {
  const Registry registry({}, 1);
  const auto before = Read(registry)["process"]["open_fds"].get<int>();
  const int fd = dup(STDERR_FILENO);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Read(registry)["process"]["open_fds"].get<int>(), before + 1);
  close(fd);
}

TEST(JsonTest, NamesThatAreNotUtf8StillMakeJson) {
  TestRows rows({.listeners = {"a\"\n\\b"}, .routes = {"/\xff"}, .servers = {}}, 1);
  const Json json = Read(rows.registry());
  EXPECT_EQ(json["listeners"][0]["address"], "a\"\n\\b");
  EXPECT_EQ(json["routes"][0]["name"], "/\uFFFD");
}

// For the thread sanitizer; also checks that values never decrease for a reader.
TEST(RegistryTest, LoopsCountWhileOthersRead) {
  constexpr std::uint64_t kRounds = 20'000;
  TestRows small(SmallNames(), 2);
  Registry& registry = small.registry();
  std::atomic<int> running = 2;
  std::atomic<std::uint64_t> turns = 0;
  registry.WatchLoop(0, [&] { return LoopTimes{turns.load(), 0}; });
  const auto count = [&](std::size_t index) {
    LoopStats& loop = registry.loop(index);
    RouteStats& route = small.route(index, 0);
    ListenerStats& listener = small.listener(index, 0);
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      loop.unrouted.Add();
      turns.fetch_add(1, std::memory_order_relaxed);
      route.in.bytes.Add(10);
      route.in.message_size.Record(10);
      route.sessions_open.Add();
      route.sessions_open.Subtract();
      listener.CountResponse(200);
    }
    --running;
  };
  std::thread first(count, 0);
  std::thread second(count, 1);
  std::uint64_t last = 0;
  while (running > 0) {
    const auto seen = Read(registry)["routes"][0]["in"]["bytes"].get<std::uint64_t>();
    EXPECT_GE(seen, last);
    last = seen;
    EXPECT_FALSE(registry.Prometheus().empty());
  }
  first.join();
  second.join();
  const Json json = Read(registry);
  EXPECT_EQ(json["routes"][0]["in"]["bytes"], 2 * 10 * kRounds);
  EXPECT_EQ(json["routes"][0]["in"]["message_size"]["count"], 2 * kRounds);
  EXPECT_EQ(json["routes"][0]["sessions_open"], 0);
  EXPECT_EQ(json["listeners"][0]["responses"]["2xx"], 2 * kRounds);
  EXPECT_EQ(json["loops"][0]["turns"], 2 * kRounds);
  EXPECT_EQ(json["loops"][1]["turns"], 0);
}

}  // namespace
}  // namespace upgate::stats::stats_test
