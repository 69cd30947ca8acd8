#include <array>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "gateway/stats/process.h"
#include "gateway/stats/prometheus_text.h"
#include "gateway/stats/stats.h"
#include "gateway/stats/sum.h"

namespace upgate::stats {
namespace {

constexpr double kMicros = 1e-6;
constexpr Scale kTimes{kMicros, 6, 25};  // 63 us to 34 s
constexpr Scale kSizes{1, 4, 30};        // 15 bytes to 1 GiB

// A family that has one counter for each row.
template <class Numbers>
struct Column {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  Counter Numbers::* counter;
};

constexpr std::array kListenerColumns{
    Column<ListenerStats>{"upgate_listener_connections_open", "gauge",
                          "Client connections open now.", &ListenerStats::connections_open},
    Column<ListenerStats>{"upgate_listener_connections_total", "counter",
                          "Client connections accepted.", &ListenerStats::connections_total},
    Column<ListenerStats>{"upgate_listener_requests_total", "counter", "HTTP requests.",
                          &ListenerStats::requests},
    Column<ListenerStats>{"upgate_listener_connection_errors_total", "counter",
                          "Client connections that failed.", &ListenerStats::connection_errors},
    Column<ListenerStats>{"upgate_listener_refused_total", "counter",
                          "Client connections refused after they had waited too long.",
                          &ListenerStats::connections_refused},
};

constexpr std::array kRouteColumns{
    Column<RouteStats>{"upgate_route_requests_total", "counter", "Requests that reached the route.",
                       &RouteStats::requests},
    Column<RouteStats>{"upgate_sessions_open", "gauge", "WebSocket sessions open now.",
                       &RouteStats::sessions_open},
    Column<RouteStats>{"upgate_sessions_total", "counter", "WebSocket sessions opened.",
                       &RouteStats::sessions_total},
    Column<RouteStats>{"upgate_sessions_compressed_total", "counter",
                       "WebSocket sessions opened with permessage-deflate.",
                       &RouteStats::sessions_compressed},
    Column<RouteStats>{
        "upgate_compression_declined_total", "counter",
        "WebSocket sessions opened without permessage-deflate because memory was short.",
        &RouteStats::compression_declined},
};

constexpr std::array kServerColumns{
    Column<ServerStats>{"upgate_server_connects_total", "counter",
                        "Connections made to the server.", &ServerStats::connects},
    Column<ServerStats>{"upgate_server_connect_failures_total", "counter",
                        "Connections to the server that failed, timeouts included.",
                        &ServerStats::connect_failures},
    Column<ServerStats>{"upgate_server_connect_timeouts_total", "counter",
                        "Connections to the server that took too long.",
                        &ServerStats::connect_timeouts},
    Column<ServerStats>{"upgate_server_retries_total", "counter",
                        "Requests that another server got because this one failed them.",
                        &ServerStats::retries},
    Column<ServerStats>{"upgate_server_sessions_open", "gauge",
                        "Sessions open now with the server.", &ServerStats::sessions_open},
    Column<ServerStats>{"upgate_server_sessions_total", "counter",
                        "Sessions opened with the server.", &ServerStats::sessions_total},
    Column<ServerStats>{"upgate_server_sent_bytes_total", "counter",
                        "Bytes to the server, in sessions and HTTP bodies.",
                        &ServerStats::bytes_sent},
    Column<ServerStats>{"upgate_server_received_bytes_total", "counter",
                        "Bytes from the server, in sessions and HTTP bodies.",
                        &ServerStats::bytes_received},
    Column<ServerStats>{"upgate_server_sessions_compressed_total", "counter",
                        "Sessions opened with permessage-deflate towards the server.",
                        &ServerStats::sessions_compressed},
    Column<ServerStats>{"upgate_server_compression_declined_total", "counter",
                        "Sessions for which permessage-deflate was not offered to the server "
                        "because memory was short.",
                        &ServerStats::compression_declined},
};

// `labels` has one entry a row.
template <class Numbers, std::size_t n>
void WriteColumns(PrometheusText& text, const std::array<Column<Numbers>, n>& columns,
                  const std::vector<std::string>& labels, const std::deque<Numbers>& rows) {
  for (const Column<Numbers>& column : columns) {
    text.Family(column.name, column.type, column.help);
    for (std::size_t i = 0; i < rows.size(); ++i)
      text.Sample(labels[i], (rows[i].*column.counter).Get());
  }
}

void WriteProcess(PrometheusText& text, std::int64_t started) {
  const ProcessInfo info = ReadProcessInfo();
  text.Family("upgate_process_start_time_seconds", "gauge",
              "When the process started, since 1970.");
  text.Sample("", started);
  text.Family("upgate_process_resident_bytes", "gauge", "Resident memory.");
  text.Sample("", info.resident_bytes);
  text.Family("upgate_process_open_fds", "gauge", "Open file descriptors.");
  text.Sample("", info.open_fds);
  text.Family("upgate_process_max_fds", "gauge", "Limit for open file descriptors.");
  text.Sample("", info.max_fds);
}

void WriteReloads(PrometheusText& text, std::uint64_t generation, std::int64_t loaded,
                  std::uint64_t ok, std::uint64_t failed) {
  text.Family("upgate_config_generation", "gauge", "Number of the configuration in force.");
  text.Sample("", generation);
  text.Family("upgate_config_loaded_timestamp_seconds", "gauge",
              "When the configuration in force was loaded, since 1970.");
  text.Sample("", loaded);
  text.Family("upgate_reloads_total", "counter",
              "Attempts to load the configuration again, by result.");
  text.Sample(Label("result", "ok"), ok);
  text.Sample(Label("result", "failed"), failed);
}

void WriteLoops(PrometheusText& text, const std::vector<LoopTimes>& loops) {
  text.Family("upgate_loop_turns_total", "counter", "Iterations of the event loop.");
  for (std::size_t i = 0; i < loops.size(); ++i) {
    text.Sample(Label("loop", std::to_string(i)), loops[i].turns);
  }
  text.Family("upgate_loop_busy_seconds_total", "counter",
              "Processor time that the event loop has used.");
  for (std::size_t i = 0; i < loops.size(); ++i) {
    text.Sample(Label("loop", std::to_string(i)), static_cast<double>(loops[i].busy_us) * kMicros);
  }
}

// A sample of each row for each of the counters in an array, which have names.
template <class Row, std::size_t N>
void WriteByName(PrometheusText& text, const std::vector<std::string>& labels,
                 const std::deque<Row>& rows, std::array<Counter, N> Row::* counters,
                 std::string_view label, const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t n = 0; n < N; ++n)
      text.Sample(labels[i] + "," + Label(label, names[n]), (rows[i].*counters)[n].Get());
  }
}

void WriteListeners(PrometheusText& text, const std::vector<std::string>& labels,
                    const std::deque<ListenerStats>& listeners) {
  WriteColumns(text, kListenerColumns, labels, listeners);
  text.Family("upgate_listener_accept_pauses_total", "counter",
              "Times that client connections had to wait before they were accepted, by reason.");
  WriteByName(text, labels, listeners, &ListenerStats::accept_pauses, "reason", kWaitReasonNames);
  text.Family("upgate_listener_turned_away_total", "counter",
              "Client connections closed before anything was read from them, by reason.");
  WriteByName(text, labels, listeners, &ListenerStats::turned_away, "reason", kTurnedAwayNames);
  text.Family("upgate_listener_tls_failures_total", "counter",
              "TLS handshakes with clients that failed, by reason.");
  WriteByName(text, labels, listeners, &ListenerStats::tls_failures, "reason", kTlsFaultNames);
  text.Family("upgate_listener_proxy_refusals_total", "counter",
              "Client connections closed because their PROXY header was refused, by reason.");
  WriteByName(text, labels, listeners, &ListenerStats::proxy_refusals, "reason", kProxyFaultNames);
  text.Family("upgate_listener_responses_total", "counter", "HTTP responses; 1xx are upgrades.");
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const ListenerStats& row = listeners[i];
    const std::array<const Counter*, 5> classes{&row.responses_1xx, &row.responses_2xx,
                                                &row.responses_3xx, &row.responses_4xx,
                                                &row.responses_5xx};
    for (std::size_t c = 0; c < classes.size(); ++c) {
      text.Sample(fmt::format("{},class=\"{}xx\"", labels[i], c + 1), classes[c]->Get());
    }
  }
}

void WriteHandshakes(PrometheusText& text, const std::vector<std::string>& labels,
                     const std::deque<RouteStats>& routes) {
  text.Family("upgate_handshakes_total", "counter",
              "WebSocket opening handshakes, by how they ended.");
  WriteByName(text, labels, routes, &RouteStats::handshakes, "outcome", kHandshakeOutcomeNames);
  text.Family("upgate_route_refusals_total", "counter",
              "Requests that the route's policies refused, handshakes included, by reason.");
  WriteByName(text, labels, routes, &RouteStats::refusals, "reason", kRefusalNames);
  text.Family("upgate_resolutions_total", "counter",
              "Look-ups of a client's server, on routes with a resolver, by how they ended.");
  WriteByName(text, labels, routes, &RouteStats::resolutions, "outcome", kResolutionNames);
  text.Family("upgate_auth_total", "counter",
              "Checks of credentials on routes with auth, by outcome.");
  WriteByName(text, labels, routes, &RouteStats::auth, "outcome", kAuthOutcomeNames);
  text.Family("upgate_dialect_sessions_total", "counter",
              "WebSocket sessions opened, by the dialect of the client.");
  WriteByName(text, labels, routes, &RouteStats::sessions_by_dialect, "dialect",
              config::kDialectNames);
  text.Family("upgate_handshake_seconds", "histogram",
              "Time from the end of the request head to the 101.");
  for (std::size_t i = 0; i < routes.size(); ++i) {
    text.Sample(labels[i], routes[i].handshake_us, kTimes);
  }
}

// The counters of one direction that make up a family, each with a label if there are several.
struct TrafficFamily {
  struct Part {
    std::string_view label;  // including the leading comma
    Counter Traffic::* counter;
  };
  std::string_view name;  // without the prefix
  std::string_view help;  // without the suffix
  std::vector<Part> parts;
};

// The peers whose traffic is counted, and the names of its directions.
struct Peers {
  std::string_view beginning;  // prefix of the names
  std::string_view end;        // suffix of the help
  std::string_view in;
  std::string_view out;
};
constexpr Peers kClients{"upgate_", "; in is from clients, out is to clients.", ",direction=\"in\"",
                         ",direction=\"out\""};
constexpr Peers kServers{"upgate_server_", ", on routes with enforce.", ",direction=\"received\"",
                         ",direction=\"sent\""};

template <class Numbers>
void WriteTraffic(PrometheusText& text, const Peers& peers, const std::vector<std::string>& labels,
                  const std::deque<Numbers>& rows) {
  const std::array<TrafficFamily, 8> families{
      TrafficFamily{"messages_total",
                    "WebSocket messages",
                    {{",kind=\"text\"", &Traffic::text_messages},
                     {",kind=\"binary\"", &Traffic::binary_messages}}},
      TrafficFamily{"payload_bytes_total", "Payload of data frames", {{"", &Traffic::bytes}}},
      TrafficFamily{"data_frames_total", "WebSocket data frames", {{"", &Traffic::frames}}},
      TrafficFamily{"control_frames_total",
                    "WebSocket control frames",
                    {{",opcode=\"ping\"", &Traffic::pings},
                     {",opcode=\"pong\"", &Traffic::pongs},
                     {",opcode=\"close\"", &Traffic::closes}}},
      TrafficFamily{"compressed_messages_total",
                    "WebSocket messages that were compressed on the wire",
                    {{"", &Traffic::compressed_messages}}},
      TrafficFamily{"compressed_bytes_total",
                    "Payload of compressed messages, on the wire",
                    {{"", &Traffic::compressed_bytes}}},
      TrafficFamily{"inflated_bytes_total",
                    "Payload of compressed messages, after inflating",
                    {{"", &Traffic::inflated_bytes}}},
      TrafficFamily{"rate_waits_total",
                    "Times that a peer was not read for a while because of limits of the route",
                    {{"", &Traffic::rate_waits}}}};
  const std::array directions{std::pair{peers.in, &BothWays::in},
                              std::pair{peers.out, &BothWays::out}};
  for (const TrafficFamily& family : families) {
    const std::string name = fmt::format("{}{}", peers.beginning, family.name);
    text.Family(name, "counter", fmt::format("{}{}", family.help, peers.end));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto& [direction, traffic] : directions) {
        for (const auto& part : family.parts) {
          text.Sample(fmt::format("{}{}{}", labels[i], direction, part.label),
                      (rows[i].*traffic.*part.counter).Get());
        }
      }
    }
  }
}

void WriteMessageSizes(PrometheusText& text, const std::vector<std::string>& labels,
                       const std::deque<RouteStats>& routes) {
  text.Family("upgate_message_size_bytes", "histogram", "Payload of WebSocket messages.");
  for (std::size_t i = 0; i < routes.size(); ++i) {
    text.Sample(fmt::format("{}{}", labels[i], kClients.in), routes[i].in.message_size, kSizes);
    text.Sample(fmt::format("{}{}", labels[i], kClients.out), routes[i].out.message_size, kSizes);
  }
}

void WriteCloseCodes(PrometheusText& text, const std::vector<std::string>& labels,
                     const std::deque<RouteStats>& routes) {
  text.Family(
      "upgate_close_codes_total", "counter",
      "Sessions ended, by the close code of the client's side; 1005 is none, 1006 is no Close.");
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const CloseCodes& codes = routes[i].close_codes;
    for (std::size_t code = 0; code < codes.standard.size(); ++code) {
      text.Sample(fmt::format("{},code=\"{}\"", labels[i], 1000 + code),
                  codes.standard[code].Get());
    }
    text.Sample(labels[i] + ",code=\"3000-3999\"", codes.library.Get());
    text.Sample(labels[i] + ",code=\"4000-4999\"", codes.application.Get());
  }
}

void WriteCompression(PrometheusText& text, const CompressionStats& compression) {
  text.Family("upgate_compression_contexts", "gauge", "Deflaters and inflaters allocated now.");
  text.Sample(Label("kind", "deflater"), compression.deflaters.Get());
  text.Sample(Label("kind", "inflater"), compression.inflaters.Get());
  text.Family("upgate_compression_memory_bytes", "gauge", "Memory of the deflaters and inflaters.");
  text.Sample("", compression.memory_bytes.Get());
  text.Family("upgate_compression_reserved_bytes", "gauge",
              "Memory that open sessions may use for compression.");
  text.Sample("", compression.reserved_bytes.Get());
}

void WriteMemory(PrometheusText& text, const MemoryStats& memory, const io::MemoryTotal* total) {
  text.Family("upgate_memory_held_bytes", "gauge", "Memory held for clients.");
  text.Sample("", total != nullptr ? total->held() : 0);
  text.Family("upgate_memory_limit_bytes", "gauge", "Limit for the memory held for clients.");
  text.Sample("", total != nullptr ? total->limit() : 0);
  text.Family("upgate_memory_waiting_clients", "gauge",
              "Clients not read now because too much memory is held for them.");
  text.Sample("", memory.waiting.Get());
  text.Family(
      "upgate_memory_waits_total", "counter",
      "Times that a client was not read for a while because too much memory was held for it.");
  text.Sample("", memory.waits.Get());
  text.Family("upgate_memory_refusals_total", "counter",
              "Clients and requests refused because too much memory was held.");
  for (std::size_t i = 0; i < memory.refusals.size(); ++i)
    text.Sample(Label("kind", kMemoryRefusalNames[i]), memory.refusals[i].Get());
}

void WriteOverload(PrometheusText& text, OverloadSet now) {
  text.Family("upgate_overloaded", "gauge",
              "1 while the process is out of something, and takes no new clients or handshakes.");
  for (std::size_t i = 0; i < kOverloadReasons; ++i)
    text.Sample(Label("reason", kOverloadNames[i]),
                std::uint64_t{now.Has(static_cast<OverloadReason>(i))});
}

void WriteCertificates(PrometheusText& text, const std::vector<Certificate>& certificates) {
  text.Family("upgate_certificate_expiry_seconds", "gauge",
              "When the certificate expires, since 1970.");
  for (const Certificate& certificate : certificates) {
    text.Sample(
        Label(KindOf(certificate.owner), certificate.name) + "," + Label("file", certificate.file),
        certificate.not_after);
  }
}

// Those of one kind that are drained. A URL that two backends have is one sample.
template <class AnyRow>
void WriteDrained(PrometheusText& text, std::string_view what,
                  const std::vector<std::shared_ptr<AnyRow>>& rows) {
  std::set<std::string_view> names;
  for (const auto& row : rows) {
    if (row->drained.load() && names.insert(row->name).second)
      text.Sample(Label("what", what) + "," + Label("name", row->name), std::uint64_t{1});
  }
}

void WriteServerStates(PrometheusText& text, const std::vector<std::string>& labels,
                       const std::vector<std::shared_ptr<ServerRow>>& rows) {
  const auto family = [&](std::string_view name, std::string_view help, auto value) {
    text.Family(name, "gauge", help);
    for (std::size_t i = 0; i < rows.size(); ++i)
      text.Sample(labels[i], std::uint64_t{value(*rows[i])});
  };
  family("upgate_server_up", "0 if health checks say that the server is down, else 1.",
         [](const ServerRow& row) { return !row.down.load(); });
  family("upgate_server_ejected", "1 while the server gets no new clients because it failed.",
         [](const ServerRow& row) { return row.ejected.load(); });
  family("upgate_server_weight", "The server's share of new clients, relative to the others.",
         [](const ServerRow& row) { return row.weight.load(); });
}

void WriteBuild(PrometheusText& text,
                const std::vector<std::pair<std::string, std::string>>& build) {
  std::string labels;
  for (const auto& [name, version] : build)
    labels += (labels.empty() ? "" : ",") + Label(name, version);
  text.Family("upgate_build_info", "gauge",
              "Always 1; the labels are the versions of the program and its libraries.");
  text.Sample(labels, std::uint64_t{1});
}

template <class Numbers>
std::vector<std::string> Labels(std::string_view name,
                                const std::vector<std::shared_ptr<Row<Numbers>>>& rows) {
  std::vector<std::string> labels;
  for (const auto& row : rows) labels.push_back(Label(name, row->name));
  return labels;
}

std::vector<std::string> Labels(const std::vector<std::shared_ptr<ServerRow>>& servers) {
  std::vector<std::string> labels;
  for (const auto& server : servers) {
    labels.push_back(Label("backend", server->backend) + "," + Label("server", server->name));
  }
  return labels;
}

}  // namespace

std::string Registry::Prometheus() const {
  const Order rows = Rows();
  const auto total = Total();
  const auto routes = TotalsOf(rows.routes);
  const auto servers = TotalsOf(rows.servers);
  const std::vector<std::string> route_labels = Labels("route", rows.routes);
  const std::vector<std::string> server_labels = Labels(rows.servers);
  PrometheusText text;
  WriteProcess(text, started_unix_seconds_);
  WriteBuild(text, build_);
  text.Family("upgate_log_lines_lost_total", "counter",
              "Log lines dropped because the queue was full, or that could not be written.");
  text.Sample("", LogLinesLost());
  WriteReloads(text, reloads_.generation, reloads_.loaded_unix_seconds, reloads_.ok,
               reloads_.failed);
  WriteCertificates(text, Certificates());
  text.Family("upgate_drained", "gauge",
              "1 for each server, route and listener taken out of service by an operator.");
  WriteDrained(text, "server", rows.servers);
  WriteDrained(text, "route", rows.routes);
  WriteDrained(text, "listener", rows.listeners);
  WriteLoops(text, ReadTimes());
  WriteListeners(text, Labels("listener", rows.listeners), TotalsOf(rows.listeners));
  text.Family("upgate_unrouted_requests_total", "counter", "Requests that matched no route.");
  text.Sample("", total->unrouted.Get());
  WriteColumns(text, kRouteColumns, route_labels, routes);
  WriteHandshakes(text, route_labels, routes);
  WriteTraffic(text, kClients, route_labels, routes);
  WriteMessageSizes(text, route_labels, routes);
  WriteCloseCodes(text, route_labels, routes);
  WriteCompression(text, total->compression);
  WriteMemory(text, total->memory, memory_);
  WriteOverload(text, overload_ != nullptr ? overload_->Total() : OverloadSet());
  WriteServerStates(text, server_labels, rows.servers);
  WriteColumns(text, kServerColumns, server_labels, servers);
  WriteTraffic(text, kServers, server_labels, servers);
  text.Family("upgate_server_connect_seconds", "histogram", "Time to connect to the server.");
  for (std::size_t i = 0; i < servers.size(); ++i) {
    text.Sample(server_labels[i], servers[i].connect_us, kTimes);
  }
  return text.Take();
}

}  // namespace upgate::stats
