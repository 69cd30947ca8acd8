#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for configuration checks: a route has a policy (auth, require_origin, access, limits)
// that does not apply to some host, because a route for that host with a less specific path takes
// precedence and lacks the policy. This is correct, because the host takes precedence over the
// path, but rarely intended. Placed at the mark of the route with the policy, in file order.
// Queries the router; not for the data path.
std::vector<config::ConfigError> UncoveredPolicies(const std::vector<config::Route>& routes);

}  // namespace upgate::route
