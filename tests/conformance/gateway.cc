#include "tests/conformance/gateway.h"

#include <stdexcept>
#include <utility>
#include <variant>

#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"

namespace upgate::conformance {
namespace {

[[noreturn]] void Refuse(const std::vector<config::ConfigError>& errors) {
  std::string all;
  for (const auto& error : errors) all += error.key + ": " + error.message + "\n";
  throw std::runtime_error("the gateway does not start: " + all);
}

std::uint16_t PortOf(const std::vector<SocketAddress>& addresses) {
  return std::get<IpPort>(addresses.front()).port;
}

}  // namespace

RunningGateway::RunningGateway(std::string_view yaml) {
  const tls::SelfSigned certificate = tls::MakeSelfSigned({"localhost", "127.0.0.1"});
  folder_.Write("site.crt", certificate.cert_pem);
  folder_.Write("site.key", certificate.key_pem);
  const std::string listeners =
      "listeners:\n"
      "  - address: 127.0.0.1:0\n"
      "  - address: 127.0.0.1:0\n"
      "    tls: { certificates: [ { cert: site.crt, key: site.key } ] }\n"
      "  - address: unix:" +
      unix_socket() +
      "\n"
      "workers: 1\n"
      "shutdown: { timeout: 1s }\n";
  folder_.Write("upgate.yaml", listeners + std::string(yaml));
  auto config = config::Load(folder_.At("upgate.yaml"));
  if (!config) Refuse(config.error());
  plugins::RegisterBuiltins(plugins_);
  auto server = app::Server::Open(std::move(*config), plugins_, log_);
  if (!server) Refuse(server.error());
  server_ = std::move(*server);
  port_ = PortOf(server_->addresses()[0]);
  tls_port_ = PortOf(server_->addresses()[1]);
  thread_ = std::thread([this] { server_->Run(); });
}

RunningGateway::~RunningGateway() {
  server_->Stop();
  thread_.join();
}

}  // namespace upgate::conformance
