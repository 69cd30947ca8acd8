#include "gateway/upgrade/proxy.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/cookies.h"
#include "gateway/upgrade/bound_connections.h"
#include "gateway/upgrade/greeting.h"
#include "gateway/upgrade/proxy_headers.h"
#include "gateway/upgrade/server_choice.h"
#include "gateway/upgrade/token.h"
#include "gateway/ws/deflate_parameters.h"
#include "gateway/ws/extensions.h"
#include "gateway/ws/server_answer.h"

namespace upgate::upgrade {
namespace {

using stats::HandshakeOutcome;

// How long to wait for the server's 100 (Continue) before asking the client for the body (RFC 9110,
// section 10.1.1).
constexpr io::Millis kContinuePatience{1'000};

// Idempotent methods, which may be retried (RFC 9110, section 9.2.2).
bool IsIdempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods{"GET",   "HEAD", "OPTIONS",
                                                     "TRACE", "PUT",  "DELETE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

}  // namespace

Gateway::Proxy::Proxy(Gateway& gateway, http::Exchange& exchange, Ref<ListenerContext> listener,
                      RouteContext& route, route::SeenAs seen, Onward onward,
                      std::unique_ptr<Admission> admission)
    : gateway_(gateway),
      exchange_(exchange),
      listener_(std::move(listener)),
      context_(&route),
      route_(route.config()),
      seen_(std::move(seen)),
      onward_(std::move(onward)),
      admission_(std::move(admission)),
      pool_(*onward_.backend->http()),
      search_{.wish = WishOf(onward_.backend->record(), exchange.request(), seen_),
              .for_session = admission_ != nullptr,
              .tried = {}},
      server_side_(*this),
      timer_(gateway.context_.loop.timers, *this),
      started_(gateway.context_.loop.timers.Now()) {
  static_assert(sizeof(Proxy) <= 1032, "malloc is slower for larger objects");
  const http::Request& request = exchange.request();
  expects_continue_ = request.has_body && request.version == http::Version::kHttp11 &&
                      request.headers.HasToken("expect", "100-continue");
  exchange_.SetBodyReading(false);
  if (pool_.backend().retry) pool_.servers().retries().OnRequest();
  if (upgrades_to_websocket() && admission_->offer.key.empty())
    admission_->offer.key = ws::MakeKey(gateway_.context_.loop.entropy);
  Connect();
}

Gateway::Proxy::~Proxy() {
  if (!settled_) CountOutcome(HandshakeOutcome::kClientGone);
  ReleaseServer();
}

// ---- to the server

void Gateway::Proxy::Connect() {
  backend::Pool& servers = pool_.servers();
  if (!retried_) {
    if (auto own = TakeBound()) return Send(std::move(*own));
  }
  auto choice = servers.Choose(search_);
  // An upgrade keeps its connection, so a new one is opened: a pooled one could be stale.
  if (choice && !retried_ && !admission_) {
    if (auto idle = pool_.TakeIdle(*choice, IsRepeatable())) return Send(std::move(*idle));
  }
  opening_ = servers.Open(*this, search_, std::move(choice));
}

std::optional<backend::Lease> Gateway::Proxy::TakeBound() {
  bound_ = AuthenticatesConnection(exchange_.request().headers);
  std::unique_ptr<io::Deletable>* const state = exchange_.connection_state();
  if (state == nullptr || !*state) return {};
  auto lease =
      static_cast<BoundConnections&>(**state).Take(*onward_.backend, seen_.client, search_);
  if (!lease) return {};
  bound_ = true;
  connecting_since_ = started_;
  return lease;
}

// After an exchange: for the next client, or only for this one.
void Gateway::Proxy::KeepConnection() {
  if (!bound_) return pool_.GiveBack(std::exchange(lease_, {}));
  std::unique_ptr<io::Deletable>* const state = exchange_.connection_state();
  if (state == nullptr || !lease_.connection) return ReleaseServer();
  if (!*state) *state = std::make_unique<BoundConnections>();
  static_cast<BoundConnections&>(**state).Keep(onward_.backend, seen_.client,
                                               std::exchange(lease_, {}));
}

void Gateway::Proxy::OnOpened(backend::Opened opened) {
  opening_.reset();
  connecting_since_ = opened.since;
  Send(pool_.Adopt(std::move(opened)));
}

void Gateway::Proxy::OnOpenFailed(const backend::OpenError& error) {
  opening_.reset();
  CountOutcome(backend::OutcomeOf(error));
  settled_ = true;
  timer_.Disarm();
  exchange_.Respond(gateway_.OnBackendFailed(*context_, seen_.client, WhatWasAsked(), error));
}

std::string Gateway::Proxy::Greeting() {
  GreetingToServer greeting = MakeGreeting(pool_.backend().send_proxy, exchange_, seen_.client, "",
                                           gateway_.context_.loop.entropy);
  if (admission_) admission_->proxy_id = std::move(greeting.unique_id);
  return std::move(greeting.header);
}

void Gateway::Proxy::Send(backend::Lease lease) {
  lease_ = std::move(lease);
  exchange_.NoteServer(lease_.server->config.url);
  lease_.connection->Send(MakeRequest(), server_side_);
  const http::Request& request = exchange_.request();
  if (!request.has_body) {
    request_sent_ = true;
    return Arm(Wait::kFirstByte);
  }
  if (expects_continue_) return Arm(Wait::kContinue);
  Arm(Wait::kRequest);
  exchange_.SetBodyReading(true);
}

http::OutgoingRequest Gateway::Proxy::MakeRequest() {
  const http::Request& request = exchange_.request();
  const SocketAddress client = exchange_.client_address();
  const auto& sticky = pool_.backend().sticky;
  const auto with = [&](const http::Headers& given) {
    // The cookie is between the client and us.
    std::optional<http::Headers> rest;
    if (sticky && given.Find("cookie") != nullptr)
      http::RemoveCookie(rest.emplace(given), sticky->cookie);
    const http::Headers& fields = rest ? *rest : given;
    return ToServer(request, fields, route_, lease_.server->config, seen_,
                    listener_->config.trusted_proxies, client, onward_.rewritten.get());
  };
  if (!admission_ || !upgrades_to_websocket()) {
    http::OutgoingRequest out = with(request.headers);
    if (admission_) out.upgrade = admission_->protocol;
    RemoveToken(out);
    return out;
  }
  NoteOffered(ws::OfferedExtensions(request, admission_->offer));
  const bool as_it_came = admission_->offer.dialect == config::Dialect::kRfc6455 &&
                          !route_.enforce && route_.subprotocols.empty();
  http::OutgoingRequest out = as_it_came ? with(request.headers) : with(TranslatedFields());
  out.upgrade = "websocket";
  RemoveToken(out);
  return out;
}

void Gateway::Proxy::NoteOffered(std::string extensions) {
  offered_extensions_ =
      extensions.empty() ? nullptr : std::make_unique<const std::string>(std::move(extensions));
}

void Gateway::Proxy::RemoveToken(http::OutgoingRequest& request) const {
  if (route_.resolver && route_.resolver->strip_query)
    request.target = WithoutTokens(request.target, *route_.resolver);
}

// The handshake fields to send instead of the client's, if the server is to get a different
// handshake.
http::Headers Gateway::Proxy::TranslatedFields() {
  http::Headers fields = exchange_.request().headers;
  ws::MakeRfc6455(admission_->offer, fields);
  if (!route_.subprotocols.empty()) {
    fields.Remove("Sec-WebSocket-Protocol");
    ws::SetSubprotocols(admission_->offer, fields);
  }
  if (route_.enforce) OfferCompression(fields);
  return fields;
}

// The gateway is the endpoint on both sides: the client's extensions were offered to the gateway,
// which makes its own offer to the server.
void Gateway::Proxy::OfferCompression(http::Headers& fields) {
  fields.Remove("Sec-WebSocket-Extensions");
  offered_extensions_.reset();
  server_compression_.reset();
  if (!route_.server_compression) return;
  const ws::DeflateParameters wanted = session::WantedBy(*route_.server_compression);
  server_compression_ =
      session::Compression::Open(gateway_.compression_pool_, ws::Role::kClient, wanted,
                                 *route_.server_compression, config::MostOfServer(route_.limits));
  if (!server_compression_) return lease_.server->stats.compression_declined.Add();
  NoteOffered(ws::DeflateOffer(wanted));
  fields.Add("Sec-WebSocket-Extensions", *offered_extensions_);
}

// Returns what is wrong with the server's 101, or nullopt; in the latter case stores the negotiated
// extensions.
std::optional<std::string> Gateway::Proxy::Agree(const http::Response& answer) {
  const std::string_view offered =
      offered_extensions_ ? std::string_view(*offered_extensions_) : std::string_view();
  if (auto fault = ws::FaultOf(answer, admission_->offer, offered)) return fault;
  admission_->offer.accept = ws::AcceptKeyOf(answer);  // of the same key
  if (!server_compression_) return {};
  const std::string extensions = ws::ChosenExtensions(answer);
  if (extensions.empty()) {
    server_compression_.reset();
    return {};
  }
  const auto chosen = ws::ParseExtensions(extensions);
  if (!chosen || chosen->size() != 1) return "its 101 has a malformed Sec-WebSocket-Extensions";
  const auto agreed =
      ws::ReadDeflateAnswer(chosen->front(), session::WantedBy(*route_.server_compression));
  if (!agreed) return "its 101 has parameters of permessage-deflate that were not offered";
  server_compression_->SetParameters(*agreed);
  return {};
}

void Gateway::Proxy::OnBody(Bytes bytes) {
  if (!lease_.connection) return;
  body_begun_ = moved_ = true;
  lease_.server->stats.bytes_sent.Add(bytes.size());
  lease_.connection->SendBody(bytes);
  if (lease_.connection->congested()) exchange_.SetBodyReading(false);
}

void Gateway::Proxy::OnBodyEnd(const http::Headers& trailers) {
  if (!lease_.connection || !exchange_.request().has_body) return;
  request_sent_ = true;
  lease_.connection->EndBody(
      trailers.empty() ? trailers : gateway_.TrailersToServer(trailers, onward_.rewritten.get()));
  if (!answer_begun_) Arm(Wait::kFirstByte);
}

// ---- to the client

void Gateway::Proxy::OnInterim(const http::Response& head) {
  moved_ = true;
  // Many WebSocket clients take any head but a 101 for a refusal.
  if (upgrades_to_websocket()) return;
  if (head.status != 100) return exchange_.SendHead(ToClient(head, route_), {});
  // Not passed on: http::ServerConnection sends its own 100 as soon as the body is read.
  if (wait_ != Wait::kContinue) return;
  Arm(Wait::kRequest);
  exchange_.SetBodyReading(true);
}

void Gateway::Proxy::OnAnswer(http::Response&& head, http::BodyLength length) {
  pool_.servers().OnAnswered(*lease_.server);
  const bool unavailable = head.status >= 502 && head.status <= 504;
  if (admission_ && unavailable && pool_.backend().relay == config::Relay::kFrames &&
      TryAnother(&config::Retry::status))
    return;
  answer_begun_ = true;
  backend::HttpPool::Heed(lease_, head.headers);
  bound_ |= AsksForConnectionAuth(head);
  if (admission_) {
    gateway_.LogRefusal(exchange_.request(), context_.get(), seen_, head.status,
                        "the response of " + lease_.server->config.url);
    CountOutcome(HandshakeOutcome::kServerRefused);
  }
  Arm(Wait::kAnswer);
  // A HEAD response may omit Content-Length.
  if (exchange_.request().method == "HEAD") length = {};
  exchange_.Gather();
  http::Response answer = ToClient(std::move(head), route_);
  if (const auto cookie = StickyCookie(pool_.servers().record(), lease_.server->index, search_.wish,
                                       seen_.scheme == "https"))
    answer.headers.Add("Set-Cookie", *cookie);
  exchange_.SendHead(answer, length);
}

void Gateway::Proxy::OnAnswerBody(Bytes bytes) {
  moved_ = true;
  lease_.server->stats.bytes_received.Add(bytes.size());
  exchange_.Gather();
  exchange_.SendBody(bytes);
  if (exchange_.congested()) lease_.connection->SetBodyReading(false);
}

void Gateway::Proxy::OnWritable() {
  moved_ = true;
  if (lease_.connection) lease_.connection->SetBodyReading(true);
}

void Gateway::Proxy::OnAnswerEnd(const http::Headers& trailers) {
  settled_ = true;
  timer_.Disarm();
  KeepConnection();
  exchange_.EndBody(trailers);
}

void Gateway::Proxy::OnUpgraded(const http::Response& head, http::Upgraded upgraded) {
  timer_.Disarm();
  const backend::Server* server = lease_.server;
  admission_->use = std::move(lease_.use);
  ReleaseServer();
  if (!upgrades_to_websocket()) {
    settled_ = true;
    return gateway_.EstablishPipe(exchange_, *admission_, head, std::move(upgraded), *server);
  }
  if (const auto fault = Agree(head)) {
    pool_.servers().OnBroken(*server, *fault);
    gateway_.context_.loop.turn.DeferDelete(std::move(upgraded.stream));
    if (TryAnother(&config::Retry::connect)) return;
    CountOutcome(HandshakeOutcome::kBackendFailed);
    return Fail(502, "the server behind this route sent an invalid handshake", *fault);
  }
  settled_ = true;
  pool_.servers().OnAnswered(*server);
  gateway_.EstablishFrames(exchange_, *admission_, head, std::move(upgraded), *server,
                           std::move(server_compression_), search_.wish);
}

// ---- errors

bool Gateway::Proxy::IsRepeatable() const {
  return !body_begun_ && !answer_begun_ && IsIdempotent(exchange_.request().method);
}

bool Gateway::Proxy::MayRetry(bool untouched) const {
  return untouched && lease_.reused && !retried_ && IsRepeatable();
}

bool Gateway::Proxy::TryAnother(bool config::Retry::* reason) {
  const auto& retry = pool_.backend().retry;
  if (!retry || !((*retry).*reason) || !IsRepeatable()) return false;
  backend::Pool& servers = pool_.servers();
  search_.MarkTried(lease_.server->index, servers.size());
  if (search_.tries >= retry->tries || servers.retries().empty()) return false;
  auto choice = servers.Choose(search_);
  if (!choice) return false;
  servers.retries().Spend();
  lease_.server->stats.retries.Add();
  if (admission_) admission_->use = {};
  ReleaseServer();
  timer_.Disarm();
  exchange_.SetBodyReading(false);
  request_sent_ = false;
  server_compression_.reset();
  opening_ = servers.Open(*this, search_, std::move(choice));
  return true;
}

void Gateway::Proxy::OnServerFailed(const Error& error, bool untouched) {
  if (MayRetry(untouched)) {
    ReleaseServer();
    timer_.Disarm();
    retried_ = true;
    exchange_.SetBodyReading(false);
    return Connect();
  }
  const std::string why = lease_.server->config.url + ": " + error.message;
  if (admission_ && !answer_begun_) pool_.servers().OnBroken(*lease_.server, error.message);
  if (TryAnother(&config::Retry::connect)) return;
  ReleaseServer();
  CountOutcome(HandshakeOutcome::kBackendFailed);
  Fail(502,
       error.code == Errc::kProtocol ? "the server behind this route sent a malformed response"
                                     : "the connection to the server behind this route broke",
       why);
}

void Gateway::Proxy::OnTimer(io::Timer&) {
  const auto whole = pool_.backend().request_timeout;
  const bool over = whole.count() > 0 && gateway_.context_.loop.timers.Now() - started_ >= whole;
  if (!over && wait_ == Wait::kContinue) {
    Arm(Wait::kRequest);
    return exchange_.SetBodyReading(true);
  }
  // A slow client is not the server's fault; its own connection has timeouts.
  const bool stalled_by_client = (wait_ == Wait::kAnswer && exchange_.congested()) ||
                                 (wait_ == Wait::kRequest && !lease_.connection->congested());
  if (!over && (std::exchange(moved_, false) || stalled_by_client)) return Arm(wait_);
  const Overdue overdue = WhatIsOverdue(over);
  const std::string why = fmt::format("{}: {} within {} of the backend", lease_.server->config.url,
                                      overdue.what, overdue.key);
  if (admission_ && !answer_begun_) pool_.servers().OnBroken(*lease_.server, overdue.what);
  if (!over && TryAnother(&config::Retry::timeout)) return;
  ReleaseServer();
  CountOutcome(HandshakeOutcome::kBackendTimeout);
  Fail(504, fmt::format("the server behind this route does not answer within {}", overdue.key),
       why);
}

Gateway::Proxy::Overdue Gateway::Proxy::WhatIsOverdue(bool whole) const {
  if (whole) return {answer_begun_ ? "incomplete response" : "no response", "request_timeout"};
  if (answer_begun_) return {"no further response data", "read_timeout"};
  if (wait_ == Wait::kRequest) return {"no progress in sending the request", "read_timeout"};
  if (admission_) return {"no response to the handshake", "connect_timeout"};
  return {"no response", "first_byte_timeout"};
}

void Gateway::Proxy::Fail(int status, std::string_view what, std::string_view why) {
  settled_ = true;
  timer_.Disarm();
  gateway_.LogBackendFailed(*context_, seen_.client, WhatWasAsked(), answer_begun_ ? 0 : status,
                            why, gateway_.shared_.counts.backend_failures);
  if (answer_begun_) return exchange_.Abort();
  exchange_.Respond(http::TextResponse(status, what));
}

session::Asked Gateway::Proxy::WhatWasAsked() const {
  return admission_ ? admission_->asked : gateway_.AskedFor(exchange_.request(), *context_, seen_);
}

// Counts the outcome of the handshake, if there was one, and releases its session slot.
void Gateway::Proxy::CountOutcome(HandshakeOutcome outcome) {
  if (!admission_ || std::exchange(settled_, true)) return;
  context_->Count(outcome);
  admission_->slot = {};
}

void Gateway::Proxy::ReleaseServer() {
  opening_.reset();
  lease_.use = {};
  if (!lease_.connection) return;
  lease_.connection->Abort();
  gateway_.context_.loop.turn.DeferDelete(std::move(lease_.connection));
}

io::Millis Gateway::Proxy::TimeFor(Wait wait) const {
  switch (wait) {
    case Wait::kContinue:
      return kContinuePatience;
    case Wait::kFirstByte:
      return admission_ ? TimeForHandshake() : pool_.backend().first_byte_timeout;
    case Wait::kRequest:
    case Wait::kAnswer:
      return pool_.backend().read_timeout;
    case Wait::kNothing:
      break;
  }
  return io::Millis{0};
}

// A server that accepts connections but sends no 101 counts as unreachable.
io::Millis Gateway::Proxy::TimeForHandshake() const {
  const io::Instant end = connecting_since_ + pool_.backend().connect_timeout;
  return std::max(io::Millis{1}, end - gateway_.context_.loop.timers.Now());
}

void Gateway::Proxy::Arm(Wait wait) {
  wait_ = wait;
  moved_ = false;
  io::Millis delay = TimeFor(wait);
  if (const auto whole = pool_.backend().request_timeout; whole.count() > 0) {
    const auto left =
        std::max(io::Millis{0}, whole - (gateway_.context_.loop.timers.Now() - started_));
    delay = delay.count() > 0 ? std::min(delay, left) : std::max(left, io::Millis{1});
  }
  delay.count() > 0 ? timer_.Arm(delay) : timer_.Disarm();
}

}  // namespace upgate::upgrade
