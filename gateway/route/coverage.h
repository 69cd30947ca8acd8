#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for whoever checks a configuration: a route with a policy (require_origin, limits) that
// does not hold for some host, because a route with a less specific path, but for that host, goes
// first and has none. Right as it stands, as the host goes before the path, but seldom meant. At
// the mark of the route with the policy; in file order. Asks the router; takes its time.
std::vector<config::ConfigError> UncoveredPolicies(const std::vector<config::Route>& routes);

}  // namespace upgate::route
