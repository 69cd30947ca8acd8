#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Sends every WebSocket message back unchanged. Takes no options.
std::unique_ptr<plugin::Service> MakeEcho(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
