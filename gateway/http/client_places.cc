#include "gateway/http/client_places.h"

#include <cmath>

#include <fmt/format.h>

namespace upgate::http {

using stats::WaitReason;

std::optional<ClientPlaces::Place> ClientPlaces::TryTake() {
  if (limits_.connections != nullptr && !limits_.connections->TryTake(1)) {
    full_ = WaitReason::kConnections;
    return {};
  }
  if (limits_.descriptors != nullptr && !limits_.descriptors->TryTake(kOfClient)) {
    if (limits_.connections != nullptr) limits_.connections->GiveBack(1);
    full_ = WaitReason::kDescriptors;
    return {};
  }
  stats_.connections_open.Add();
  ++taken_;
  return Place(*this, kOfClient);
}

bool ClientPlaces::CountClient(Place& place, const SocketAddress& client) {
  ClientCounts* const counts = place.places_->limits_.by_client;
  const auto* address = std::get_if<IpPort>(&client);
  if (counts == nullptr || address == nullptr) return true;
  auto taken = counts->TryTake(ClientKey::Of(address->ip));
  if (!taken) return false;
  place.client_ = std::move(*taken);
  return true;
}

// The clock of all loops.
io::Millis ClientPlaces::TakeOfRate(const io::Timers& clock) {
  if (limits_.rate == nullptr || !limits_.rate->limited()) return io::Millis{0};
  const double wait = limits_.rate->TakeOne(clock.FineMillis());
  return io::Millis(static_cast<io::Millis::rep>(std::ceil(wait)));
}

void ClientPlaces::GiveBackToRate(const io::Timers& clock) {
  if (limits_.rate != nullptr && limits_.rate->limited())
    limits_.rate->GiveBackOne(clock.FineMillis());
}

void ClientPlaces::Place::Keep(std::uint32_t descriptors) {
  if (places_ == nullptr || descriptors >= descriptors_) return;
  SharedLimit* const limit = places_->limits_.descriptors;
  if (limit != nullptr) limit->GiveBack(descriptors_ - descriptors);
  descriptors_ = descriptors;
  if (places_->waiter_ != nullptr) places_->waiter_->OnPlaceFree();
}

void ClientPlaces::GiveBack(std::uint32_t descriptors) {
  if (limits_.connections != nullptr) limits_.connections->GiveBack(1);
  if (limits_.descriptors != nullptr) limits_.descriptors->GiveBack(descriptors);
  stats_.connections_open.Subtract();
  --taken_;
  if (waiter_ != nullptr) waiter_->OnPlaceFree();
}

void ClientPlaces::CountPause(io::Instant now) {
  const auto reason = static_cast<std::size_t>(full_);
  stats_.accept_pauses[reason].Add();
  Warn(pauses_[reason], "clients wait", WhyFull(), now);
}

void ClientPlaces::CountPauseOfSystem(const Error& error, io::Instant now) {
  const auto reason = static_cast<std::size_t>(WaitReason::kSystem);
  stats_.accept_pauses[reason].Add();
  Warn(pauses_[reason], "clients wait", error.message, now);
}

void ClientPlaces::CountPauseOfRate(io::Instant now) {
  const auto reason = static_cast<std::size_t>(WaitReason::kAcceptRate);
  stats_.accept_pauses[reason].Add();
  Warn(pauses_[reason], "clients wait", "more come than accept_rate of the listener allows", now);
}

void ClientPlaces::CountPauseOfHandshakes(io::Instant now) {
  const auto reason = static_cast<std::size_t>(WaitReason::kHandshakes);
  stats_.accept_pauses[reason].Add();
  Warn(pauses_[reason], "clients wait", "as many TLS handshakes as make sense are under way", now);
}

void ClientPlaces::CountRefusal(io::Instant now) {
  stats_.connections_refused.Add();
  Warn(refusals_, "clients refused", WhyFull(), now);
}

void ClientPlaces::CountProxyRefusal(const ProxyError& error, const SocketAddress& peer,
                                     io::Instant now) {
  const auto fault = static_cast<std::size_t>(error.fault);
  stats_.proxy_refusals[fault].Add();
  // Balancers check by connecting that somebody listens.
  if (error.fault == ProxyFault::kGone || limits_.proxy_lines == nullptr) return;
  const auto left_out = limits_.proxy_lines->Due(now);
  if (!left_out) return;
  log_.Warn("PROXY header refused", {{"listener", listener_},
                                     {"peer", ToString(peer)},
                                     {"kind", stats::kProxyFaultNames[fault]},
                                     {"why", error.reason},
                                     {"left_out", *left_out}});
}

void ClientPlaces::CountTurnedAway(stats::TurnedAway why, const SocketAddress& client,
                                   io::Instant now) {
  const auto reason = static_cast<std::size_t>(why);
  stats_.turned_away[reason].Add();
  const auto left_out = turned_away_[reason].Due(now);
  if (!left_out) return;
  log_.Info("connection closed", {{"listener", listener_},
                                  {"client", ToString(client)},
                                  {"why", stats::kTurnedAwayReasons[reason]},
                                  {"left_out", *left_out}});
}

std::string ClientPlaces::WhyFull() const {
  if (full_ == WaitReason::kConnections) {
    return fmt::format("all {} connections of the listener are open", limits_.connections->most());
  }
  return fmt::format(
      "all {} file descriptors for clients are taken; the process may have {} (ulimit -n, "
      "LimitNOFILE=, docker --ulimit nofile=)",
      limits_.descriptors->most(), *limits_.process_limit);
}

void ClientPlaces::Warn(io::Seldom& seldom, std::string_view event, std::string_view why,
                        io::Instant now) {
  const auto left_out = seldom.Due(now);
  if (left_out) log_.Warn(event, {{"listener", listener_}, {"why", why}, {"left_out", *left_out}});
}

}  // namespace upgate::http
