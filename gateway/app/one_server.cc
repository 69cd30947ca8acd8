#include "gateway/app/one_server.h"

#include <chrono>
#include <utility>

#include "gateway/config/config.h"

namespace upgate::app {

std::shared_ptr<const backend::BackendRecord> OneServer(
    const std::variant<HostPort, UnixPath>& address, std::string name,
    std::shared_ptr<tls::ClientContext> tls) {
  using config::ServerScheme;
  auto config = std::make_shared<config::Config>();
  config::Backend& backend = config->backends["server"];
  backend.name = "server";
  const bool is_unix = std::holds_alternative<UnixPath>(address);
  config::Server server;
  server.scheme = is_unix ? ServerScheme::kUnix : tls ? ServerScheme::kTls : ServerScheme::kTcp;
  server.address = address;
  server.url = name;
  backend.servers.push_back(std::move(server));
  backend.connect_timeout = std::chrono::hours(24);
  auto record = std::make_shared<backend::BackendRecord>();
  record->whole = config;
  record->config = &backend;
  if (tls) record->tls = std::make_shared<tls::ContextCell<tls::ClientContext>>(std::move(tls));
  record->servers.push_back(std::make_shared<backend::ServerRecord>(
      backend.name, name, std::make_shared<stats::ServerRow>(backend.name, name, 1)));
  return record;
}

}  // namespace upgate::app
