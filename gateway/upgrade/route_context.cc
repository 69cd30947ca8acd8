#include "gateway/upgrade/route_context.h"

#include <utility>

#include "gateway/route/origin.h"
#include "gateway/upgrade/loop_auth.h"
#include "gateway/upgrade/loop_resolver.h"

namespace upgate::upgrade {
namespace {

Behind BehindTarget(const config::Route& route, const Target& target) {
  if (const auto* host = std::get_if<Ref<ServiceHost>>(&target))
    return BehindRoute(route, &(*host)->service(), config::Relay::kBytes);
  if (route.resolver) return BehindRoute(route, nullptr, route.resolver->backend.relay);
  return BehindRoute(route, nullptr, std::get<Ref<LoopBackend>>(target)->record().config->relay);
}

std::shared_ptr<const SpreadCloses::Reason> ExpiredOn(const config::Route& route) {
  if (!route.auth) return nullptr;
  return std::make_shared<const SpreadCloses::Reason>(route.auth->expired_code,
                                                      "the credential has expired", nullptr);
}

bool HasRates(const RouteRecord& route) {
  return route.handshake_rates != nullptr || route.request_rates != nullptr;
}

bool IsByUser(const RouteRecord& route) {
  return route.config->limits.by == config::RouteLimits::By::kUser;
}

}  // namespace

LoopBackend::LoopBackend(std::shared_ptr<const backend::BackendRecord> record, io::Loop loop,
                         tls::Scratch& scratch, backend::ServerWatcher& watcher,
                         SharedLimit& idle_servers, std::size_t index)
    : record_(std::move(record)), pool_(record_, loop, scratch, &watcher, index) {
  if (record_->config->relay != config::Relay::kBytes) http_.emplace(pool_, loop, idle_servers);
}

RouteContext::RouteContext(std::shared_ptr<const RouteRecord> record, Target target, Backends split,
                           Authenticators auth, std::size_t index)
    : record_(std::move(record)),
      stats_(record_->row->loops[index]),
      target_(std::move(target)),
      split_(std::move(split)),
      auth_(std::move(auth)),
      expired_(ExpiredOn(*record_->config)),
      behind_(BehindTarget(*record_->config, target_)),
      service_name_(record_->config->plugin ? "plugin:" + *record_->config->plugin : ""),
      restricts_clients_(!record_->config->access.empty() ||
                         (HasRates(*record_) && !IsByUser(*record_))),
      restricts_users_(HasRates(*record_) && IsByUser(*record_)) {}

RouteContext::~RouteContext() = default;

ServiceHost* RouteContext::service() const {
  const auto* host = std::get_if<Ref<ServiceHost>>(&target_);
  return host != nullptr ? host->get() : nullptr;
}

LoopBackend* RouteContext::backend() const {
  const auto* backend = std::get_if<Ref<LoopBackend>>(&target_);
  return backend != nullptr ? backend->get() : nullptr;
}

LoopBackend* RouteContext::BackendFor(std::string_view client) const {
  if (split_.empty()) return backend();
  return split_[ShareOf(client, config().split)].get();
}

LoopResolver* RouteContext::resolver() const {
  const auto* resolver = std::get_if<Ref<LoopResolver>>(&target_);
  return resolver != nullptr ? resolver->get() : nullptr;
}

ClientKey RouteContext::KeyOf(std::string_view client, std::string_view user) const {
  if (IsByUser(*record_) && !user.empty()) return ClientKey::OfUser(user);
  return ClientKey::Of(route::ClientAddress(client));
}

std::expected<session::SessionSlot, stats::HandshakeOutcome> RouteContext::TakeSlot(
    std::string_view client, std::string_view user) {
  ClientCounts::Taken of_client;
  if (record_->by_client->most() != ClientCounts::kNone) {
    auto taken = record_->by_client->TryTake(KeyOf(client, user));
    if (!taken) return std::unexpected(stats::HandshakeOutcome::kTooManyOfClient);
    of_client = std::move(*taken);
  }
  SharedLimit::Taken taken = record_->sessions->TryTakeOwned(1);
  if (!taken) return std::unexpected(stats::HandshakeOutcome::kTooManySessions);
  return session::SessionSlot(Ref<RefCounted>(this), std::move(taken), std::move(of_client));
}

RouteContext& ContextOf(const session::SessionSlot& slot) {
  return static_cast<RouteContext&>(*slot.route());
}

}  // namespace upgate::upgrade
