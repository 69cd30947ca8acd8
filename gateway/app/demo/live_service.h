#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::app {

// The service of the demo's WebSocket server: sends the head of the handshake as a JSON text
// message ({"request": {...}}), and then echoes every message.
std::unique_ptr<plugin::Service> MakeDemoLive(plugin::ServiceSetup setup);

}  // namespace upgate::app
