#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for whoever checks a configuration: a regular expression that no request ever comes to,
// because other routes take all that it could match on each of its hosts, and a backend that no
// route leads to. In file order.
//
// No other route can be covered: an exact path only by the same one, which is an error; a prefix by
// no number of longer ones; and a host pattern by none before it, as these take some hosts of it.
std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes);
std::vector<config::ConfigError> UnusedBackends(const config::Config& config);

}  // namespace upgate::route
