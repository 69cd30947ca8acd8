#include "gateway/upgrade/checking.h"

#include <utility>

#include "gateway/http/proxy_fields.h"
#include "gateway/upgrade/token.h"

namespace upgate::upgrade {

using stats::AuthOutcome;

Gateway::Checking::Checking(Gateway& gateway, const Arrival& arrival, Decision decision,
                            Credential credential)
    : gateway_(gateway),
      listener_(arrival.listener),
      seen_(arrival.seen),
      arrival_{arrival.exchange, listener_, arrival.places, arrival.route, seen_},
      decision_(std::move(decision)),
      credential_(std::move(credential)),
      auth_(credential_.auth),
      timer_(gateway.context_.loop.timers, *this),
      reply_(*this) {
  Ask();
}

Gateway::Checking::~Checking() {
  if (!answered_) {
    arrival_.route.CountAuth(AuthOutcome::kGone);
    if (decision_.for_websocket()) arrival_.route.Count(stats::HandshakeOutcome::kClientGone);
  }
  reply_.Drop();
  asking_.reset();  // before the instance, which may go with the route
}

void Gateway::Checking::Ask() {
  if (credential_.text.size() > plugin::kMaxCredential) {
    return OnAnswer(plugin::Refused(AuthOutcome::kMalformed, "the credential is too long",
                                    auth_->check().Challenge()));
  }
  const std::string client = PeerAddressOf(arrival_.exchange, arrival_.seen);
  auto asking = auth_->Check({.credential = credential_.text,
                              .client = client,
                              .scheme = arrival_.seen.scheme,
                              .host = arrival_.seen.authority,
                              .request = arrival_.exchange.request(),
                              .tls = arrival_.exchange.tls()},
                             reply_);
  if (answered_) {
    if (asking) gateway_.context_.loop.turn.DeferDelete(std::move(asking));
    return;
  }
  asking_ = std::move(asking);
  waiting_ = true;
  arrival_.exchange.SetBodyReading(false);
  timer_.Arm(auth_->check().timeout());
}

void Gateway::Checking::OnAnswer(plugin::AuthAnswer answer) {
  answered_ = true;
  timer_.Disarm();
  credential_.text.clear();
  if (asking_) gateway_.context_.loop.turn.DeferDelete(std::move(asking_));
  if (!answer.identity)
    return gateway_.RefuseAccess(arrival_, decision_, auth_.get(), std::move(answer));
  GoOn(std::move(answer));
}

void Gateway::Checking::OnTimer(io::Timer&) {
  reply_.Drop();
  OnAnswer(plugin::Refused(AuthOutcome::kTimeout, "the check has taken too long"));
}

void Gateway::Checking::GoOn(plugin::AuthAnswer answer) {
  arrival_.route.CountAuth(AuthOutcome::kAllowed);
  identity_ = answer.identity;
  arrival_.exchange.NoteUser(identity_->user);
  http::Exchange& exchange = arrival_.exchange;
  const bool to_service = arrival_.route.service() != nullptr;
  next_ = gateway_.Proceed(arrival_, decision_,
                           {std::move(answer.identity), std::move(answer.to_server)});
  if (!next_) return;
  PassBody();
  // The others read it when they are ready for it.
  if (waiting_ && to_service) exchange.SetBodyReading(true);
}

void Gateway::Checking::PassBody() {
  if (!early_body_.empty()) next_->OnBody(AsBytes(std::exchange(early_body_, {})));
  if (early_end_) next_->OnBodyEnd(*std::exchange(early_end_, std::nullopt));
}

void Gateway::Checking::OnBody(Bytes bytes) {
  next_ ? next_->OnBody(bytes) : Append(early_body_, bytes);
}

void Gateway::Checking::OnBodyEnd(const http::Headers& trailers) {
  if (next_) return next_->OnBodyEnd(trailers);
  early_end_ = trailers;
}

void Gateway::Checking::OnWritable() {
  if (next_) next_->OnWritable();
}

std::size_t Gateway::Checking::held_bytes() const {
  return credential_.text.size() + (next_ ? next_->held_bytes() : early_body_.size());
}

// ---- the gateway's part

Gateway::Credential Gateway::TakeCredential(const Arrival& arrival) {
  http::Exchange& exchange = arrival.exchange;
  Credential credential;
  for (const Ref<LoopAuth>& auth : arrival.route.auth()) {
    auto found = auth->check().Find(exchange.request(), exchange.tls());
    if (!found) continue;
    credential = {auth.get(), std::move(*found)};
    break;
  }
  http::Request& request = exchange.editable_request();
  for (const Ref<LoopAuth>& auth : arrival.route.auth()) auth->check().Remove(request);
  // Not only servers trust what a proxy would have said: so do services that authenticators ask.
  if (!arrival.seen.by_trusted_proxy)
    request.headers.Filter([](const http::Header& h) { return !http::IsProxyField(h.name); });
  return credential;
}

std::unique_ptr<http::ExchangeHandler> Gateway::Authenticate(const Arrival& arrival,
                                                             Decision& decision,
                                                             Credential credential) {
  if (credential.auth != nullptr) {
    return std::make_unique<Checking>(*this, arrival, std::move(decision), std::move(credential));
  }
  if (arrival.route.config().auth->optional) {
    arrival.route.CountAuth(AuthOutcome::kNobody);
    return Proceed(arrival, decision, {});
  }
  plugin::AuthAnswer answer =
      plugin::Refused(AuthOutcome::kMissing, "there is no credential in the request");
  for (const Ref<LoopAuth>& auth : arrival.route.auth()) {
    if (const std::string challenge = auth->check().Challenge(); !challenge.empty())
      answer.response.headers.Add("WWW-Authenticate", challenge);
  }
  // A 401 must say how to authenticate (RFC 9110, section 15.5.2); a certificate is not asked for
  // in HTTP.
  if (answer.response.headers.Find("www-authenticate") == nullptr) answer.response.status = 403;
  RefuseAccess(arrival, decision, nullptr, std::move(answer));
  return nullptr;
}

void Gateway::RefuseAccess(const Arrival& arrival, const Decision& decision, const LoopAuth* auth,
                           plugin::AuthAnswer answer) {
  RouteContext& route = arrival.route;
  route.CountAuth(answer.reason);
  if (decision.for_websocket()) {
    route.Count(stats::HandshakeOutcome::kUnauthorized);
  } else {
    arrival.exchange.IgnoreUpgrade();
  }
  LogAccess(arrival, auth, answer);
  if (const auto& rewriter = route.record().rewriter) {
    const SocketAddress peer = arrival.exchange.client_address();
    http::FieldChanges fields = rewriter->ToClient({.request = arrival.exchange.request(),
                                                    .seen = arrival.seen,
                                                    .peer = peer,
                                                    .tls = arrival.exchange.tls()});
    if (!fields.empty()) arrival.exchange.SetAnswerChanges(std::move(fields));
  }
  arrival.exchange.Respond(std::move(answer.response));
}

void Gateway::LogAccess(const Arrival& arrival, const LoopAuth* auth,
                        const plugin::AuthAnswer& answer) {
  const auto reason = static_cast<std::size_t>(answer.reason);
  const auto left_out = shared_.counts.access_refusals[reason].Due(context_.loop.timers.Now());
  if (!left_out) return;
  const session::Asked asked =
      AskedBy(arrival.exchange.request(), arrival.route.config(), arrival.seen);
  shared_.log.Info("access refused", {{"client", arrival.seen.client},
                                      {"route", arrival.route.name()},
                                      {"auth", auth != nullptr ? auth->name() : ""},
                                      {"host", asked.host()},
                                      {"path", asked.path()},
                                      {"origin", asked.origin()},
                                      {"status", std::int64_t{answer.response.status}},
                                      {"reason", stats::kAuthOutcomeNames[reason]},
                                      {"user", answer.user},
                                      {"why", answer.why},
                                      {"left_out", *left_out}});
}

}  // namespace upgate::upgrade
