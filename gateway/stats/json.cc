#include "gateway/base/json.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway/base/utc_time.h"
#include "gateway/stats/process.h"
#include "gateway/stats/stats.h"
#include "gateway/stats/sum.h"

namespace upgate::stats {
namespace {

using Value = upgate::Json;  // Json is a member of Registry

Value ToJson(const Histogram& histogram) {
  Value buckets = Value::object();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < UsedBuckets(histogram); ++i) {
    count += histogram.bucket(i);
    if (i + 1 < Histogram::kBuckets) buckets[std::to_string(Histogram::UpperBound(i))] = count;
  }
  const std::uint64_t all = CountOf(histogram);
  buckets["+Inf"] = all;
  return {{"count", all},
          {"sum", histogram.sum()},
          {"p50", Quantile(histogram, 0.5)},
          {"p90", Quantile(histogram, 0.9)},
          {"p99", Quantile(histogram, 0.99)},
          {"buckets", std::move(buckets)}};
}

Value ToJson(const Traffic& traffic) {
  return {{"text_messages", traffic.text_messages.Get()},
          {"binary_messages", traffic.binary_messages.Get()},
          {"bytes", traffic.bytes.Get()},
          {"frames", traffic.frames.Get()},
          {"pings", traffic.pings.Get()},
          {"pongs", traffic.pongs.Get()},
          {"closes", traffic.closes.Get()},
          {"message_size", ToJson(traffic.message_size)},
          {"compressed_messages", traffic.compressed_messages.Get()},
          {"compressed_bytes", traffic.compressed_bytes.Get()},
          {"inflated_bytes", traffic.inflated_bytes.Get()},
          {"rate_waits", traffic.rate_waits.Get()}};
}

// Only codes that occurred.
Value ToJson(const CloseCodes& codes) {
  Value json = Value::object();
  const auto put = [&](const std::string& name, const Counter& counter) {
    if (const std::uint64_t count = counter.Get(); count != 0) json[name] = count;
  };
  for (std::size_t i = 0; i < codes.standard.size(); ++i) {
    put(std::to_string(1000 + i), codes.standard[i]);
  }
  put("3000-3999", codes.library);
  put("4000-4999", codes.application);
  return json;
}

template <std::size_t n>
Value ToJson(const std::array<Counter, n>& counters, const std::array<std::string_view, n>& names) {
  Value json = Value::object();
  for (std::size_t i = 0; i < n; ++i) json[std::string(names[i])] = counters[i].Get();
  return json;
}

// The members that routes and their total share, appended to `json`.
void AddRoute(Value& json, const RouteStats& route) {
  json["requests"] = route.requests.Get();
  json["handshakes"] = ToJson(route.handshakes, kHandshakeOutcomeNames);
  json["refusals"] = ToJson(route.refusals, kRefusalNames);
  json["resolutions"] = ToJson(route.resolutions, kResolutionNames);
  json["auth"] = ToJson(route.auth, kAuthOutcomeNames);
  json["sessions_open"] = route.sessions_open.Get();
  json["sessions_total"] = route.sessions_total.Get();
  json["sessions_by_dialect"] = ToJson(route.sessions_by_dialect, config::kDialectNames);
  json["sessions_compressed"] = route.sessions_compressed.Get();
  json["compression_declined"] = route.compression_declined.Get();
  json["in"] = ToJson(route.in);
  json["out"] = ToJson(route.out);
  json["close_codes"] = ToJson(route.close_codes);
  json["handshake_us"] = ToJson(route.handshake_us);
}

void AddListener(Value& json, const ListenerStats& listener) {
  json["connections_open"] = listener.connections_open.Get();
  json["connections_total"] = listener.connections_total.Get();
  json["requests"] = listener.requests.Get();
  json["responses"] = {{"1xx", listener.responses_1xx.Get()},
                       {"2xx", listener.responses_2xx.Get()},
                       {"3xx", listener.responses_3xx.Get()},
                       {"4xx", listener.responses_4xx.Get()},
                       {"5xx", listener.responses_5xx.Get()}};
  json["tls_failures"] = ToJson(listener.tls_failures, kTlsFaultNames);
  json["connection_errors"] = listener.connection_errors.Get();
  json["accept_pauses"] = ToJson(listener.accept_pauses, kWaitReasonNames);
  json["connections_refused"] = listener.connections_refused.Get();
  json["turned_away"] = ToJson(listener.turned_away, kTurnedAwayNames);
  json["proxy_refusals"] = ToJson(listener.proxy_refusals, kProxyFaultNames);
}

Value ToJson(const ServerRow& row, const ServerStats& server) {
  return {{"backend", row.backend},
          {"url", row.name},
          {"failed", row.failed.load()},
          {"drained", row.drained.load()},
          {"up", !row.down.load()},
          {"ejected", row.ejected.load()},
          {"weight", row.weight.load()},
          {"connects", server.connects.Get()},
          {"connect_failures", server.connect_failures.Get()},
          {"connect_timeouts", server.connect_timeouts.Get()},
          {"retries", server.retries.Get()},
          {"sessions_open", server.sessions_open.Get()},
          {"sessions_total", server.sessions_total.Get()},
          {"bytes_sent", server.bytes_sent.Get()},
          {"bytes_received", server.bytes_received.Get()},
          {"sessions_compressed", server.sessions_compressed.Get()},
          {"compression_declined", server.compression_declined.Get()},
          {"sent", ToJson(server.out)},
          {"received", ToJson(server.in)},
          {"connect_us", ToJson(server.connect_us)}};
}

Value ToJson(const CompressionStats& compression) {
  return {{"deflaters", compression.deflaters.Get()},
          {"inflaters", compression.inflaters.Get()},
          {"memory_bytes", compression.memory_bytes.Get()},
          {"reserved_bytes", compression.reserved_bytes.Get()}};
}

Value ToJson(const MemoryStats& memory, const io::MemoryTotal* total) {
  return {{"held_bytes", total != nullptr ? total->held() : 0},
          {"limit_bytes", total != nullptr ? total->limit() : 0},
          {"waiting", memory.waiting.Get()},
          {"waits", memory.waits.Get()},
          {"refusals", ToJson(memory.refusals, kMemoryRefusalNames)}};
}

Value ToJson(OverloadSet now) {
  Value json = Value::object();
  for (std::size_t i = 0; i < kOverloadReasons; ++i)
    json[std::string(kOverloadNames[i])] = now.Has(static_cast<OverloadReason>(i));
  return json;
}

Value LoopToJson(std::size_t index, const LoopTimes& times, const Registry::Order& rows) {
  std::uint64_t connections = 0;
  for (const auto& listener : rows.listeners)
    connections += listener->loops[index].connections_open.Get();
  std::uint64_t sessions = 0;
  for (const auto& route : rows.routes) sessions += route->loops[index].sessions_open.Get();
  return {{"turns", times.turns},
          {"busy_us", times.busy_us},
          {"connections_open", connections},
          {"sessions_open", sessions}};
}

// The sums over all listeners and all routes. Requests are counted where they come in; `unrouted`
// ones reach no route.
Value TotalsToJson(const LoopStats& total, const std::deque<ListenerStats>& listeners,
                   const std::deque<RouteStats>& routes) {
  ListenerStats all_listeners;
  for (const ListenerStats& listener : listeners) AddTo(all_listeners, listener);
  RouteStats all_routes;
  for (const RouteStats& route : routes) AddTo(all_routes, route);
  Value json;
  AddRoute(json, all_routes);
  AddListener(json, all_listeners);
  json["unrouted"] = total.unrouted.Get();
  json["compression"] = ToJson(total.compression);
  return json;
}

Value ToJson(const Certificate& certificate) {
  return {{KindOf(certificate.owner), certificate.name},
          {"file", certificate.file},
          {"names", certificate.names},
          {"not_after", UtcTime(certificate.not_after)},
          {"seconds_left", certificate.not_after - std::time(nullptr)}};
}

std::int64_t UnixMillis() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Value ProcessToJson(std::int64_t started, std::uint64_t log_lines_lost) {
  const ProcessInfo info = ReadProcessInfo();
  return {{"pid", info.pid},
          {"started", started},
          // The text is shared by many readers: this is when the values were read.
          {"time_ms", UnixMillis()},
          {"uptime_s", std::max<std::int64_t>(0, std::time(nullptr) - started)},
          {"resident_bytes", info.resident_bytes},
          {"open_fds", info.open_fds},
          {"max_fds", info.max_fds},
          {"log_lines_lost", log_lines_lost}};
}

}  // namespace

std::string Registry::Json() const {
  const Order rows = Rows();
  const auto listener_totals = TotalsOf(rows.listeners);
  const auto route_totals = TotalsOf(rows.routes);
  const auto server_totals = TotalsOf(rows.servers);
  const auto total = Total();
  Value json;
  json["process"] = ProcessToJson(started_unix_seconds_, LogLinesLost());
  json["build"] = build_.empty()
                      ? Value::object()
                      : Value(std::map<std::string, std::string>(build_.begin(), build_.end()));
  json["generation"] = reloads_.generation.load();
  json["generation_loaded"] = reloads_.loaded_unix_seconds.load();
  json["reloads"] = {{"ok", reloads_.ok.load()}, {"failed", reloads_.failed.load()}};
  json["memory"] = ToJson(total->memory, memory_);
  json["overload"] = ToJson(overload_ != nullptr ? overload_->Total() : OverloadSet());
  json["totals"] = TotalsToJson(*total, listener_totals, route_totals);
  Value& listeners = json["listeners"] = Value::array();
  for (std::size_t i = 0; i < rows.listeners.size(); ++i) {
    Value& listener = listeners.emplace_back(Value::object());
    listener["address"] = rows.listeners[i]->name;
    listener["drained"] = rows.listeners[i]->drained.load();
    AddListener(listener, listener_totals[i]);
  }
  Value& routes = json["routes"] = Value::array();
  for (std::size_t i = 0; i < rows.routes.size(); ++i) {
    Value& route = routes.emplace_back(Value::object());
    route["name"] = rows.routes[i]->name;
    route["drained"] = rows.routes[i]->drained.load();
    AddRoute(route, route_totals[i]);
  }
  Value& servers = json["servers"] = Value::array();
  for (std::size_t i = 0; i < rows.servers.size(); ++i) {
    servers.push_back(ToJson(*rows.servers[i], server_totals[i]));
  }
  Value& certificates = json["certificates"] = Value::array();
  for (const Certificate& certificate : Certificates()) certificates.push_back(ToJson(certificate));
  Value& loops = json["loops"] = Value::array();
  const std::vector<LoopTimes> times = ReadTimes();
  for (std::size_t i = 0; i < times.size(); ++i) loops.push_back(LoopToJson(i, times[i], rows));
  return DumpJson(json);
}

}  // namespace upgate::stats
