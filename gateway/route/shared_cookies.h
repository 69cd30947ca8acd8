#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for whoever checks a configuration: a backend whose `sticky` cookie takes the place of
// another backend's, because routes with the same host lead to both, and the cookies have the same
// name and path. Clients that use both then stay with no server. One for a backend.
std::vector<config::ConfigError> SharedCookies(const config::Config& config);

}  // namespace upgate::route
