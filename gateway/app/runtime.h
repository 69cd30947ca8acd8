#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/parse.h"
#include "gateway/plugin/service.h"
#include "gateway/route/router.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"

namespace upgate::app {

// A configuration made ready to serve: its files read, its plugins known. Shared by all loops and
// immutable, but for the ticket keys of the TLS contexts.
struct Runtime {
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<route::Router> router;
  std::vector<std::shared_ptr<tls::ServerContext>>
      server_tls;  // by listener; nullptr for plain ones
  std::map<std::string, std::shared_ptr<tls::ClientContext>> client_tls;
  std::vector<std::unique_ptr<plugin::Service>>
      services;  // by route; nullptr for routes to backends
};

// Reads the certificates and makes the services. Every error at once, in file order.
std::expected<Runtime, std::vector<config::ConfigError>> Prepare(
    std::shared_ptr<const config::Config> config, const plugin::Registry& plugins);

// The same of a draft. As errors everything that is wrong: what its text says, and what shows only
// when certificates are read and services are made. The latter not of a listener, backend or route
// that is wrong by its text already.
std::expected<Runtime, std::vector<config::ConfigError>> Prepare(const config::Draft& draft,
                                                                 const plugin::Registry& plugins);

// The names for the statistics.
stats::Names NamesOf(const config::Config& config);

}  // namespace upgate::app
