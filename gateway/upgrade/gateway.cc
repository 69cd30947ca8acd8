#include "gateway/upgrade/gateway.h"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/drained.h"
#include "gateway/upgrade/handshake.h"
#include "gateway/upgrade/loop_resolver.h"
#include "gateway/upgrade/proxy.h"
#include "gateway/upgrade/resolving.h"
#include "gateway/upgrade/server_choice.h"
#include "gateway/upgrade/token.h"

namespace upgate::upgrade {
namespace {

std::unique_ptr<http::ExchangeHandler> RefuseForShutdown(http::Exchange& exchange) {
  exchange.Respond(RetryLaterResponse("the gateway is shutting down"));
  return nullptr;
}

std::string_view WhyNoServer(backend::Lack lack) {
  switch (lack) {
    case backend::Lack::kDrained:
      return "every server behind this route is drained; try again later";
    case backend::Lack::kFull:
      return "every server behind this route is full; try again later";
    case backend::Lack::kOut:
    case backend::Lack::kNone:
      break;
  }
  return "no server behind this route is available; try again later";
}

// The configured backend of that name in this generation still has the name that the server was
// one of, or stood for while nothing was known of it.
bool HasNameOf(const Generation& now, const backend::Server& server) {
  const bool named = server.config.resolve != config::Server::Resolve::kAny;
  const std::string& name = named ? server.config.url : server.config.origin;
  const auto configured = now.config->backends.find(server.record.backend);
  return !name.empty() && configured != now.config->backends.end() &&
         std::ranges::any_of(configured->second.servers,
                             [&](const config::Server& one) { return one.url == name; });
}

bool LeadsToBackend(const RouteRecord& route, std::string_view name) {
  const auto is_it = [&](const std::shared_ptr<const backend::BackendRecord>& backend) {
    return backend && backend->config->name == name;
  };
  return is_it(route.backend) || std::ranges::any_of(route.split, is_it);
}

// True if a route still has the same target: the same service, or a backend of that name that still
// has the server.
bool LeadsThere(const RouteRecord& now, const RouteRecord& before, const backend::Server* server) {
  if (before.resolver) {
    return now.resolver && now.config->resolver->name == before.config->resolver->name &&
           now.config->options_words == before.config->options_words;
  }
  if (server == nullptr) return now.service == before.service;
  // A server is the same only if its backend has the same name.
  const auto has_server = [&](const std::shared_ptr<const backend::BackendRecord>& backend) {
    return backend && std::ranges::any_of(backend->servers, [&](const auto& one) {
             return one.get() == &server->record;
           });
  };
  return has_server(now.backend) || std::ranges::any_of(now.split, has_server);
}

}  // namespace

using stats::HandshakeOutcome;

Gateway::Gateway(const Shared& shared, io::Loop loop, tls::Scratch& scratch,
                 stats::LoopStats& stats, std::size_t index, std::size_t loops)
    : shared_(shared),
      index_(index),
      context_(loop),
      stats_(stats),
      routes_({.loop = loop,
               .scratch = scratch,
               .stats = shared.stats,
               .servers = shared.servers,
               .idle_servers = shared.counts.idle_servers,
               .others = *this,
               .log = shared.log,
               .post =
                   [&shared, index](std::move_only_function<void()> task) {
                     shared.post(index, [run = std::move(task)](Gateway&) mutable { run(); });
                   },
               .index = index,
               .loops = loops}),
      compression_pool_(loop.timers, loop.memory, 0, stats.compression),
      sessions_(loop.turn),
      rechecks_(
          loop,
          [this](std::uint64_t id, const plugin::AuthAnswer& answer) { EndRefused(id, answer); },
          [this](std::uint64_t id, const plugin::AuthAnswer& answer) {
            LogRecheck(id, answer, false);
          }),
      closes_(loop.timers, loop.entropy,
              [this](std::uint64_t id, const SpreadCloses::Reason& reason) {
                if (session::Session* open = sessions_.Find(id))
                  open->End(reason.code, reason.text);
              }),
      next_id_(index + 1),
      id_step_(loops),
      clock_start_ms_(loop.timers.Micros() / 1000 -
                      static_cast<std::uint64_t>(loop.timers.Now().time_since_epoch().count())),
      too_old_(std::make_shared<const SpreadCloses::Reason>(
          ws::close_code::kServiceRestart, "the session has reached limits.max_age", nullptr)) {}

Gateway::~Gateway() = default;

// ---- the configuration

void Gateway::Prepare(std::shared_ptr<const Generation> generation, LoopRoutes::Prepared done) {
  routes_.Prepare(std::move(generation), std::move(done));
}

void Gateway::Switch(bool listeners_gone, std::function<void()> released) {
  const bool routes_changed = routes_.Switch(std::move(released));
  compression_pool_.SetMemory(routes_.generation().config->compression_memory / id_step_);
  if ((routes_changed || listeners_gone) && !sessions_.empty()) EndOutdated();
}

void Gateway::Adopt(std::shared_ptr<const Generation> generation) {
  routes_.PrepareNow(std::move(generation));
  Switch(false, nullptr);
}

bool Gateway::IsOutdated(const session::Session& session) {
  const session::Facts& facts = session.facts();
  if (const auto* places = facts.place.owner(); places != nullptr && places->retired()) return true;
  const RouteContext& route = ContextOf(facts.slot);
  const RouteRecord* const now = routes_.FindByName(route.name());
  if (now == &route.record()) return false;
  if (now == nullptr) return true;
  if (LeadsThere(*now, route.record(), facts.server)) return false;
  return facts.server == nullptr || !LeadsToBackend(*now, facts.server->record.backend) ||
         !HasNameOf(routes_.generation(), *facts.server);
}

bool Gateway::IsOfGoneAddress(const session::Session& session) {
  const session::Facts& facts = session.facts();
  if (facts.server == nullptr || facts.server->config.origin.empty() || IsOutdated(session))
    return false;
  const auto& backends = routes_.generation().backends;
  const auto now = backends.find(facts.server->record.backend);
  return now != backends.end() && now->second->config->on_down == config::OnDown::kClose &&
         std::ranges::none_of(now->second->servers, [&](const auto& server) {
           return server.get() == &facts.server->record;
         });
}

config::OnChange Gateway::OnChangeOf(const session::Session& session) {
  const RouteContext& route = ContextOf(session.facts().slot);
  const RouteRecord* const now = routes_.FindByName(route.name());
  return now != nullptr ? now->config->on_change : route.config().on_change;
}

// Collects ids, because a session may end between two slices of the walk.
void Gateway::EndOutdated() {
  auto drained = std::make_shared<std::vector<std::uint64_t>>();
  auto closed = std::make_shared<std::vector<std::uint64_t>>();
  auto gone = std::make_shared<std::vector<std::uint64_t>>();
  sessions_.Walk(
      [this, drained, closed, gone](session::Session& session) {
        if (IsOfGoneAddress(session)) gone->push_back(session.facts().id);
        const config::OnChange fate = OnChangeOf(session);
        if (fate == config::OnChange::kKeep || !IsOutdated(session)) return;
        (fate == config::OnChange::kDrain ? drained : closed)->push_back(session.facts().id);
      },
      [this, drained, closed, gone] {
        CloseOfGoneAddresses(*gone);
        CloseOutdated(*closed, io::Millis{0});
        CloseOutdated(*drained, routes_.generation().config->drain_spread);
      });
}

void Gateway::CloseOfGoneAddresses(const std::vector<std::uint64_t>& sessions) {
  if (sessions.empty()) return;
  closes_.Add(sessions, routes_.generation().config->drain_spread,
              {.code = ws::close_code::kServiceRestart,
               .text = "the server behind this session is gone",
               .still_wanted = [this](std::uint64_t id) {
                 const session::Session* open = sessions_.Find(id);
                 return open != nullptr && IsOfGoneAddress(*open);
               }});
}

// A session whose route, server or listener is back when its turn comes, after another reload, is
// left open.
void Gateway::CloseOutdated(const std::vector<std::uint64_t>& sessions, io::Millis spread) {
  if (sessions.empty()) return;
  closes_.Add(sessions, spread,
              {.code = ws::close_code::kServiceRestart,
               .text = "the configuration changed",
               .still_wanted = [this](std::uint64_t id) {
                 const session::Session* open = sessions_.Find(id);
                 return open != nullptr && IsOutdated(*open);
               }});
}

void Gateway::PostToService(std::size_t loop, const plugin::Service& service,
                            plugin::Host::Task task) {
  shared_.post(loop, [&service, run = std::move(task)](Gateway& there) mutable {
    if (ServiceHost* host = there.routes_.HostOf(service)) run(host->instance());
  });
}

// ---- requests

std::unique_ptr<http::ExchangeHandler> Gateway::OnRequest(http::Exchange& exchange,
                                                          const Ref<ListenerContext>& came_by,
                                                          http::ClientPlaces& places) {
  const config::Listener& listener = came_by->config;
  const http::Request& request = exchange.request();
  route::SeenAs seen = route::SeenByClient(request, listener.tls.has_value(),
                                           exchange.client_address(), listener.trusted_proxies);
  if (!seen.overruled.empty())
    shared_.log.Debug("proxy headers disagree",
                      {{"client", seen.client}, {"believed", seen.overruled}});
  if (Welcome(exchange, listener, seen)) return nullptr;
  if (came_by->record->row->drained.load(std::memory_order_relaxed))
    return RefuseDrained(exchange, listener, seen, nullptr);
  const route::Facts facts{
      .request = request, .seen = seen, .listener = listener, .tls = exchange.tls()};
  const route::Routed routed = route::FindRoute(*routes_.generation().router, facts);
  if (routed.route == nullptr) {
    RefuseUnrouted(exchange, facts, routed);
    return nullptr;
  }
  RouteContext& route = routes_.At(routed.route->index);
  route.stats().requests.Add();
  exchange.Hold(Ref<RefCounted>(&route));
  exchange.NoteRoute(route.name());
  if (route.resolver() != nullptr) HideTokens(std::span(&routed.route, 1), exchange);
  const bool overloaded = shared_.counts.overload.Of(index_).refuses_handshakes();
  if ((overloaded || route.restricts_clients()) && TurnAway(exchange, listener, route, seen))
    return nullptr;
  if (RefuseBody(exchange, route, seen)) return nullptr;
  // The first request on a connection is still served after a shutdown began.
  if (draining_ && !exchange.first()) {
    if (ws::IsHandshake(request, listener.dialects)) route.Count(HandshakeOutcome::kShuttingDown);
    return RefuseForShutdown(exchange);
  }
  if (const auto& forged = routes_.generation().forged; !forged.empty())
    forged.Apply(exchange.editable_request().headers);
  const Arrival arrival{exchange, came_by, places, route, seen};
  const bool asks = route.config().auth.has_value();
  Credential credential = asks ? TakeCredential(arrival) : Credential{};
  Decision decision = Decide(request, listener, route.config(), route.behind(), seen);
  exchange.SetAnswerHeaders(std::move(decision.fields));
  if (!asks || decision.is_for_anybody()) return Proceed(arrival, decision, {});
  return Authenticate(arrival, decision, std::move(credential));
}

std::unique_ptr<http::ExchangeHandler> Gateway::Proceed(const Arrival& arrival, Decision& decision,
                                                        Known known) {
  const auto& [exchange, came_by, places, route, seen] = arrival;
  const config::Listener& listener = came_by->config;
  const http::Request& request = exchange.request();
  if (route.restricts_users() &&
      TurnUserAway(arrival, known.identity ? std::string_view(known.identity->user) : ""))
    return nullptr;
  auto* accepted = std::get_if<Accepted>(&decision.what);
  const std::string_view other =
      std::holds_alternative<Ordinary>(decision.what) ? OtherUpgrade(request, route.config()) : "";
  const std::uint64_t session = accepted != nullptr || !other.empty() ? PromiseSession(route) : 0;
  Onward onward;
  if (!Rewrite(arrival, known, session, onward)) return nullptr;
  if (!decision.for_websocket()) IgnoreUpgrade(exchange, route, seen, listener, decision, other);
  if (auto* answered = std::get_if<Answered>(&decision.what)) {
    if (answered->outcome) {
      route.Count(*answered->outcome);
      LogRefusal(request, &route, seen, answered->response.status, answered->response.body);
    }
    exchange.Respond(std::move(answered->response));
    return nullptr;
  }
  if (route.record().row->drained.load(std::memory_order_relaxed))
    return RefuseDrained(exchange, listener, seen, &route);
  if (LoopBackend* backend = route.BackendFor(seen.client))
    onward.backend = Ref<LoopBackend>(backend);
  if (accepted == nullptr && other.empty())
    return OnOrdinary(exchange, came_by, route, seen, std::move(onward));
  Admission admission = accepted != nullptr
                            ? Admit(request, route.config(), seen, std::move(*accepted),
                                    std::move(decision.verdict.headers))
                            : AdmitOther(request, route.config(), seen, other);
  admission.places = &places;
  admission.session = session;
  admission.identity = std::move(known.identity);
  return OnUpgrade(exchange, came_by, route, seen, std::move(onward), std::move(admission));
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnOrdinary(http::Exchange& exchange,
                                                           const Ref<ListenerContext>& came_by,
                                                           RouteContext& route, route::SeenAs& seen,
                                                           Onward onward) {
  if (ServiceHost* host = route.service()) {
    exchange.NoteServer(route.service_name());
    return host->instance().OnRequest(exchange);
  }
  if (route.resolver() != nullptr)
    return std::make_unique<Resolving>(*this, exchange, came_by, route, std::move(seen),
                                       std::move(onward), nullptr);
  return std::make_unique<Proxy>(*this, exchange, came_by, route, std::move(seen),
                                 std::move(onward), nullptr);
}

// For a request that is not judged as a WebSocket handshake. `other`: the protocol that it asks for
// and may have.
void Gateway::IgnoreUpgrade(http::Exchange& exchange, RouteContext& route,
                            const route::SeenAs& seen, const config::Listener& listener,
                            const Decision& decision, std::string_view other) {
  const http::Request& request = exchange.request();
  if (route.service() != nullptr && ws::IsHandshake(request, listener.dialects)) {
    const auto* answered = std::get_if<Answered>(&decision.what);
    LogRefusal(request, &route, seen, answered != nullptr ? answered->response.status : 0,
               "not a WebSocket route: it leads to the service " + *route.config().plugin);
  }
  other.empty() ? exchange.IgnoreUpgrade() : exchange.ExpectUpgrade();
}

std::uint64_t Gateway::PromiseSession(const RouteContext& route) {
  const auto& rewriter = route.record().rewriter;
  return rewriter && rewriter->uses_session() ? std::exchange(next_id_, next_id_ + id_step_) : 0;
}

bool Gateway::Rewrite(const Arrival& arrival, const Known& known, std::uint64_t session,
                      Onward& onward) {
  const auto& [exchange, came_by, places, route, seen] = arrival;
  const Rewriter* rewriter = route.record().rewriter.get();
  if (rewriter == nullptr && known.to_server.empty()) return true;
  auto changes = std::make_unique<Rewritten>();
  if (rewriter != nullptr) {
    const SocketAddress peer = exchange.client_address();
    const VariableSource source{.request = exchange.request(),
                                .seen = seen,
                                .peer = peer,
                                .tls = exchange.tls(),
                                .session = session,
                                .identity = known.identity.get()};
    if (http::FieldChanges fields = rewriter->ToClient(source); !fields.empty())
      exchange.SetAnswerChanges(std::move(fields));
    if (!rewriter->changes_requests() && known.to_server.empty()) return true;
    auto rewritten = rewriter->ToServer(source);
    if (!rewritten) {
      LogRefusal(exchange.request(), &route, seen, 400, rewritten.error());
      exchange.Respond(http::TextResponse(400, rewritten.error()));
      return false;
    }
    *changes = std::move(*rewritten);
  }
  for (const http::Header& field : known.to_server) {
    changes->fields.drop.push_back(http::AsVariable(field.name));
    if (!field.value.empty()) changes->fields.add.push_back(field);
  }
  onward.rewritten = std::move(changes);
  return true;
}

void Gateway::RefuseUnrouted(http::Exchange& exchange, const route::Facts& facts,
                             const route::Routed& routed) {
  http::Response answer = AnswerUnrouted(*routes_.generation().router, facts, routed.ambiguous);
  // The line about the request is written during this call.
  if (routed.ambiguous) HideTokens(routed.readings, exchange);
  session::Asked asked = AskedBy(facts.request, routed.readings, facts.seen);
  NoteIds(asked, facts.request);
  const std::string_view why = std::string_view(answer.body).substr(0, answer.body.size() - 1);
  stats_.unrouted.Add();
  if (ws::IsHandshake(facts.request, facts.listener.dialects)) {
    LogRefused(facts.seen.client, "", asked, answer.status, why);
  } else {
    exchange.IgnoreUpgrade();
    shared_.log.Debug("no route", {{"client", facts.seen.client},
                                   {"host", asked.host()},
                                   {"path", asked.path()},
                                   {"why", why}});
  }
  exchange.Respond(std::move(answer));
}

Admission Gateway::Admit(const http::Request& request, const config::Route& route,
                         const route::SeenAs& seen, Accepted accepted, http::Headers cors) const {
  const bool echoes_url = !config::CarriesBinary(accepted.offer.dialect);
  Admission admission{.slot = {},
                      .target = {},
                      .offer = std::move(accepted.offer),
                      .subprotocol = std::move(accepted.subprotocol),
                      .encoding = accepted.encoding,
                      .compression = std::move(accepted.compression),
                      .cors = std::move(cors),
                      .url = echoes_url ? route::WebSocketUrl(seen, request.target) : "",
                      .secure = seen.scheme == "https",
                      .client = seen.client,
                      .asked = AskedBy(request, route, seen),
                      .started_us = context_.loop.timers.Micros()};
  NoteIds(admission.asked, request);
  return admission;
}

Admission Gateway::AdmitOther(const http::Request& request, const config::Route& route,
                              const route::SeenAs& seen, std::string_view protocol) const {
  Admission admission = Admit(request, route, seen, Accepted{}, {});
  admission.protocol = protocol;
  admission.subprotocol = protocol;
  return admission;
}

http::Response Gateway::OnBackendFailed(const RouteContext& route, std::string_view client,
                                        const session::Asked& asked,
                                        const backend::OpenError& error) {
  // The gateway's own lack of resources, which affects any number of clients at once.
  const bool ours = error.lack == backend::Lack::kNone && error.code == Errc::kLimit;
  http::Response response = [&] {
    if (error.lack != backend::Lack::kNone)
      return RetryLaterResponse(WhyNoServer(error.lack), error.retry_after);
    if (ours) return http::TextResponse(503, "the gateway has no resources left for this request");
    if (error.code == Errc::kTimeout)
      return http::TextResponse(
          504, "the server behind this route cannot be reached within connect_timeout");
    return http::TextResponse(502, "the server behind this route cannot be reached");
  }();
  LogBackendFailed(route, client, asked, response.status, error.message,
                   ours ? shared_.counts.resource_warnings : shared_.counts.backend_failures);
  return response;
}

std::unique_ptr<http::ExchangeHandler> Gateway::OnUpgrade(http::Exchange& exchange,
                                                          const Ref<ListenerContext>& listener,
                                                          RouteContext& route, route::SeenAs& seen,
                                                          Onward onward, Admission admission) {
  const auto refuse = [&](HandshakeOutcome outcome, http::Response response) {
    route.Count(outcome);
    LogRefusal(exchange.request(), &route, seen, response.status, response.body);
    exchange.Respond(std::move(response));
    return nullptr;
  };
  auto slot =
      route.TakeSlot(seen.client, admission.identity ? std::string_view(admission.identity->user)
                                                     : std::string_view());
  if (!slot) {
    if (slot.error() == HandshakeOutcome::kTooManyOfClient)
      return RefuseSession(exchange, route, seen);
    return refuse(HandshakeOutcome::kTooManySessions,
                  RetryLaterResponse("too many sessions on this route"));
  }
  admission.slot = std::move(*slot);
  if (route.service() != nullptr) {
    EstablishService(exchange, admission);
    return nullptr;
  }
  if (route.resolver() != nullptr) {
    return std::make_unique<Resolving>(*this, exchange, listener, route, std::move(seen),
                                       std::move(onward),
                                       std::make_unique<Admission>(std::move(admission)));
  }
  if (onward.backend->http() != nullptr) {
    return std::make_unique<Proxy>(*this, exchange, listener, route, std::move(seen),
                                   std::move(onward),
                                   std::make_unique<Admission>(std::move(admission)));
  }
  const backend::Wish wish = WishOf(onward.backend->record(), exchange.request(), seen);
  return std::make_unique<Handshake>(*this, exchange, std::move(onward.backend),
                                     std::move(admission), wish);
}

}  // namespace upgate::upgrade
