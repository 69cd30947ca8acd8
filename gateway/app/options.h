#pragma once

#include "gateway/config/config.h"
#include "gateway/http/server_connection.h"

namespace upgate::app {

// The limits of client connections, as configured.
http::ServerOptions HttpOptions(const config::Config& config);

}  // namespace upgate::app
