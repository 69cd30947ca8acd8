#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for whoever checks a configuration: a route that no request ever comes to, because other
// routes without conditions take all that it could match on each of its hosts, and a backend that
// no route leads to. In file order.
//
// A regular expression can be covered by an exact path or by another expression, a prefix by an
// expression of the same beginning. Nothing else can: an exact path goes first, and the same one
// twice is an error; prefixes are covered by no number of longer ones; and host patterns by none
// before them, as these take some hosts of them.
std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes);
std::vector<config::ConfigError> UnusedBackends(const config::Config& config);

}  // namespace upgate::route
