#include "gateway/upgrade/resolving.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/config/target_syntax.h"
#include "gateway/route/targets.h"
#include "gateway/upgrade/handshake.h"
#include "gateway/upgrade/proxy.h"
#include "gateway/upgrade/token.h"

namespace upgate::upgrade {
namespace {

using stats::HandshakeOutcome;
using stats::Resolution;

HandshakeOutcome OutcomeOf(Resolution resolution) {
  switch (resolution) {
    case Resolution::kUnknown:
      return HandshakeOutcome::kNoTarget;
    case Resolution::kTimeout:
      return HandshakeOutcome::kBackendTimeout;
    case Resolution::kGone:
      return HandshakeOutcome::kClientGone;
    case Resolution::kFound:
    case Resolution::kCached:
    case Resolution::kRefused:
    case Resolution::kFailed:
      break;
  }
  return HandshakeOutcome::kBackendFailed;
}

http::Response ResponseTo(Resolution resolution) {
  if (resolution == Resolution::kUnknown)
    return http::TextResponse(404, "no server is known for this request");
  if (resolution == Resolution::kTimeout)
    return http::TextResponse(504, "the server for this request was not found in time");
  return http::TextResponse(502, "the server for this request cannot be found");
}

std::string UrlOf(const config::ServerUrl& server) {
  if (const auto* path = std::get_if<UnixPath>(&server.address)) return "unix:" + path->path;
  return fmt::format("{}://{}", config::NameOf(server.scheme),
                     std::get<HostPort>(server.address).ToString());
}

}  // namespace

Gateway::Resolving::Resolving(Gateway& gateway, http::Exchange& exchange,
                              Ref<ListenerContext> listener, RouteContext& route,
                              route::SeenAs seen, Onward onward,
                              std::unique_ptr<Admission> admission)
    : gateway_(gateway),
      exchange_(exchange),
      listener_(std::move(listener)),
      context_(&route),
      resolver_(*route.resolver()),
      seen_(std::move(seen)),
      onward_(std::move(onward)),
      admission_(std::move(admission)),
      timer_(gateway.context_.loop.timers, *this),
      reply_(*this) {
  exchange_.SetBodyReading(false);
  timer_.Arm(resolver_.config().timeout);
  Ask();
}

Gateway::Resolving::~Resolving() {
  if (!counted_) {
    Count(Resolution::kGone);
    if (admission_) context_->Count(HandshakeOutcome::kClientGone);
  }
  reply_.Drop();
  asking_.reset();  // before the instance, which may go with the context
}

void Gateway::Resolving::StopAsking() {
  reply_.Drop();
  if (asking_) gateway_.context_.loop.turn.DeferDelete(std::move(asking_));
  looking_up_.reset();
  timer_.Disarm();
}

void Gateway::Resolving::Ask() {
  const http::Request& request = exchange_.request();
  auto token = TokenOf(request, context_->config(), seen_);
  if (!token) return Refuse(Resolution::kUnknown, "there is no token");
  token_ = std::move(*token);
  const std::string client = PeerAddressOf(exchange_, seen_);
  const plugin::Question question{.token = token_,
                                  .client = client,
                                  .host = seen_.host,
                                  .path = request.target.path,
                                  .request = request};
  key_ = resolver_.KeyOf(question);
  if (const auto known = resolver_.FindAnswer(key_)) {
    answered_ = cached_ = true;
    reply_.Drop();
    return GoTo(*known);
  }
  auto asking = resolver_.Ask(question, reply_);
  // The answer may have come already.
  if (answered_ || counted_) {
    if (asking) gateway_.context_.loop.turn.DeferDelete(std::move(asking));
  } else {
    asking_ = std::move(asking);
  }
}

void Gateway::Resolving::OnAnswer(plugin::ResolverAnswer answer) {
  answered_ = true;
  if (asking_) gateway_.context_.loop.turn.DeferDelete(std::move(asking_));
  switch (answer.kind) {
    case plugin::ResolverAnswer::Kind::kUnknown:
      return Refuse(Resolution::kUnknown, "the token is unknown");
    case plugin::ResolverAnswer::Kind::kFailed:
      return Refuse(Resolution::kFailed, answer.why);
    case plugin::ResolverAnswer::Kind::kFound:
      break;
  }
  resolver_.KeepAnswer(key_, answer);
  GoTo(answer.target);
}

void Gateway::Resolving::GoTo(std::string_view target) {
  const config::Resolver& config = resolver_.config();
  auto server = config::ReadTarget(target, config.scheme);
  // What is no target may be anything, also the token.
  if (!server) return Refuse(Resolution::kRefused, "the answer " + server.error().what);
  server_ = std::move(*server);
  key_ = UrlOf(server_);
  url_ = key_.contains(token_) ? BackendNameOf(context_->config()) : key_;
  if (config::RelayOf(server_.scheme) != config.backend.relay) {
    return Refuse(Resolution::kRefused,
                  fmt::format("{} is of another kind than the route's target.scheme", url_));
  }
  if (const auto* path = std::get_if<UnixPath>(&server_.address)) {
    if (!route::MayConnect(config.allow, path->path))
      return Refuse(Resolution::kRefused, url_ + " is not in allow");
    return Connect({});
  }
  looking_up_ =
      gateway_.context_.loop.network.Resolve(std::get<HostPort>(server_.address).host, *this);
}

void Gateway::Resolving::OnResolved(const std::vector<Ip>& addresses) {
  const std::vector<Ip> allowed = route::AllowedAddresses(
      resolver_.config().allow, std::get<HostPort>(server_.address), addresses);
  if (allowed.empty()) {
    const std::string first = addresses.empty() ? "nothing" : addresses.front().ToString();
    return Refuse(Resolution::kRefused, fmt::format("{} ({}) is not in allow", url_, first));
  }
  Connect(allowed);
}

void Gateway::Resolving::OnResolveFailed(const Error& error) {
  Refuse(Resolution::kFailed, url_ + ": " + error.message);
}

void Gateway::Resolving::OnTimer(io::Timer&) {
  const std::string why = answered_ ? url_ + ": its name was not looked up"
                                    : std::string("the resolver has not answered");
  Refuse(Resolution::kTimeout, why + " within the route's timeout");
}

void Gateway::Resolving::Connect(const std::vector<Ip>& addresses) {
  Count(cached_ ? Resolution::kCached : Resolution::kFound);
  StopAsking();
  onward_.backend = resolver_.BackendFor(key_, url_, server_, addresses);
  if (admission_) admission_->target = onward_.backend;
  if (onward_.backend->http() == nullptr) {
    next_ = std::make_unique<Handshake>(gateway_, exchange_, std::move(onward_.backend),
                                        std::move(*admission_), backend::Wish{});
    return;
  }
  next_ = std::make_unique<Proxy>(gateway_, exchange_, listener_, *context_, std::move(seen_),
                                  std::move(onward_), std::move(admission_));
  if (!early_body_.empty()) next_->OnBody(AsBytes(std::exchange(early_body_, {})));
  if (early_end_) next_->OnBodyEnd(*std::exchange(early_end_, std::nullopt));
}

void Gateway::Resolving::Refuse(Resolution outcome, std::string_view why) {
  Count(outcome);
  StopAsking();
  http::Response response = ResponseTo(outcome);
  if (outcome == Resolution::kUnknown) {
    gateway_.LogRefusal(exchange_.request(), context_.get(), seen_, response.status, why);
  } else {
    gateway_.LogBackendFailed(*context_, seen_.client,
                              gateway_.AskedFor(exchange_.request(), *context_, seen_),
                              response.status, why, gateway_.shared_.counts.backend_failures);
  }
  if (admission_) {
    context_->Count(OutcomeOf(outcome));
    admission_.reset();
  }
  exchange_.Respond(std::move(response));
}

void Gateway::Resolving::Count(Resolution outcome) {
  counted_ = true;
  context_->stats().resolutions[static_cast<std::size_t>(outcome)].Add();
}

void Gateway::Resolving::OnBody(Bytes bytes) {
  next_ ? next_->OnBody(bytes) : Append(early_body_, bytes);
}

void Gateway::Resolving::OnBodyEnd(const http::Headers& trailers) {
  if (next_) return next_->OnBodyEnd(trailers);
  if (exchange_.request().has_body) early_end_ = trailers;
}

void Gateway::Resolving::OnWritable() {
  if (next_) next_->OnWritable();
}

}  // namespace upgate::upgrade
