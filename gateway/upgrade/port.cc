#include "gateway/upgrade/port.h"

#include "gateway/upgrade/request_ids.h"

namespace upgate::upgrade {
namespace {

// Refuses before routing, because any other response would take memory, too.
std::unique_ptr<http::ExchangeHandler> RefuseForMemory(http::Exchange& exchange,
                                                       io::MemoryLedger& memory) {
  memory.NoteRefusal(io::MemoryRefusal::kRequest);
  http::Response busy =
      http::TextResponse(503, "the gateway is out of memory for clients; try again later");
  busy.headers.Add("Retry-After", "5");
  exchange.Respond(std::move(busy));
  return nullptr;
}

std::string_view RequestIdIn(const http::Request* request, const config::HttpLimits& settings) {
  return request != nullptr && settings.request_id ? RequestIdOf(*request) : "";
}
std::string_view TraceIdIn(const http::Request* request, const config::HttpLimits& settings) {
  return request != nullptr && settings.traceparent ? TraceIdOf(*request) : "";
}

}  // namespace

Port::Port(Gateway& gateway, std::shared_ptr<const ListenerRecord> listener,
           http::ClientPlaces& places)
    : gateway_(gateway),
      listener_(MakeRef<ListenerContext>(std::move(listener))),
      places_(places),
      stats_(places.stats()) {}

void Port::SetListener(std::shared_ptr<const ListenerRecord> listener) {
  if (listener_->record != listener) listener_ = MakeRef<ListenerContext>(std::move(listener));
}

std::unique_ptr<http::ExchangeHandler> Port::OnRequest(http::Exchange& exchange) {
  stats_.requests.Add();
  io::MemoryLedger& memory = gateway_.loop().memory;
  if (memory.over()) return RefuseForMemory(exchange, memory);
  return gateway_.OnRequest(exchange, listener_, places_);
}

// An access line. Handshakes have lines of their own.
void Port::OnRequestDone(const http::RequestSummary& summary) {
  const config::LogRequests wanted = gateway_.routes().generation().config->log.requests;
  if (wanted == config::LogRequests::kOff) return;
  const bool all = wanted == config::LogRequests::kAll;
  if (!all && summary.status < 400) return;
  const http::Request* const request = summary.request;
  if (request != nullptr && request->wants_upgrade) return;
  const Shared& shared = gateway_.shared();
  if (!shared.log.Enabled(LogLevel::kInfo)) return;
  // Any client can cause errors at will.
  const auto left_out = all ? std::optional<std::uint64_t>(0)
                            : shared.counts.failed_requests.Due(gateway_.loop().timers.Now());
  if (!left_out) return;
  const config::HttpLimits& http = gateway_.routes().generation().config->http;
  const config::Listener& listener = listener_->config;
  route::SeenAs seen;
  if (request != nullptr) {
    seen = route::SeenByClient(*request, listener.tls.has_value(), summary.client,
                               listener.trusted_proxies);
  } else {
    seen.client = ToString(summary.client);
  }
  if (summary.hides_host) seen.host.clear();
  const std::string_view path = !summary.shown_path.empty() ? summary.shown_path
                                : request != nullptr        ? request->target.path
                                                            : std::string_view();
  shared.log.Info("request", {{"client", seen.client},
                              {"method", request != nullptr ? request->method : ""},
                              {"host", seen.host},
                              {"path", path},
                              {"request_id", RequestIdIn(request, http)},
                              {"trace_id", TraceIdIn(request, http)},
                              {"route", summary.route},
                              {"server", summary.server},
                              {"user", summary.user},
                              {"status", std::int64_t{summary.status}},
                              {"bytes", summary.body_bytes},
                              {"ms", std::int64_t{summary.duration.count()}},
                              {"complete", summary.complete},
                              {"why", summary.why},
                              {"left_out", *left_out}});
}

void Port::OnConnectionError(const Error& error) {
  const Shared& shared = gateway_.shared();
  const std::string& listener = listener_->record->name;
  shared.log.Debug("connection failed", {{"listener", listener}, {"why", error.message}});
  if (error.code != Errc::kTls) return stats_.connection_errors.Add();
  const auto fault = static_cast<std::size_t>(error.tls_fault);
  stats_.tls_failures[fault].Add();
  const auto left_out = shared.counts.tls_warnings[fault].Due(gateway_.loop().timers.Now());
  if (!left_out) return;
  shared.log.Info("TLS handshake failed", {{"listener", listener},
                                           {"kind", stats::kTlsFaultNames[fault]},
                                           {"why", error.message},
                                           {"left_out", *left_out}});
}

}  // namespace upgate::upgrade
