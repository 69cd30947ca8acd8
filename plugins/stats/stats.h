#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// The gateway's statistics on a route: JSON to GET, Prometheus text to GET with ?format=prometheus;
// on a WebSocket a JSON text message for every message that comes. Takes no options.
std::unique_ptr<plugin::Service> MakeStats(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
