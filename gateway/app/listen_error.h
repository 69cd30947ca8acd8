#pragma once

#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace upgate::app {

// The configuration error for an address that cannot be listened on.
config::ConfigError ListenError(const config::ListenAddress& address, const Error& error);

}  // namespace upgate::app
