#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/server_connection.h"

namespace upgate::app {

// Reads the files of `errors`, at most 1 MiB each; nullptr if there are none. Adds errors for those
// that cannot be read. Blocks on file reads: not on a serving loop.
std::shared_ptr<const http::ErrorPages> ReadErrorPages(const config::Config& config,
                                                       std::vector<config::ConfigError>& errors);

// The limits of client connections, as configured.
http::ServerOptions HttpOptions(const config::Config& config);

// `dns.servers` as net::DnsClient takes them: separated by commas.
std::string NameServers(const config::Config& config);

}  // namespace upgate::app
