#pragma once

#include <string>

#include "gateway/config/config.h"
#include "gateway/http/server_connection.h"

namespace upgate::app {

// The limits of client connections, as configured.
http::ServerOptions HttpOptions(const config::Config& config);

// `dns.servers` as net::DnsClient takes them: separated by commas.
std::string NameServers(const config::Config& config);

}  // namespace upgate::app
