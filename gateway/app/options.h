#pragma once

#include "gateway/config/config.h"
#include "gateway/http/server_connection.h"

namespace upgate::app {

// The bounds of every client connection, as configured.
http::ServerOptions HttpOptions(const config::Config& config);

}  // namespace upgate::app
