#pragma once

#include <memory>
#include <vector>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Sends every WebSocket message back as it came. Takes no options.
std::unique_ptr<plugin::Service> MakeEcho(const config::Value& options, plugin::Host& host,
                                          std::vector<config::ConfigError>& errors);

}  // namespace upgate::plugins
