// Requests that a route does not take from a client, whatever they ask for.
#include <algorithm>
#include <cmath>
#include <utility>

#include "gateway/upgrade/client_address.h"
#include "gateway/upgrade/drained.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {
namespace {

using stats::HandshakeOutcome;
using stats::Refusal;

void Count(RouteContext& route, Refusal why) {
  route.stats().refusals[static_cast<std::size_t>(why)].Add();
}

// `wait`: in milliseconds.
http::Response TooMany(std::string_view why, double wait) {
  http::Response response = http::TextResponse(429, why);
  const auto seconds = static_cast<std::int64_t>(std::ceil(wait / 1000));
  response.headers.Add("Retry-After", std::to_string(std::max<std::int64_t>(1, seconds)));
  return response;
}

// In seconds; the jitter is added.
constexpr int kOverloadWait = 5;
constexpr int kOverloadJitter = 26;

// Nobody knows when a session ends.
constexpr double kWaitForSession = 5000;

struct Refused {
  Refusal why;
  HandshakeOutcome outcome;
  http::Response response;
};

std::optional<Refused> CheckRate(const RouteContext& route, bool handshake,
                                 const route::SeenAs& seen, std::string_view user,
                                 const io::Timers& clock) {
  const RouteRecord& record = route.record();
  ClientRates* const rates = (handshake ? record.handshake_rates : record.request_rates).get();
  if (rates == nullptr) return {};
  const double wait = rates->TakeOne(route.KeyOf(seen.client, user), clock.FineMillis());
  if (wait <= 0) return {};
  return Refused{handshake ? Refusal::kHandshakeRate : Refusal::kRequestRate,
                 HandshakeOutcome::kTooManyOfClient,
                 TooMany(handshake ? "too many WebSocket handshakes of this client"
                                   : "too many requests of this client",
                         wait)};
}

std::optional<Refused> CheckAddress(const config::Access& access, const route::SeenAs& seen,
                                    const SocketAddress& peer) {
  if (access.empty() || MayAccess(access, seen, peer)) return {};
  return Refused{Refusal::kAddress, HandshakeOutcome::kForbiddenClient,
                 http::TextResponse(403, "clients with this address may not use this")};
}

// Clients that are refused together come back at different times.
Refused Overloaded(io::Entropy& entropy) {
  const auto jitter = static_cast<int>(entropy.Fraction() * kOverloadJitter);
  return {Refusal::kOverload, HandshakeOutcome::kOverloaded,
          RetryLaterResponse("the gateway is overloaded; try again later",
                             std::chrono::seconds(kOverloadWait + jitter))};
}

}  // namespace

void Gateway::Refuse(http::Exchange& exchange, RouteContext& route, const route::SeenAs& seen,
                     bool handshake, stats::Refusal why, HandshakeOutcome outcome,
                     http::Response response) {
  Count(route, why);
  if (handshake) {
    route.Count(outcome);
    LogRefusal(exchange.request(), &route, seen, response.status, response.body);
  } else {
    exchange.IgnoreUpgrade();
  }
  exchange.Respond(std::move(response));
}

bool Gateway::TurnAway(http::Exchange& exchange, const config::Listener& listener,
                       RouteContext& route, const route::SeenAs& seen) {
  const bool handshake = ws::IsHandshake(exchange.request(), listener.dialects);
  auto refused = CheckAddress(route.config().access, seen, exchange.client_address());
  if (!refused && handshake && shared_.counts.overload.Of(index_).refuses_handshakes())
    refused = Overloaded(context_.loop.entropy);
  if (!refused && !route.restricts_users())
    refused = CheckRate(route, handshake, seen, "", context_.loop.timers);
  if (!refused) return false;
  Refuse(exchange, route, seen, handshake, refused->why, refused->outcome,
         std::move(refused->response));
  return true;
}

bool Gateway::TurnUserAway(const Arrival& arrival, std::string_view user) {
  const bool handshake =
      ws::IsHandshake(arrival.exchange.request(), arrival.listener->config.dialects);
  auto refused = CheckRate(arrival.route, handshake, arrival.seen, user, context_.loop.timers);
  if (!refused) return false;
  Refuse(arrival.exchange, arrival.route, arrival.seen, handshake, refused->why, refused->outcome,
         std::move(refused->response));
  return true;
}

std::unique_ptr<http::ExchangeHandler> Gateway::RefuseSession(http::Exchange& exchange,
                                                              RouteContext& route,
                                                              const route::SeenAs& seen) {
  Refuse(exchange, route, seen, true, Refusal::kSessionsOfClient,
         HandshakeOutcome::kTooManyOfClient,
         TooMany("too many sessions of this client", kWaitForSession));
  return nullptr;
}

}  // namespace upgate::upgrade
