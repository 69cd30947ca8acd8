#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::examples {

// A service that sends the time, in seconds since 1970: in the response to a GET, and to WebSocket
// clients when they connect, whenever they send a message, and every `interval`. Congested clients
// are skipped, because a queued time would be stale.
//
// Options: interval: 1s (default; 100ms to 1h).
std::unique_ptr<plugin::Service> MakeClock(plugin::ServiceSetup setup);

}  // namespace upgate::examples
