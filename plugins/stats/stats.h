#pragma once

#include <memory>
#include <vector>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// The gateway's statistics on a route: JSON to GET, Prometheus text to GET with ?format=prometheus; on a WebSocket a JSON
// text message for every message that comes. Takes no options.
std::unique_ptr<plugin::Service> MakeStats(const config::Value& options, plugin::Host& host,
                                           std::vector<config::ConfigError>& errors);

}  // namespace upgate::plugins
