// Establishing sessions after a handshake, and ending them.
#include <algorithm>
#include <cassert>
#include <utility>

#include "gateway/session/byte_pipe.h"
#include "gateway/session/byte_tunnel.h"
#include "gateway/session/frame_tunnel.h"
#include "gateway/session/relay_session.h"
#include "gateway/session/service_session.h"
#include "gateway/upgrade/drained.h"
#include "gateway/upgrade/gateway.h"
#include "gateway/upgrade/proxy_headers.h"
#include "gateway/upgrade/server_choice.h"
#include "gateway/ws/hixie_stream.h"
#include "gateway/ws/server_answer.h"

namespace upgate::upgrade {

using stats::HandshakeOutcome;

namespace {

// Of a session whose credential ends much later.
constexpr io::Millis kLongestLife = std::chrono::years(10);

void AddStickyCookie(const RouteContext& route, const backend::Server& server,
                     const backend::Wish& wish, const Admission& admission,
                     http::Response& response) {
  const LoopBackend* backend = route.BackendFor(admission.client);
  if (backend == nullptr) return;  // a resolver has found the server
  const auto cookie = StickyCookie(backend->record(), server.index, wish, admission.secure);
  if (cookie) response.headers.Add("Set-Cookie", *cookie);
}

}  // namespace

std::optional<Gateway::Admitted> Gateway::Answer101(http::Exchange& exchange, Admission& admission,
                                                    const http::Response& answer,
                                                    const backend::Server* server) {
  RouteContext& route = ContextOf(admission.slot);
  const io::Timers& clock = context_.loop.timers;
  admission.places->BeginHandOver();
  http::Upgraded upgraded = exchange.Upgrade(answer);
  http::ClientPlaces::Place place = admission.places->EndHandOver();
  if (!upgraded.stream) {  // the client went away in this turn
    route.Count(HandshakeOutcome::kClientGone);
    return {};
  }
  if (server == nullptr) place.Keep(http::ClientPlaces::kOfServiceSession);
  stats::RouteStats& stats = route.stats();
  route.Count(HandshakeOutcome::kAccepted);
  stats.handshake_us.Record(clock.Micros() - admission.started_us);
  stats.sessions_open.Add();
  stats.sessions_total.Add();
  if (admission.protocol.empty())
    stats.sessions_by_dialect[static_cast<std::size_t>(admission.offer.dialect)].Add();
  if (admission.compression) stats.sessions_compressed.Add();
  if (server != nullptr) {
    server->stats.sessions_open.Add();
    server->stats.sessions_total.Add();
  }
  session::Facts facts{.id = admission.session != 0 ? admission.session
                                                    : std::exchange(next_id_, next_id_ + id_step_),
                       .slot = std::move(admission.slot),
                       .target = std::move(admission.target),
                       .route = &route.config(),
                       .server = server,
                       .use = std::move(admission.use),
                       .identity = std::move(admission.identity),
                       .client = std::move(admission.client),
                       .asked = std::move(admission.asked),
                       .subprotocol = std::move(admission.subprotocol),
                       .dialect = admission.offer.dialect,
                       .opened = clock.Now(),
                       .opened_unix_s = clock.UnixSeconds(),
                       .place = std::move(place)};
  LogOpen(facts, admission);
  return Admitted{ws::AsRfc6455(facts.dialect, std::move(upgraded), context_.loop),
                  std::move(facts)};
}

std::unique_ptr<session::Compression> Gateway::OpenCompression(Admission& admission) {
  if (!admission.compression) return nullptr;
  RouteContext& route = ContextOf(admission.slot);
  auto compression = session::Compression::Open(
      compression_pool_, ws::Role::kServer, admission.compression->parameters,
      *route.config().compression, route.config().limits.message_size);
  if (!compression) {
    admission.compression.reset();
    route.stats().compression_declined.Add();
  }
  return compression;
}

http::Response Gateway::Make101(const Admission& admission) const {
  const std::vector<http::Header> cors(admission.cors.begin(), admission.cors.end());
  return ws::Accept(admission.offer,
                    {.date = http::HttpDate(context_.loop.timers.UnixSeconds()),
                     .server = routes_.generation().config->server_header,
                     .subprotocol = admission.subprotocol,
                     .cors = cors,
                     .location = admission.url,
                     .extensions = admission.compression ? admission.compression->answer : ""});
}

void Gateway::EstablishService(http::Exchange& exchange, Admission& admission) {
  auto compression = OpenCompression(admission);
  RouteContext& route = ContextOf(admission.slot);
  auto admitted = Answer101(exchange, admission, Make101(admission), nullptr);
  if (!admitted) return;
  session::Session::Owner& owner = *this;
  Launch(std::make_unique<session::ServiceSession>(
             context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
             std::move(compression), exchange.request(), route.service()->instance(), route.stats(),
             owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishBytes(http::Exchange& exchange, Admission& admission, backend::Opened opened,
                             const backend::Wish& wish) {
  auto compression = OpenCompression(admission);
  RouteContext& route = ContextOf(admission.slot);
  const backend::Server& server = opened.server;
  admission.use = std::move(opened.use);
  http::Response response = Make101(admission);
  AddStickyCookie(route, server, wish, admission, response);
  auto admitted = Answer101(exchange, admission, response, &server);
  if (!admitted) return;
  session::Session::Owner& owner = *this;
  Launch(std::make_unique<session::ByteTunnel>(
             context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
             std::move(compression), std::move(opened.stream), admission.encoding, route.stats(),
             server.stats, owner),
         std::move(admitted->upgraded.early));
}

void Gateway::EstablishFrames(http::Exchange& exchange, Admission& admission,
                              const http::Response& answer, http::Upgraded server_side,
                              const backend::Server& server,
                              std::unique_ptr<session::Compression> server_compression,
                              const backend::Wish& wish) {
  RouteContext& route = ContextOf(admission.slot);
  const config::Route& config = route.config();
  admission.subprotocol = ws::ChosenSubprotocol(answer);
  auto compression = OpenCompression(admission);
  http::Response response = Make101(admission);
  ws::AddFieldsOfServer(ToClient(ws::WithoutHandshake(answer, config.enforce), config), response);
  AddStickyCookie(route, server, wish, admission, response);
  auto admitted = Answer101(exchange, admission, response, &server);
  if (!admitted) return context_.loop.turn.DeferDelete(std::move(server_side.stream));
  if (server_compression) server.stats.sessions_compressed.Add();
  session::Session::Owner& owner = *this;
  std::unique_ptr<session::Session> session;
  if (config.enforce) {
    using Relay = session::RelaySession;
    session = std::make_unique<Relay>(
        context_, std::move(admitted->facts),
        Relay::Peer{std::move(admitted->upgraded.stream), std::move(compression)},
        Relay::Peer{std::move(server_side.stream), std::move(server_compression)},
        std::move(server_side.early), route.stats(), server.stats, owner);
  } else {
    session = std::make_unique<session::FrameTunnel>(
        context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
        std::move(server_side.stream), std::move(server_side.early), route.stats(), server.stats,
        owner);
  }
  Launch(std::move(session), std::move(admitted->upgraded.early));
}

void Gateway::EstablishPipe(http::Exchange& exchange, Admission& admission,
                            const http::Response& answer, http::Upgraded server_side,
                            const backend::Server& server) {
  RouteContext& route = ContextOf(admission.slot);
  http::Response response = ToClient(answer, route.config());
  response.headers.Remove("content-length");
  response.headers.Add("Connection", "Upgrade");
  response.headers.Add("Upgrade", admission.protocol);
  auto admitted = Answer101(exchange, admission, response, &server);
  if (!admitted) return context_.loop.turn.DeferDelete(std::move(server_side.stream));
  session::Session::Owner& owner = *this;
  Launch(std::make_unique<session::BytePipe>(
             context_, std::move(admitted->facts), std::move(admitted->upgraded.stream),
             std::move(server_side.stream), std::move(server_side.early), route.stats(),
             server.stats, owner),
         std::move(admitted->upgraded.early));
}

void Gateway::Launch(std::unique_ptr<session::Session> session, std::string early) {
  session::Session& started = sessions_.Add(std::move(session));
  const std::uint64_t id = started.facts().id;
  const config::OnChange fate = OnChangeOf(started);
  // The handshake may have begun under a previous generation.
  if (fate != config::OnChange::kKeep && IsOutdated(started))
    CloseOutdated({id}, fate == config::OnChange::kDrain ? routes_.generation().config->drain_spread
                                                         : io::Millis{0});
  if (IsOfGoneAddress(started)) CloseOfGoneAddresses({id});
  if (IsDrained(started)) {  // since the handshake began
    CloseOver({id}, {.filter = {},
                     .code = ws::close_code::kServiceRestart,
                     .reason = std::string(kDrainedReason),
                     .spread = routes_.generation().config->drain_spread,
                     .only_drained = true});
  }
  CloseIfDown(started);
  LimitAge(started);
  if (const auto& identity = started.facts().identity; identity && identity->recheck)
    rechecks_.Add(id, identity->recheck);
  if (draining_) closes_.AddOne(id, context_.loop.timers.Now(), shutdown_);
  started.Start(std::move(early));
}

// The server may have gone down since the handshake began.
void Gateway::CloseIfDown(const session::Session& session) {
  const session::Facts& facts = session.facts();
  if (facts.server == nullptr || !facts.server->record.health.down()) return;
  const LoopBackend* chosen = ContextOf(facts.slot).BackendFor(facts.client);
  if (chosen == nullptr) return;  // servers that resolvers find are not checked
  const backend::BackendRecord& backend = chosen->record();
  if (backend.config->on_down == config::OnDown::kClose)
    CloseWhileDown({facts.id}, backend.servers[facts.server->index]);
}

void Gateway::LimitAge(session::Session& session) {
  const session::Facts& facts = session.facts();
  std::shared_ptr<const SpreadCloses::Reason> reason;
  if (const io::Millis most = facts.route->limits.max_age; most.count() != 0) {
    const io::Millis age =
        most - io::Millis(static_cast<io::Millis::rep>(context_.loop.entropy.Fraction() * 0.1 *
                                                       static_cast<double>(most.count())));
    session.SetExpiry(facts.opened + age);
    reason = too_old_;
  }
  if (facts.identity && facts.identity->ends_unix_ms) {
    const io::Timers& clock = context_.loop.timers;
    const io::Millis left(*facts.identity->ends_unix_ms - clock.UnixSeconds() * 1000);
    const io::Instant ends = clock.Now() + std::min(left, kLongestLife);
    if (!reason || ends < facts.expires) {
      session.SetExpiry(ends);
      reason = ContextOf(facts.slot).expired();
    }
  }
  if (reason) closes_.AddOne(facts.id, facts.expires, std::move(reason));
}

void Gateway::EndRefused(std::uint64_t id, const plugin::AuthAnswer& answer) {
  session::Session* const open = sessions_.Find(id);
  if (open == nullptr) return;
  LogRecheck(id, answer, true);
  RouteContext& route = ContextOf(open->facts().slot);
  route.CountAuth(answer.reason);
  open->End(route.expired()->code, "access was revoked");
}

void Gateway::OnSessionDone(session::Session& session) {
  std::unique_ptr<session::Session> done = sessions_.Take(session.facts().id);
  assert(done && "a session ends once");
  session.LeaveLedger();
  RecordEnd(session);
  context_.loop.turn.DeferDelete(std::move(done));
  if (empty_ && sessions_.empty()) empty_();
}

// Updates the counters for a session that has ended, and writes its log line.
void Gateway::RecordEnd(session::Session& session) {
  const session::Facts& facts = session.facts();
  stats::RouteStats& stats = ContextOf(facts.slot).stats();
  stats.sessions_open.Subtract();
  stats.close_codes.Count(session.ending().code);
  if (facts.server != nullptr) facts.server->stats.sessions_open.Subtract();
  if (facts.identity && facts.identity->recheck) rechecks_.Remove(facts.id);
  if (facts.expires != io::Instant{}) closes_.Remove(facts.id, facts.expires);
  LogClose(session);
}

void Gateway::Drain(std::uint16_t code, io::Millis spread, std::function<void()> empty) {
  draining_ = true;
  empty_ = std::move(empty);
  shutdown_ =
      std::make_shared<const SpreadCloses::Reason>(code, "the gateway is shutting down", nullptr);
  if (sessions_.empty()) return empty_();
  auto ids = std::make_shared<std::vector<std::uint64_t>>();
  sessions_.Walk([ids](session::Session& session) { ids->push_back(session.facts().id); },
                 [this, ids, spread] { closes_.Add(*ids, spread, *shutdown_); });
}

void Gateway::Abort() {
  draining_ = true;
  for (auto& [id, session] : sessions_.TakeAll()) {
    session->Abort();
    session->LeaveLedger();
    RecordEnd(*session);
    context_.loop.turn.DeferDelete(std::move(session));
  }
  if (empty_) empty_();
}

}  // namespace upgate::upgrade
