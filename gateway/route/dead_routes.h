#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for whoever checks a configuration: a regular expression that no request ever comes to,
// because a prefix of the same hosts takes all that it could match, and a backend that no route
// leads to. In file order.
std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes);
std::vector<config::ConfigError> UnusedBackends(const config::Config& config);

}  // namespace upgate::route
