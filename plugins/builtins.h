#pragma once

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Adds every service that ships with the gateway.
void RegisterBuiltins(plugin::Registry& registry);

}  // namespace upgate::plugins
