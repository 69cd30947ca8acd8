#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::app {

// The service of the demo's WebSocket server: first a text message with the request head that it
// got, as JSON
// {"request": {...}}, then every message back.
std::unique_ptr<plugin::Service> MakeDemoLive(plugin::ServiceSetup setup);

}  // namespace upgate::app
