#include <cmath>
#include <ctime>
#include <limits>
#include <map>
#include <optional>
#include <re2/re2.h>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/stats/stats.h"
#include "tests/unit/stats/test_rows.h"

namespace upgate::stats {
namespace {

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

struct Family {
  std::string name;
  std::string type;
  std::vector<Sample> samples;
};

double ToNumber(const std::string& text) {
  if (text == "+Inf") return std::numeric_limits<double>::infinity();
  std::size_t used = 0;
  const double value = std::stod(text, &used);
  EXPECT_EQ(used, text.size()) << text;
  return value;
}

std::string Unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else {
      out += text[++i] == 'n' ? '\n' : text[i];
    }
  }
  return out;
}

std::optional<Sample> ParseSample(const std::string& line) {
  static const RE2 kLine(R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})? ([^ ]+))");
  static const RE2 kLabel(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$))re");
  Sample sample;
  std::string labels;
  std::string value;
  if (!RE2::FullMatch(line, kLine, &sample.name, &labels, &value)) return {};
  sample.value = ToNumber(value);
  std::string name;
  std::string end;
  for (re2::StringPiece rest(labels); !rest.empty();) {
    if (!RE2::Consume(&rest, kLabel, &name, &value, &end)) return {};
    if (end.empty() != rest.empty()) return {};
    if (!sample.labels.emplace(name, Unescape(value)).second) return {};
  }
  return sample;
}

// Whether a sample with this name belongs to the family.
bool BelongsTo(const Sample& sample, const Family& family) {
  if (family.type != "histogram") return sample.name == family.name;
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    if (sample.name == family.name + suffix) return true;
  }
  return false;
}

// A strict parser of the exposition format 0.0.4: HELP, TYPE, then the samples, without duplicates.
std::vector<Family> Parse(const std::string& text) {
  std::vector<Family> families;
  std::set<std::string> names;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> series;
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream lines(text);
  std::string help;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    if (line.starts_with("# HELP ")) {
      words >> hash >> what >> help;
      EXPECT_GT(line.size(), 8 + help.size()) << "no text: " << line;
    } else if (line.starts_with("# TYPE ")) {
      words >> hash >> what >> name >> type;
      EXPECT_EQ(name, help) << "HELP and TYPE differ";
      EXPECT_TRUE(type == "counter" || type == "gauge" || type == "histogram") << line;
      EXPECT_TRUE(names.insert(name).second) << "twice: " << name;
      families.push_back({name, type, {}});
    } else {
      const auto sample = ParseSample(line);
      if (!sample || families.empty()) {
        ADD_FAILURE() << "malformed: " << line;
        continue;
      }
      EXPECT_TRUE(BelongsTo(*sample, families.back())) << line;
      EXPECT_TRUE(series.emplace(sample->name, sample->labels).second) << "twice: " << line;
      families.back().samples.push_back(*sample);
    }
  }
  return families;
}

std::vector<Family> Read(const Registry& registry) {
  return Parse(registry.Prometheus());
}

// The value of the only sample with these labels, or NaN.
double ValueOf(const std::vector<Family>& families, const std::string& name,
               const std::map<std::string, std::string>& labels = {}) {
  for (const Family& family : families) {
    for (const Sample& sample : family.samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
  }
  return std::nan("");
}

TestRows::Names SmallNames() {
  return {.listeners = {"[::]:8080", "unix:/run/a"},
          .routes = {"/echo", "/live/* app.example.com"},
          .servers = {{"live", "ws://live-1:9000"}, {"live", "ws://live-2:9000"}}};
}

// Sets every counter of the loop to something.
void Fill(TestRows& small, std::size_t loop) {
  small.registry().loop(loop).unrouted.Add(3);
  for (const auto& row : small.rows().listeners) {
    ListenerStats& listener = row->loops[loop];
    listener.connections_open.Add(2);
    listener.requests.Add(9);
    listener.CountResponse(101);
    listener.accept_pauses[static_cast<std::size_t>(WaitReason::kDescriptors)].Add(31);
    listener.connections_refused.Add(32);
    listener.turned_away[static_cast<std::size_t>(TurnedAway::kAddress)].Add(33);
  }
  for (const auto& row : small.rows().routes) {
    RouteStats& route = row->loops[loop];
    route.requests.Add(4);
    route.refusals[static_cast<std::size_t>(Refusal::kAddress)].Add(34);
    route.sessions_open.Add(1);
    route.sessions_total.Add(5);
    route.sessions_by_dialect[static_cast<std::size_t>(config::Dialect::kHybi08)].Add(2);
    route.handshakes[static_cast<std::size_t>(HandshakeOutcome::kForbiddenOrigin)].Add(6);
    route.handshake_us.Record(1000);
    route.handshake_us.Record(3);
    route.in.text_messages.Add(11);
    route.in.binary_messages.Add(12);
    route.in.bytes.Add(13);
    route.out.frames.Add(14);
    route.out.pings.Add(15);
    route.out.message_size.Record(0);
    route.out.message_size.Record(100);
    route.out.message_size.Record(std::uint64_t{1} << 45);
    route.close_codes.Count(1000);
    route.close_codes.Count(3001);
  }
  for (const auto& row : small.rows().servers) {
    ServerStats& server = row->loops[loop];
    server.connects.Add(21);
    server.bytes_sent.Add(22);
    server.bytes_received.Add(23);
    server.sessions_compressed.Add(24);
    server.in.binary_messages.Add(25);
    server.out.pongs.Add(26);
    server.out.inflated_bytes.Add(27);
    server.connect_us.Record(2'000'000);
  }
}

TEST(PrometheusTest, NamesFollowTheRules) {
  TestRows small(SmallNames(), 2);
  Fill(small, 0);
  small.registry().SetCertificates({{.name = "[::]:8080", .file = "a.crt", .names = {}}});
  small.rows().routes[0]->drained = true;
  for (const Family& family : Read(small.registry())) {
    EXPECT_TRUE(family.name.starts_with("upgate_")) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == "counter") << family.name;
    EXPECT_FALSE(family.samples.empty()) << family.name;
  }
}

TEST(PrometheusTest, ValuesAreSummedOverLoops) {
  TestRows small(SmallNames(), 2);
  Fill(small, 0);
  Fill(small, 1);
  small.registry().WatchLoop(1, [] { return LoopTimes{7, 1'500'000}; });
  small.registry().WatchLog([] { return std::uint64_t{12}; });
  const auto families = Read(small.registry());
  const auto value = [&](const std::string& name,
                         const std::map<std::string, std::string>& labels) {
    return ValueOf(families, name, labels);
  };
  const std::string route = "/live/* app.example.com";
  EXPECT_EQ(value("upgate_build_info", {{"version", "1.2.3"}, {"libuv", "1.44.2"}}), 1);
  EXPECT_EQ(value("upgate_log_lines_lost_total", {}), 12);
  EXPECT_EQ(value("upgate_loop_turns_total", {{"loop", "1"}}), 7);
  EXPECT_EQ(value("upgate_loop_busy_seconds_total", {{"loop", "1"}}), 1.5);
  EXPECT_EQ(value("upgate_loop_turns_total", {{"loop", "0"}}), 0);
  EXPECT_EQ(value("upgate_unrouted_requests_total", {}), 6);
  EXPECT_EQ(value("upgate_listener_connections_open", {{"listener", "unix:/run/a"}}), 4);
  EXPECT_EQ(value("upgate_listener_requests_total", {{"listener", "[::]:8080"}}), 18);
  EXPECT_EQ(value("upgate_listener_accept_pauses_total",
                  {{"listener", "[::]:8080"}, {"reason", "descriptors"}}),
            62);
  EXPECT_EQ(value("upgate_listener_accept_pauses_total",
                  {{"listener", "[::]:8080"}, {"reason", "system"}}),
            0);
  EXPECT_EQ(value("upgate_listener_refused_total", {{"listener", "[::]:8080"}}), 64);
  EXPECT_EQ(value("upgate_listener_turned_away_total",
                  {{"listener", "[::]:8080"}, {"reason", "address"}}),
            66);
  EXPECT_EQ(value("upgate_route_refusals_total", {{"route", route}, {"reason", "address"}}), 68);
  EXPECT_EQ(value("upgate_listener_responses_total", {{"listener", "[::]:8080"}, {"class", "1xx"}}),
            2);
  EXPECT_EQ(value("upgate_listener_responses_total", {{"listener", "[::]:8080"}, {"class", "5xx"}}),
            0);
  EXPECT_EQ(value("upgate_route_requests_total", {{"route", route}}), 8);
  EXPECT_EQ(value("upgate_sessions_open", {{"route", route}}), 2);
  EXPECT_EQ(value("upgate_sessions_total", {{"route", route}}), 10);
  EXPECT_EQ(value("upgate_dialect_sessions_total", {{"route", route}, {"dialect", "hybi08"}}), 4);
  EXPECT_EQ(value("upgate_dialect_sessions_total", {{"route", route}, {"dialect", "hixie75"}}), 0);
  EXPECT_EQ(value("upgate_handshakes_total", {{"route", route}, {"outcome", "forbidden_origin"}}),
            12);
  EXPECT_EQ(value("upgate_handshakes_total", {{"route", route}, {"outcome", "accepted"}}), 0);
  EXPECT_EQ(
      value("upgate_messages_total", {{"route", route}, {"direction", "in"}, {"kind", "text"}}),
      22);
  EXPECT_EQ(
      value("upgate_messages_total", {{"route", route}, {"direction", "in"}, {"kind", "binary"}}),
      24);
  EXPECT_EQ(value("upgate_payload_bytes_total", {{"route", route}, {"direction", "in"}}), 26);
  EXPECT_EQ(value("upgate_data_frames_total", {{"route", route}, {"direction", "out"}}), 28);
  EXPECT_EQ(value("upgate_control_frames_total",
                  {{"route", route}, {"direction", "out"}, {"opcode", "ping"}}),
            30);
  EXPECT_EQ(value("upgate_close_codes_total", {{"route", route}, {"code", "1000"}}), 2);
  EXPECT_EQ(value("upgate_close_codes_total", {{"route", route}, {"code", "3000-3999"}}), 2);
  const std::map<std::string, std::string> server{{"backend", "live"},
                                                  {"server", "ws://live-2:9000"}};
  EXPECT_EQ(value("upgate_server_connects_total", server), 42);
  EXPECT_EQ(value("upgate_server_sent_bytes_total", server), 44);
  EXPECT_EQ(value("upgate_server_received_bytes_total", server), 46);
  EXPECT_EQ(value("upgate_server_sessions_compressed_total", server), 48);
  const auto of_server = [&](const std::string& name, std::map<std::string, std::string> labels) {
    labels.insert(server.begin(), server.end());
    return value(name, labels);
  };
  EXPECT_EQ(
      of_server("upgate_server_messages_total", {{"direction", "received"}, {"kind", "binary"}}),
      50);
  EXPECT_EQ(
      of_server("upgate_server_control_frames_total", {{"direction", "sent"}, {"opcode", "pong"}}),
      52);
  EXPECT_EQ(of_server("upgate_server_inflated_bytes_total", {{"direction", "sent"}}), 54);
  EXPECT_EQ(of_server("upgate_server_inflated_bytes_total", {{"direction", "received"}}), 0);
  EXPECT_EQ(value("upgate_server_connect_seconds_sum", server), 4);
  EXPECT_EQ(value("upgate_memory_held_bytes", {}), 0);
  EXPECT_EQ(value("upgate_memory_limit_bytes", {}), 0);
  EXPECT_EQ(value("upgate_memory_waits_total", {}), 0);
  EXPECT_EQ(value("upgate_memory_waiting_clients", {}), 0);
  EXPECT_EQ(value("upgate_memory_refusals_total", {{"kind", "stalled_reader"}}), 0);
  EXPECT_GT(value("upgate_process_resident_bytes", {}), 0);
}

TEST(PrometheusTest, HistogramsAreCumulativeAndEndWithInf) {
  TestRows small(SmallNames(), 1);
  Fill(small, 0);
  int histograms = 0;
  for (const Family& family : Read(small.registry())) {
    if (family.type != "histogram") continue;
    double last_bound = -1;
    double last_count = 0;
    for (const Sample& sample : family.samples) {
      if (sample.name == family.name + "_bucket") {
        const double bound = ToNumber(sample.labels.at("le"));
        EXPECT_GT(bound, last_bound) << family.name;
        EXPECT_GE(sample.value, last_count) << family.name;
        last_bound = bound;
        last_count = sample.value;
      } else if (sample.name == family.name + "_count") {
        EXPECT_TRUE(std::isinf(last_bound)) << family.name;
        EXPECT_EQ(sample.value, last_count) << family.name;
        last_bound = -1;
        last_count = 0;
        ++histograms;
      }
    }
    EXPECT_EQ(last_bound, -1) << "without _count: " << family.name;
  }
  EXPECT_EQ(histograms, 2 + 2 * 2 + 2);
}

TEST(PrometheusTest, BoundsAreInBaseUnits) {
  TestRows small(SmallNames(), 1);
  Fill(small, 0);
  const auto families = Read(small.registry());
  const auto seconds = [&](const std::string& le) {
    return ValueOf(families, "upgate_handshake_seconds_bucket", {{"route", "/echo"}, {"le", le}});
  };
  EXPECT_EQ(seconds("6.3e-05"), 1);
  EXPECT_EQ(seconds("0.000511"), 1);
  EXPECT_EQ(seconds("0.001023"), 2);
  EXPECT_EQ(seconds("33.5544"), 2);
  EXPECT_EQ(seconds("+Inf"), 2);
  EXPECT_DOUBLE_EQ(ValueOf(families, "upgate_handshake_seconds_sum", {{"route", "/echo"}}),
                   0.001003);

  const auto bytes = [&](const std::string& le) {
    return ValueOf(families, "upgate_message_size_bytes_bucket",
                   {{"route", "/echo"}, {"direction", "out"}, {"le", le}});
  };
  EXPECT_EQ(bytes("15"), 1);
  EXPECT_EQ(bytes("127"), 2);
  EXPECT_EQ(bytes("1.07374e+09"), 2);
  EXPECT_EQ(bytes("+Inf"), 3);
}

// Sums over series, and rates over time, need the same bucket bounds in all of them.
TEST(PrometheusTest, AllSeriesOfAHistogramHaveTheSameBoundsAtAllTimes) {
  const auto bounds = [](const Registry& registry) {
    std::map<std::string, std::set<std::string>> all;
    std::map<std::string, int> buckets;
    for (const Family& family : Read(registry)) {
      for (const Sample& sample : family.samples) {
        if (!sample.name.ends_with("_bucket")) continue;
        all[family.name].insert(sample.labels.at("le"));
        ++buckets[family.name];
      }
    }
    for (const auto& [name, count] : buckets)
      EXPECT_EQ(count % static_cast<int>(all[name].size()), 0) << name;
    return all;
  };
  TestRows small(SmallNames(), 1);
  const auto before = bounds(small.registry());
  Fill(small, 0);
  EXPECT_EQ(bounds(small.registry()), before);
  EXPECT_EQ(before.size(), 3u);
}

// A URL that two backends have is one series, because it is drained in both.
TEST(PrometheusTest, WhatIsDrainedHasASeries) {
  TestRows small({.listeners = {"l"}, .routes = {"r"}, .servers = {{"b", "u"}, {"c", "u"}}}, 1);
  EXPECT_EQ(small.registry().Prometheus().find("\nupgate_drained{"), std::string::npos);
  small.rows().routes[0]->drained = true;
  for (const auto& server : small.rows().servers) server->drained = true;
  const auto families = Read(small.registry());
  EXPECT_EQ(ValueOf(families, "upgate_drained", {{"what", "route"}, {"name", "r"}}), 1);
  EXPECT_EQ(ValueOf(families, "upgate_drained", {{"what", "server"}, {"name", "u"}}), 1);
  EXPECT_TRUE(
      std::isnan(ValueOf(families, "upgate_drained", {{"what", "listener"}, {"name", "l"}})));
}

TEST(PrometheusTest, LabelsAreEscaped) {
  const std::string name = "~^/a\\d+\"x\"\n}";
  TestRows small({.listeners = {}, .routes = {name}, .servers = {{"b", "u"}}}, 1);
  small.route(0, 0).requests.Add(3);
  const std::string text = small.registry().Prometheus();
  EXPECT_NE(text.find(R"(upgate_route_requests_total{route="~^/a\\d+\"x\"\n}"} 3)"),
            std::string::npos);
  EXPECT_EQ(ValueOf(Parse(text), "upgate_route_requests_total", {{"route", name}}), 3);
}

// The same URL in two backends makes two series, and so do names that differ only in a number.
TEST(PrometheusTest, RowsOfLikeNamesAreSeriesOfTheirOwn) {
  TestRows small({.listeners = {"a", "a #2"}, .routes = {}, .servers = {{"b", "u"}, {"c", "u"}}},
                 1);
  small.server(0, 1).connects.Add(3);
  const auto families = Read(small.registry());
  EXPECT_EQ(ValueOf(families, "upgate_server_connects_total", {{"backend", "b"}, {"server", "u"}}),
            0);
  EXPECT_EQ(ValueOf(families, "upgate_server_connects_total", {{"backend", "c"}, {"server", "u"}}),
            3);
}

TEST(PrometheusTest, Reloads) {
  Registry registry({{"version", "1.2.3"}}, 1);
  auto families = Read(registry);
  EXPECT_EQ(ValueOf(families, "upgate_config_generation"), 0);
  EXPECT_EQ(ValueOf(families, "upgate_config_loaded_timestamp_seconds"), 0);
  EXPECT_EQ(ValueOf(families, "upgate_reloads_total", {{"result", "ok"}}), 0);
  EXPECT_EQ(ValueOf(families, "upgate_reloads_total", {{"result", "failed"}}), 0);
  const std::time_t now = std::time(nullptr);
  registry.SetGeneration(7);
  registry.CountReload(true);
  registry.CountReload(true);
  registry.CountReload(false);
  families = Read(registry);
  EXPECT_EQ(ValueOf(families, "upgate_config_generation"), 7);
  EXPECT_GE(ValueOf(families, "upgate_config_loaded_timestamp_seconds"), now);
  EXPECT_EQ(ValueOf(families, "upgate_reloads_total", {{"result", "ok"}}), 2);
  EXPECT_EQ(ValueOf(families, "upgate_reloads_total", {{"result", "failed"}}), 1);
}

TEST(PrometheusTest, Certificates) {
  using Owner = Certificate::Owner;
  constexpr const char* kName = "upgate_certificate_expiry_seconds";
  Registry registry({{"version", "1.2.3"}}, 1);
  registry.SetCertificates({{Owner::kListener, "[::]:443", "/tls/a.crt", {}, 1'800'000'000},
                            {Owner::kListener, "[::]:443", "/tls/a.crt", {}, 5},
                            {Owner::kBackend, "mqtt", "/tls/a.crt", {}, 1'900'000'000}});
  const auto families = Read(registry);
  EXPECT_EQ(ValueOf(families, kName, {{"listener", "[::]:443"}, {"file", "/tls/a.crt"}}),
            1'800'000'000);
  EXPECT_EQ(ValueOf(families, kName, {{"backend", "mqtt"}, {"file", "/tls/a.crt"}}), 1'900'000'000);
}

// Human readers, and scrapers that keep the first sample of a kind, depend on the order.
TEST(PrometheusTest, RowsStandInTheirOrder) {
  TestRows small(SmallNames(), 1);
  const Registry::Order& rows = small.rows();
  const auto names = [&] {
    std::vector<std::string> found;
    for (const Family& family : Read(small.registry())) {
      if (family.name != "upgate_route_requests_total") continue;
      for (const Sample& sample : family.samples) found.push_back(sample.labels.at("route"));
    }
    return found;
  };
  EXPECT_EQ(names(), (std::vector<std::string>{"/echo", "/live/* app.example.com"}));
  small.registry().SetOrder({rows.listeners, {rows.routes[1], rows.routes[0]}, rows.servers});
  EXPECT_EQ(names(), (std::vector<std::string>{"/live/* app.example.com", "/echo"}));
}

TEST(PrometheusTest, LargeCountersKeepEveryDigit) {
  TestRows small(SmallNames(), 1);
  small.route(0, 0).in.bytes.Add(9'007'199'254'740'993);
  EXPECT_NE(
      small.registry().Prometheus().find(R"({route="/echo",direction="in"} 9007199254740993)"),
      std::string::npos);
}

// The test's own parser must detect errors.
TEST(PrometheusTest, TheReaderRefusesMalformedLines) {
  EXPECT_TRUE(ParseSample(R"(a_total{b="c",d="e\"\\\n"} 1)"));
  EXPECT_TRUE(ParseSample("a_total 1e-06"));
  for (const char* line :
       {"a_total", "1a 1", R"(a{b="c} 1)", R"(a{b="c"d="e"} 1)", R"(a{b="\x"} 1)",
        R"(a{b="c",b="d"} 1)", R"(a{b=c} 1)", R"(a{b="c",} 1)", "a{} 1"}) {
    EXPECT_FALSE(ParseSample(line)) << line;
  }
}

}  // namespace
}  // namespace upgate::stats
