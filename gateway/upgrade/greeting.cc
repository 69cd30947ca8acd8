#include "gateway/upgrade/greeting.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/proxy_header.h"

namespace upgate::upgrade {
namespace {

SocketAddress SourceOf(const SocketAddress& peer, std::string_view client) {
  if (ToString(peer) == client) return peer;
  // From a forwarding header. If a proxy hides the client it is no address, and that of the proxy
  // would be wrong.
  const auto named = Ip::Parse(client);
  return named ? SocketAddress(IpPort{*named, 0}) : SocketAddress(UnixPath{});
}

std::string MakeUniqueId(io::Entropy& entropy) {
  std::array<std::byte, 16> random;
  entropy.Fill(random);
  std::string id;
  for (const std::byte byte : random) id += fmt::format("{:02x}", static_cast<unsigned>(byte));
  return id;
}

}  // namespace

GreetingToServer MakeGreeting(config::SendProxy version, const http::Exchange& exchange,
                              std::string_view client, std::string_view user,
                              io::Entropy& entropy) {
  if (version == config::SendProxy::kOff) return {};
  ProxyFacts facts;
  facts.source = SourceOf(exchange.client_address(), client);
  facts.destination = exchange.local_address();
  if (version == config::SendProxy::kV1) return {EncodeProxyV1(facts), {}};
  std::string id = MakeUniqueId(entropy);
  facts.unique_id = id;
  facts.user = user;
  if (const io::TlsInfo* tls = exchange.tls()) {
    facts.alpn = tls->protocol;
    facts.authority = tls->server_name;
    facts.tls = {.version = tls->version,
                 .cipher = tls->cipher,
                 .client_name = tls->client_name,
                 .client_certificate = !tls->client_subject.empty()};
  }
  std::string header = EncodeProxyV2(facts);
  return {std::move(header), std::move(id)};
}

}  // namespace upgate::upgrade
