#include "gateway/session/gateway.h"

#include <cassert>
#include <utility>
#include <variant>

#include "gateway/base/text.h"
#include "gateway/route/readings.h"
#include "gateway/session/byte_tunnel.h"
#include "gateway/session/frame_tunnel.h"
#include "gateway/session/handshake.h"
#include "gateway/session/proxy.h"
#include "gateway/session/proxy_headers.h"
#include "gateway/session/relay_session.h"
#include "gateway/session/service_session.h"
#include "gateway/session/upgrade_answer.h"
#include "gateway/ws/hixie_stream.h"

namespace upgate::session {
namespace {

constexpr std::string_view kNoRoute = "no route for this host and path";

}  // namespace

using stats::HandshakeOutcome;

// One listener's way into the gateway.
class Gateway::Port final : public http::RequestHandler {
 public:
  Port(Gateway& gateway, const config::Listener& listener, ClientPlaces& places)
      : gateway_(gateway), listener_(listener), places_(places), stats_(places.stats()) {}

  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    stats_.requests.Add();
    if (gateway_.context_.loop.memory.over()) return RefuseForMemory(exchange);
    return gateway_.OnRequest(exchange, listener_, places_);
  }
  void OnAnswer(int status) override { stats_.CountResponse(status); }
  void OnConnectionError(const Error& error) override {
    const std::string listener = listener_.address.ToString();
    gateway_.shared_.log.Debug("connection failed",
                               {{"listener", listener}, {"why", error.message}});
    if (error.code != Errc::kTls) return stats_.connection_errors.Add();
    const auto fault = static_cast<std::size_t>(error.tls_fault);
    stats_.tls_failures[fault].Add();
    const auto left_out =
        gateway_.shared_.counts.tls_warnings[fault].Due(gateway_.context_.loop.timers.Now());
    if (!left_out) return;
    gateway_.shared_.log.Info("TLS handshake failed", {{"listener", listener},
                                                       {"kind", stats::kTlsFaultNames[fault]},
                                                       {"why", error.message},
                                                       {"left_out", *left_out}});
  }

 private:
  // Before anything is looked at: what it would be answered with takes memory, too.
  std::unique_ptr<http::ExchangeHandler> RefuseForMemory(http::Exchange& exchange) {
    gateway_.context_.loop.memory.NoteRefusal(io::MemoryRefusal::kRequest);
    http::Response busy =
        http::TextResponse(503, "the gateway is out of memory for clients; try again later");
    busy.headers.Add("Retry-After", "5");
    exchange.Respond(std::move(busy));
    return nullptr;
  }

  Gateway& gateway_;
  const config::Listener& listener_;
  ClientPlaces& places_;
  stats::ListenerStats& stats_;
};

// What the instance of one route's service sees of its loop.
class Gateway::ServiceHost final : public plugin::Host {
 public:
  ServiceHost(Gateway& gateway, const plugin::Service& service, std::size_t route,
              std::size_t loop_index, std::size_t loops)
      : gateway_(gateway),
        route_(route),
        loop_index_(loop_index),
        loops_(loops),
        instance_(service.Start(*this)) {}

  plugin::Instance& instance() { return *instance_; }

 private:
  const plugin::StatsSource& stats() const override { return gateway_.shared_.stats; }
  io::Loop loop() override { return gateway_.context_.loop; }
  std::size_t loop_index() const override { return loop_index_; }
  std::size_t loops() const override { return loops_; }
  void Post(std::size_t loop_index, Task task) override {
    gateway_.shared_.post(loop_index,
                          [route = route_, run = std::move(task)](Gateway& there) mutable {
                            run(there.service_hosts_[route]->instance());
                          });
  }

  Gateway& gateway_;
  std::size_t route_;
  std::size_t loop_index_;
  std::size_t loops_;
  std::unique_ptr<plugin::Instance> instance_;
};

Gateway::Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch,
                 std::deque<ClientPlaces>& places, stats::LoopStats& stats, std::size_t index,
                 std::size_t loops)
    : shared_(shared),
      context_(loop),
      stats_(stats),
      compression_pool_(loop.timers, loop.memory, shared.config->compression_memory / loops,
                        stats.compression),
      next_id_(index + 1),
      id_step_(loops) {
  const config::Config& config = *shared.config;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    ports_.push_back(std::make_unique<Port>(*this, config.listeners[i], places[i]));
  }
  for (const auto& [name, backend] : config.backends) {
    const auto tls = shared.client_tls.find(name);
    pools_.emplace(name, std::make_unique<backend::Pool>(
                             backend, tls == shared.client_tls.end() ? nullptr : tls->second.get(),
                             loop, scratch, stats, &shared.servers, index));
    if (backend.relay != config::Relay::kBytes) {
      http_pools_.emplace(name, std::make_unique<backend::HttpPool>(
                                    *pools_.find(name)->second, loop, shared.counts.idle_servers));
    }
  }
  for (std::size_t i = 0; i < shared.services.size(); ++i) {
    const plugin::Service* service = shared.services[i].get();
    service_hosts_.push_back(service != nullptr
                                 ? std::make_unique<ServiceHost>(*this, *service, i, index, loops)
                                 : nullptr);
  }
}

Gateway::~Gateway() = default;

http::RequestHandler& Gateway::ForListener(std::size_t listener) {
  return *ports_[listener];
}

void Gateway::Count(const config::Route& route, HandshakeOutcome outcome) {
  stats_.route[route.index].handshakes[static_cast<std::size_t>(outcome)].Add();
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnRequest(http::Exchange& exchange,
                                                          const config::Listener& listener,
                                                          ClientPlaces& places) {
  const http::Request& request = exchange.request();
  const route::SeenAs seen = route::SeenByClient(
      request, listener.tls.has_value(), exchange.client_address(), listener.trusted_proxies);
  if (!seen.overruled.empty())
    shared_.log.Debug("proxy headers disagree",
                      {{"client", seen.client}, {"believed", seen.overruled}});
  const route::Routed routed = route::FindRoute(shared_.router, seen.host, request.target);
  const config::Route* route = routed.route;
  if (route == nullptr) {
    RefuseUnrouted(exchange, listener, seen, routed.ambiguous);
    return nullptr;
  }
  stats_.route[route->index].requests.Add();
  const Behind behind = BehindRoute(*shared_.config, *route, shared_.services[route->index].get());
  Decision decision = Decide(request, listener, *route, behind, seen);
  exchange.SetAnswerHeaders(std::move(decision.fields));
  if (!decision.for_websocket()) {
    if (route->plugin && ws::IsHandshake(request, listener.dialects)) {
      const auto* answered = std::get_if<Answered>(&decision.what);
      LogRefusal(request, route, seen, answered != nullptr ? answered->response.status : 0,
                 "no WebSocket: this route leads to the service " + *route->plugin);
    }
    exchange.IgnoreUpgrade();
  }
  if (auto* answered = std::get_if<Answered>(&decision.what)) {
    if (answered->outcome) {
      Count(*route, *answered->outcome);
      LogRefusal(request, route, seen, answered->response.status, answered->response.body);
    }
    exchange.Respond(std::move(answered->response));
    return nullptr;
  }
  if (auto* accepted = std::get_if<Accepted>(&decision.what)) {
    Admission admission =
        Admit(request, *route, seen, std::move(*accepted), std::move(decision.verdict.headers));
    admission.places = &places;
    return OnUpgrade(exchange, listener, *route, seen, std::move(admission));
  }
  if (ServiceHost* host = service_hosts_[route->index].get())
    return host->instance().OnRequest(exchange);
  return std::make_unique<Proxy>(*this, exchange, listener, *route, seen, std::nullopt,
                                 *http_pools_.find(*route->backend)->second);
}

void Gateway::RefuseUnrouted(http::Exchange& exchange, const config::Listener& listener,
                             const route::SeenAs& seen, bool ambiguous) {
  const http::Request& request = exchange.request();
  const int status = ambiguous ? 400 : 404;
  const std::string_view why = ambiguous ? route::kAmbiguous : kNoRoute;
  stats_.unrouted.Add();
  if (ws::IsHandshake(request, listener.dialects)) {
    LogRefusal(request, nullptr, seen, status, why);
  } else {
    exchange.IgnoreUpgrade();
    shared_.log.Debug("no route", {{"client", seen.client},
                                   {"host", seen.host},
                                   {"path", request.target.path},
                                   {"why", why}});
  }
  exchange.Respond(http::TextResponse(status, why));
}

Admission Gateway::Admit(const http::Request& request, const config::Route& route,
                         const route::SeenAs& seen, Accepted accepted, http::Headers cors) const {
  return Admission{.route = &route,
                   .offer = std::move(accepted.offer),
                   .subprotocol = std::move(accepted.subprotocol),
                   .encoding = accepted.encoding,
                   .compression = std::move(accepted.compression),
                   .cors = std::move(cors),
                   .url = route::WebSocketUrl(seen, request.target),
                   .client = seen.client,
                   .asked = Asked(seen.host, request.target.path, ws::OriginSent(request)),
                   .started_us = context_.loop.timers.Micros()};
}

http::Response Gateway::OnBackendFailed(const config::Route& route, std::string_view client,
                                        const backend::OpenError& error) {
  // A lack of our own, which any number of clients meets at once.
  const bool ours = error.code == Errc::kLimit;
  LogBackendFailed(route, client, error.message,
                   ours ? shared_.counts.resource_warnings : shared_.counts.backend_failures);
  if (ours) return http::TextResponse(503, "the gateway has no resources left for this request");
  if (error.code == Errc::kTimeout)
    return http::TextResponse(
        504, "the server behind this route cannot be reached within connect_timeout");
  return http::TextResponse(502, "the server behind this route cannot be reached");
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnUpgrade(http::Exchange& exchange,
                                                          const config::Listener& listener,
                                                          const config::Route& route,
                                                          const route::SeenAs& seen,
                                                          Admission admission) {
  const auto refuse = [&](HandshakeOutcome outcome, http::Response response) {
    Count(route, outcome);
    LogRefusal(exchange.request(), &route, seen, response.status, response.body);
    exchange.Respond(std::move(response));
    return nullptr;
  };
  if (draining_)
    return refuse(HandshakeOutcome::kShuttingDown,
                  http::TextResponse(503, "the gateway is shutting down"));
  const std::uint64_t limit = route.limits.sessions;
  if (limit != 0 && !shared_.counts.sessions[route.index].TryTake(1)) {
    http::Response full = http::TextResponse(503, "too many sessions on this route");
    full.headers.Add("Retry-After", "5");
    return refuse(HandshakeOutcome::kTooManySessions, std::move(full));
  }
  if (!route.backend) {
    EstablishService(exchange, admission);
    return nullptr;
  }
  if (const auto http = http_pools_.find(*route.backend); http != http_pools_.end()) {
    return std::make_unique<Proxy>(*this, exchange, listener, route, seen, std::move(admission),
                                   *http->second);
  }
  return std::make_unique<Handshake>(*this, exchange, std::move(admission),
                                     *pools_.find(*route.backend)->second);
}

std::optional<Gateway::Admitted> Gateway::Answer101(http::Exchange& exchange, Admission& admission,
                                                    const http::Response& answer,
                                                    const config::Server* server) {
  const config::Route& route = *admission.route;
  const io::Timers& clock = context_.loop.timers;
  admission.places->BeginHandOver();
  http::Upgraded upgraded = exchange.Upgrade(answer);
  ClientPlaces::Place place = admission.places->EndHandOver();
  if (!upgraded.stream) {  // the client went away within this turn
    Count(route, HandshakeOutcome::kClientGone);
    if (route.limits.sessions != 0) shared_.counts.sessions[route.index].GiveBack(1);
    return {};
  }
  if (server == nullptr) place.Keep(ClientPlaces::kOfServiceSession);
  stats::RouteStats& stats = stats_.route[route.index];
  Count(route, HandshakeOutcome::kAccepted);
  stats.handshake_us.Record(clock.Micros() - admission.started_us);
  stats.sessions_open.Add();
  stats.sessions_total.Add();
  stats.sessions_by_dialect[static_cast<std::size_t>(admission.offer.dialect)].Add();
  if (admission.compression) stats.sessions_compressed.Add();
  if (server != nullptr) {
    stats_.server[server->index].sessions_open.Add();
    stats_.server[server->index].sessions_total.Add();
  }
  Facts facts{.id = std::exchange(next_id_, next_id_ + id_step_),
              .route = &route,
              .server = server,
              .client = std::move(admission.client),
              .asked = std::move(admission.asked),
              .subprotocol = std::move(admission.subprotocol),
              .dialect = admission.offer.dialect,
              .opened = clock.Now(),
              .place = std::move(place)};
  shared_.log.Info("session open",
                   {{"id", facts.id},
                    {"client", facts.client},
                    {"route", route.path.written},
                    {"host", facts.asked.host()},
                    {"path", facts.asked.path()},
                    {"origin", facts.asked.origin()},
                    {"server", server != nullptr ? server->url : "plugin:" + *route.plugin},
                    {"subprotocol", facts.subprotocol},
                    {"extensions", admission.compression ? admission.compression->answer : ""},
                    {"dialect", NameOf(facts.dialect)}});
  return Admitted{ws::AsRfc6455(facts.dialect, std::move(upgraded), context_.loop),
                  std::move(facts)};
}

std::unique_ptr<Compression> Gateway::OpenCompression(Admission& admission) {
  if (!admission.compression) return nullptr;
  const config::Route& route = *admission.route;
  auto compression =
      Compression::Open(compression_pool_, ws::Role::kServer, admission.compression->parameters,
                        *route.compression, route.limits.message_size);
  if (!compression) {
    admission.compression.reset();
    stats_.route[route.index].compression_declined.Add();
  }
  return compression;
}

http::Response Gateway::Make101(const Admission& admission) const {
  const std::vector<http::Header> cors(admission.cors.begin(), admission.cors.end());
  return ws::Accept(admission.offer,
                    {.date = http::HttpDate(context_.loop.timers.UnixSeconds()),
                     .server = shared_.config->server_header,
                     .subprotocol = admission.subprotocol,
                     .cors = cors,
                     .location = admission.url,
                     .extensions = admission.compression ? admission.compression->answer : ""});
}

void Gateway::EstablishService(http::Exchange& exchange, Admission& admission) {
  auto compression = OpenCompression(admission);
  auto admitted = Answer101(exchange, admission, Make101(admission), nullptr);
  if (!admitted) return;
  const std::size_t route = admission.route->index;
  Session::Owner& owner = *this;
  Launch(std::make_unique<ServiceSession>(
             context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
             std::move(compression), exchange.request(), service_hosts_[route]->instance(),
             stats_.route[route], owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishBytes(http::Exchange& exchange, Admission& admission,
                             std::unique_ptr<io::ByteStream> stream, const config::Server& server) {
  auto compression = OpenCompression(admission);
  auto admitted = Answer101(exchange, admission, Make101(admission), &server);
  if (!admitted) return;
  Session::Owner& owner = *this;
  Launch(std::make_unique<ByteTunnel>(
             context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
             std::move(compression), std::move(stream), admission.encoding,
             stats_.route[admission.route->index], stats_.server[server.index], owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishFrames(http::Exchange& exchange, Admission& admission,
                              const http::Response& answer, http::Upgraded server_side,
                              const config::Server& server,
                              std::unique_ptr<Compression> server_compression) {
  const config::Route& route = *admission.route;
  admission.subprotocol = ChosenSubprotocol(answer);
  auto compression = OpenCompression(admission);
  http::Response response = Make101(admission);
  AddFieldsOfServer(ToClient(WithoutHandshake(answer, route.enforce), route), response);
  auto admitted = Answer101(exchange, admission, response, &server);
  if (!admitted) return context_.loop.turn.DeferDelete(std::move(server_side.stream));
  if (server_compression) stats_.server[server.index].sessions_compressed.Add();
  Session::Owner& owner = *this;
  std::unique_ptr<Session> session;
  if (route.enforce) {
    session = std::make_unique<RelaySession>(
        context_, std::move(admitted->facts),
        RelaySession::Peer{std::move(admitted->upgraded.stream), std::move(compression)},
        RelaySession::Peer{std::move(server_side.stream), std::move(server_compression)},
        std::move(server_side.early), stats_.route[route.index], stats_.server[server.index],
        owner);
  } else {
    session = std::make_unique<FrameTunnel>(
        context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
        std::move(server_side.stream), std::move(server_side.early), stats_.route[route.index],
        stats_.server[server.index], owner);
  }
  Launch(std::move(session), std::move(admitted->upgraded.early));
}

void Gateway::Launch(std::unique_ptr<Session> session, std::string early) {
  Session& started = *session;
  sessions_.emplace(started.facts().id, std::move(session));
  started.Start(std::move(early));
}

void Gateway::OnSessionDone(Session& session) {
  auto node = sessions_.extract(session.facts().id);
  assert(node && "a session ends once");
  session.Retire();
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
  if (facts.route->limits.sessions != 0) shared_.counts.sessions[facts.route->index].GiveBack(1);
  const auto duration = context_.loop.timers.Now() - facts.opened;
  shared_.log.Info(
      "session close",
      {{"id", facts.id},
       {"client", facts.client},
       {"route", facts.route->path.written},
       {"host", facts.asked.host()},
       {"path", facts.asked.path()},
       {"origin", facts.asked.origin()},
       {"server", facts.server != nullptr ? facts.server->url : "plugin:" + *facts.route->plugin},
       {"subprotocol", facts.subprotocol},
       {"dialect", NameOf(facts.dialect)},
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
    if (it != sessions_.end())
      it->second->End(ws::close_code::kGoingAway, "the gateway is shutting down");
  }
}

void Gateway::Abandon() {
  draining_ = true;
  for (auto& [id, session] : sessions_) {
    session->Abandon();
    session->Retire();
    Forget(*session);
    context_.loop.turn.DeferDelete(std::move(session));
  }
  sessions_.clear();
  if (empty_) std::exchange(empty_, nullptr)();
}

}  // namespace upgate::session
