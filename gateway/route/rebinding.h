#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// A warning for whoever checks a configuration: routes that any web page can use through the
// browser of somebody who reaches the gateway, because they take every Host for the gateway's own
// (DNS rebinding). One for a file, at the first such route; empty where there is none.
//
// Only where it matters, and where it is known to: the route relays WebSockets to a backend, lists
// neither hosts nor "*" among its origins, and a listener has an address that the page itself
// cannot reach (loopback, private), no TLS, whose certificate would not be for the page's name, and
// no trusted proxies, which decide about hosts.
std::vector<config::ConfigError> RebindableRoutes(const config::Config& config);

}  // namespace upgate::route
