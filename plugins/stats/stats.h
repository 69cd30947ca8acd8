#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Serves the gateway's statistics on a route: JSON for GET, Prometheus text for GET with
// ?format=prometheus; on a WebSocket, a JSON text message in response to every message. Takes no
// options.
std::unique_ptr<plugin::Service> MakeStats(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
