#pragma once

#include "gateway/base/result.h"
#include "gateway/config/config.h"

namespace upgate::app {

// An address that cannot be listened on, as an error of the configuration.
config::ConfigError ListenError(const config::ListenAddress& address, const Error& error);

}  // namespace upgate::app
