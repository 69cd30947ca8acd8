// Requests that a route does not take from a client, whatever they ask for.
#include <utility>

#include "gateway/upgrade/client_address.h"
#include "gateway/upgrade/gateway.h"

namespace upgate::upgrade {
namespace {

using stats::HandshakeOutcome;
using stats::Refusal;

constexpr std::string_view kForbiddenClient = "clients with this address may not use this";

}  // namespace

bool Gateway::TurnAway(http::Exchange& exchange, const config::Listener& listener,
                       RouteContext& route, const route::SeenAs& seen) {
  const config::Access& access = route.config().access;
  if (access.empty() || MayAccess(access, seen, exchange.client_address())) return false;
  route.stats().refusals[static_cast<std::size_t>(Refusal::kAddress)].Add();
  if (ws::IsHandshake(exchange.request(), listener.dialects)) {
    route.Count(HandshakeOutcome::kForbiddenClient);
    LogRefusal(exchange.request(), &route, seen, 403, kForbiddenClient);
  } else {
    exchange.IgnoreUpgrade();
  }
  exchange.Respond(http::TextResponse(403, kForbiddenClient));
  return true;
}

}  // namespace upgate::upgrade
