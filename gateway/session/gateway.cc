#include "gateway/session/gateway.h"

#include <array>
#include <cassert>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/session/byte_tunnel.h"
#include "gateway/session/frame_tunnel.h"
#include "gateway/session/handshake.h"
#include "gateway/session/proxy.h"
#include "gateway/session/proxy_headers.h"
#include "gateway/session/service_session.h"
#include "gateway/ws/tunnel_encoding.h"

namespace upgate::session {
namespace {

using stats::HandshakeOutcome;

constexpr std::array<std::string_view, 2> kEncodingSubprotocols{"binary", "base64"};

// The subprotocol for this client, or the 400 for one that has none in common with the route. A client that asks for none gets
// none. A route that lists none still answers the names that older clients use to ask for an encoding.
std::expected<std::string, http::Response> AgreeOnSubprotocol(const ws::Offer& offer, const config::Route& route) {
  if (offer.subprotocols.empty()) return "";
  if (route.subprotocols.empty()) {
    if (!route.backend || route.encoding != config::Encoding::kAuto) return "";
    const std::vector<std::string> encodings(kEncodingSubprotocols.begin(), kEncodingSubprotocols.end());
    return ws::ChooseSubprotocol(offer, encodings).value_or("");
  }
  if (auto chosen = ws::ChooseSubprotocol(offer, route.subprotocols)) return *chosen;
  return std::unexpected(http::TextResponse(400, "none of the subprotocols asked for is served here"));
}

// How payload and bytes are translated: the route says, or where it leaves it open the subprotocol or the query.
std::expected<config::Encoding, http::Response> AgreeOnEncoding(const http::Request& request, const config::Route& route,
                                                               std::string_view subprotocol) {
  if (route.encoding != config::Encoding::kAuto) return route.encoding;
  if (subprotocol == "base64") return config::Encoding::kBase64;
  const auto asked = http::QueryValue(request.target.query, "encoding");
  if (!asked) return config::Encoding::kBinary;
  if (const auto encoding = ws::ParseEncoding(*asked)) return *encoding;
  return std::unexpected(http::TextResponse(400, "unknown encoding; it is binary, text or base64"));
}

}  // namespace

// One listener's way into the gateway.
class Gateway::Port final : public http::RequestHandler {
 public:
  Port(Gateway& gateway, const config::Listener& listener, stats::ListenerStats& stats)
      : gateway_(gateway), listener_(listener), stats_(stats) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    stats_.requests.Add();
    return gateway_.OnRequest(exchange, listener_);
  }
  void OnAnswer(int status) override { stats_.CountResponse(status); }
  void OnConnectionError(const Error& error) override {
    if (error.code == Errc::kLimit) return WarnOfLimit(error);
    (error.code == Errc::kTls ? stats_.tls_failures : stats_.connection_errors).Add();
    gateway_.shared_.log.Debug("connection failed", {{"listener", listener_.address.ToString()}, {"why", error.message}});
  }

 private:
  // Clients wait outside: worth a line, but not ten a second.
  void WarnOfLimit(const Error& error) {
    constexpr io::Millis kInterval{10'000};
    const io::Instant now = gateway_.context_.loop.timers.Now();
    if (warned_ && now - *warned_ < kInterval) return;
    warned_ = now;
    gateway_.shared_.log.Warn("clients wait", {{"listener", listener_.address.ToString()}, {"why", error.message}});
  }

  std::optional<io::Instant> warned_;
  Gateway& gateway_;
  const config::Listener& listener_;
  stats::ListenerStats& stats_;
};

Gateway::Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch, stats::LoopStats& stats, std::size_t index,
                 std::size_t loops)
    : shared_(shared), context_(loop), stats_(stats), next_id_(index + 1), id_step_(loops) {
  const config::Config& config = *shared.config;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    ports_.push_back(std::make_unique<Port>(*this, config.listeners[i], stats.listener[i]));
  }
  for (const auto& [name, backend] : config.backends) {
    const auto tls = shared.client_tls.find(name);
    pools_.emplace(name, std::make_unique<backend::Pool>(
                             backend, tls == shared.client_tls.end() ? nullptr : tls->second.get(), loop, scratch, stats, index));
    if (backend.relay != config::Relay::kBytes) {
      http_pools_.emplace(name, std::make_unique<backend::HttpPool>(*pools_.find(name)->second, loop));
    }
  }
  for (const auto& route : config.routes) {
    std::vector<config::ConfigError> errors;
    const auto* factory = route.plugin ? shared.plugins.FindService(*route.plugin) : nullptr;
    services_.push_back(factory != nullptr ? (*factory)(route.options, shared.host, errors) : nullptr);
  }
}

Gateway::~Gateway() = default;

http::RequestHandler& Gateway::ForListener(std::size_t listener) { return *ports_[listener]; }

void Gateway::Count(const config::Route& route, HandshakeOutcome outcome) {
  stats_.route[route.index].handshakes[static_cast<std::size_t>(outcome)].Add();
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnRequest(http::Exchange& exchange, const config::Listener& listener) {
  const http::Request& request = exchange.request();
  const route::SeenAs seen =
      route::SeenByClient(request, exchange.tls() != nullptr, exchange.client_address(), listener.trusted_proxies);
  const config::Route* route = shared_.router.Find(seen.host, request.target.path);
  if (route == nullptr) {
    stats_.unrouted.Add();
    shared_.log.Debug("no route", {{"client", seen.client}, {"host", seen.host}, {"path", request.target.path}});
    exchange.Respond(http::TextResponse(404, "no route for this host and path"));
    return nullptr;
  }
  stats_.route[route->index].requests.Add();
  const config::Cors* cors = route->cors ? &*route->cors : nullptr;
  if (cors != nullptr && route::IsPreflight(request)) {
    exchange.Respond(route::AnswerPreflight(request, seen, *cors));
    return nullptr;
  }
  const route::OriginVerdict verdict = route::JudgeOrigin(request, seen, cors, route->require_origin);
  http::Headers fields = verdict.headers;
  if (verdict.vary) fields.Add("Vary", "Origin");
  exchange.SetAnswerHeaders(std::move(fields));

  plugin::Service* service = services_[route->index].get();
  if (IsForWebSocket(request, *route)) return OnUpgrade(exchange, *route, seen, verdict);
  // An ordinary request from elsewhere is the browser's business, unless the route has a policy of its own.
  if (!verdict.allowed && (cors != nullptr || route->require_origin)) {
    exchange.Respond(http::TextResponse(403, verdict.reason));
    return nullptr;
  }
  if (service != nullptr) return service->OnRequest(exchange);
  return std::make_unique<Proxy>(*this, exchange, *route, seen, std::nullopt, *http_pools_.find(*route->backend)->second);
}

// Whether a request is one for the handshake, be it to be told that there is nothing else here.
bool Gateway::IsForWebSocket(const http::Request& request, const config::Route& route) const {
  const bool asked = request.UpgradesTo("websocket");
  if (const plugin::Service* service = services_[route.index].get()) {
    return !service->serves_http() || (service->serves_websocket() && asked);
  }
  return asked || shared_.config->backends.at(*route.backend).relay != config::Relay::kHttp;
}

std::expected<Admission, http::Response> Gateway::Admit(const http::Request& request, const config::Route& route,
                                                        const route::SeenAs& seen, const route::OriginVerdict& verdict) {
  const auto refuse = [&](HandshakeOutcome outcome, http::Response response) {
    Count(route, outcome);
    return std::unexpected(std::move(response));
  };
  auto offer = ws::ReadOffer(request);
  if (!offer) return refuse(HandshakeOutcome::kBadRequest, std::move(offer.error()));
  if (!verdict.allowed) return refuse(HandshakeOutcome::kForbiddenOrigin, http::TextResponse(403, verdict.reason));
  auto subprotocol = AgreeOnSubprotocol(*offer, route);
  if (!subprotocol) return refuse(HandshakeOutcome::kNoSubprotocol, std::move(subprotocol.error()));
  auto encoding = CarriesBytes(route) ? AgreeOnEncoding(request, route, *subprotocol) : config::Encoding::kBinary;
  if (!encoding) return refuse(HandshakeOutcome::kBadRequest, std::move(encoding.error()));
  if (draining_) return refuse(HandshakeOutcome::kShuttingDown, http::TextResponse(503, "the gateway is shutting down"));
  return Admission{.route = &route,
                   .offer = std::move(*offer),
                   .subprotocol = std::move(*subprotocol),
                   .encoding = *encoding,
                   .cors = verdict.headers,
                   .client = seen.client,
                   .started_us = context_.loop.timers.Micros()};
}

bool Gateway::CarriesBytes(const config::Route& route) const {
  return route.backend && shared_.config->backends.at(*route.backend).relay == config::Relay::kBytes;
}

// A browser does not tell its page why a handshake failed; the log does.
void Gateway::LogRefusal(const http::Request& request, const config::Route& route, const route::SeenAs& seen,
                         const http::Response& answer) {
  const std::string* origin = request.headers.Find("origin");
  shared_.log.Info("handshake refused", {{"client", seen.client},
                                         {"route", route.path.written},
                                         {"host", seen.host},
                                         {"origin", origin != nullptr ? *origin : ""},
                                         {"status", std::int64_t{answer.status}},
                                         {"why", std::string_view(answer.body).substr(0, answer.body.find('\n'))}});
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnUpgrade(http::Exchange& exchange, const config::Route& route,
                                                          const route::SeenAs& seen, const route::OriginVerdict& verdict) {
  auto admission = Admit(exchange.request(), route, seen, verdict);
  if (!admission) {
    LogRefusal(exchange.request(), route, seen, admission.error());
    exchange.Respond(std::move(admission.error()));
    return nullptr;
  }
  const std::uint64_t limit = route.limits.sessions;
  if (limit != 0 && !shared_.counts.TryAdd(route.index, limit)) {
    Count(route, HandshakeOutcome::kTooManySessions);
    http::Response full = http::TextResponse(503, "too many sessions on this route");
    full.headers.Add("Retry-After", "5");
    LogRefusal(exchange.request(), route, seen, full);
    exchange.Respond(std::move(full));
    return nullptr;
  }
  if (!route.backend) {
    EstablishService(exchange, *admission);
    return nullptr;
  }
  if (const auto http = http_pools_.find(*route.backend); http != http_pools_.end()) {
    return std::make_unique<Proxy>(*this, exchange, route, seen, std::move(*admission), *http->second);
  }
  return std::make_unique<Handshake>(*this, exchange, std::move(*admission), *pools_.find(*route.backend)->second);
}

std::optional<Gateway::Admitted> Gateway::Answer101(http::Exchange& exchange, Admission& admission, const http::Response& answer,
                                                    const config::Server* server) {
  const config::Route& route = *admission.route;
  const io::Timers& clock = context_.loop.timers;
  http::Upgraded upgraded = exchange.Upgrade(answer);
  if (!upgraded.stream) {  // the client went away within this turn
    Count(route, HandshakeOutcome::kClientGone);
    if (route.limits.sessions != 0) shared_.counts.Remove(route.index);
    return {};
  }
  stats::RouteStats& stats = stats_.route[route.index];
  Count(route, HandshakeOutcome::kAccepted);
  stats.handshake_us.Record(clock.Micros() - admission.started_us);
  stats.sessions_open.Add();
  stats.sessions_total.Add();
  if (server != nullptr) {
    stats_.server[server->index].sessions_open.Add();
    stats_.server[server->index].sessions_total.Add();
  }
  Facts facts{.id = std::exchange(next_id_, next_id_ + id_step_),
              .route = &route,
              .server = server,
              .client = std::move(admission.client),
              .subprotocol = std::move(admission.subprotocol),
              .opened = clock.Now()};
  shared_.log.Info("session open", {{"id", facts.id},
                                    {"client", facts.client},
                                    {"route", route.path.written},
                                    {"server", server != nullptr ? server->url : "plugin:" + *route.plugin},
                                    {"subprotocol", facts.subprotocol}});
  return Admitted{std::move(upgraded), std::move(facts)};
}

http::Response Gateway::Make101(const Admission& admission) const {
  const std::vector<http::Header> cors(admission.cors.begin(), admission.cors.end());
  return ws::Accept(admission.offer, {.date = http::HttpDate(context_.loop.timers.UnixSeconds()),
                                      .server = shared_.config->server_header,
                                      .subprotocol = admission.subprotocol,
                                      .cors = cors});
}

void Gateway::EstablishService(http::Exchange& exchange, Admission& admission) {
  auto admitted = Answer101(exchange, admission, Make101(admission), nullptr);
  if (!admitted) return;
  const std::size_t route = admission.route->index;
  Session::Owner& owner = *this;
  Launch(std::make_unique<ServiceSession>(context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
                                          exchange.request(), *services_[route], stats_.route[route], owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishBytes(http::Exchange& exchange, Admission& admission, std::unique_ptr<io::ByteStream> stream,
                             const config::Server& server) {
  auto admitted = Answer101(exchange, admission, Make101(admission), &server);
  if (!admitted) return;
  Session::Owner& owner = *this;
  Launch(std::make_unique<ByteTunnel>(context_, std::move(admitted->facts), std::move(admitted->upgraded.stream), std::move(stream),
                                      admission.encoding, stats_.route[admission.route->index], stats_.server[server.index], owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishFrames(http::Exchange& exchange, Admission& admission, const http::Response& answer, http::Upgraded server_side,
                              const config::Server& server) {
  const std::string* subprotocol = answer.headers.Find("sec-websocket-protocol");
  admission.subprotocol = subprotocol != nullptr ? *subprotocol : "";
  http::Response response = Make101(admission);
  for (const http::Header& header : ToClient(answer, *admission.route).headers) {
    if (response.headers.Find(header.name) == nullptr && !EqualsIgnoreCase(header.name, "content-length")) {
      response.headers.Add(header.name, header.value);
    }
  }
  auto admitted = Answer101(exchange, admission, response, &server);
  if (!admitted) return context_.loop.turn.DeferDelete(std::move(server_side.stream));
  Session::Owner& owner = *this;
  Launch(std::make_unique<FrameTunnel>(context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
                                       std::move(server_side.stream), std::move(server_side.early),
                                       stats_.route[admission.route->index], stats_.server[server.index], owner),
         std::move(admitted->upgraded.early));
}

void Gateway::Launch(std::unique_ptr<Session> session, std::string early) {
  Session& started = *session;
  sessions_.emplace(started.facts().id, std::move(session));
  started.Start(std::move(early));
}

void Gateway::OnSessionDone(Session& session) {
  auto node = sessions_.extract(session.facts().id);
  assert(node && "a session ends once");
  Forget(session);
  context_.loop.turn.DeferDelete(std::move(node.mapped()));
  if (empty_ && sessions_.empty()) std::exchange(empty_, nullptr)();
}

// Takes a session out of the counters and writes its last line.
void Gateway::Forget(Session& session) {
  const Facts& facts = session.facts();
  const Ending& ending = session.ending();
  const Totals& totals = session.totals();
  stats::RouteStats& stats = stats_.route[facts.route->index];
  stats.sessions_open.Subtract();
  stats.close_codes.Count(ending.code);
  if (facts.server != nullptr) stats_.server[facts.server->index].sessions_open.Subtract();
  if (facts.route->limits.sessions != 0) shared_.counts.Remove(facts.route->index);
  const auto duration = context_.loop.timers.Now() - facts.opened;
  shared_.log.Info("session close", {{"id", facts.id},
                                     {"client", facts.client},
                                     {"route", facts.route->path.written},
                                     {"server", facts.server != nullptr ? facts.server->url : "plugin:" + *facts.route->plugin},
                                     {"subprotocol", facts.subprotocol},
                                     {"duration_s", static_cast<double>(duration.count()) / 1000.0},
                                     {"messages_in", totals.messages_in},
                                     {"bytes_in", totals.bytes_in},
                                     {"messages_out", totals.messages_out},
                                     {"bytes_out", totals.bytes_out},
                                     {"code", std::uint64_t{ending.code}},
                                     {"closed_by", ToString(ending.closer)},
                                     {"why", ending.why}});
}

void Gateway::Drain(std::function<void()> empty) {
  draining_ = true;
  if (sessions_.empty()) return empty();
  empty_ = std::move(empty);
  std::vector<std::uint64_t> ids;
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto it = sessions_.find(id);
    if (it != sessions_.end()) it->second->End(ws::close_code::kGoingAway, "the gateway is shutting down");
  }
}

void Gateway::Abandon() {
  draining_ = true;
  for (auto& [id, session] : sessions_) {
    session->Abandon();
    Forget(*session);
    context_.loop.turn.DeferDelete(std::move(session));
  }
  sessions_.clear();
  if (empty_) std::exchange(empty_, nullptr)();
}

}  // namespace upgate::session
