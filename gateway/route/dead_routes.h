#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for configuration checks: a regular expression that no request can reach, because a
// prefix for the same hosts covers everything that it could match; and a backend that no route
// uses. In file order.
std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes);
std::vector<config::ConfigError> UnusedBackends(const config::Config& config);

}  // namespace upgate::route
