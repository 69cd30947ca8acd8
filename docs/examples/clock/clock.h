#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::examples {

// A service that tells the time, in seconds since 1970: as the answer to a GET, and to WebSocket
// clients once when they connect, whenever they send a message, and every `interval`. A client that
// does not read what it was sent is left out, because nobody wants yesterday's time.
//
// Options: interval: 1s (default; 100ms to 1h).
std::unique_ptr<plugin::Service> MakeClock(plugin::ServiceSetup setup);

}  // namespace upgate::examples
