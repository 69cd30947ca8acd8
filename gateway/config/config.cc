#include "gateway/config/config.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/match.h"
#include "gateway/base/text.h"

namespace upgate::config {

std::string ListenAddress::ToString() const {
  return std::visit(Match{[](const HostPort& address) { return address.ToString(); },
                          [](const UnixPath& address) { return "unix:" + address.path; }},
                    where);
}

bool AddressSet::Has(const SocketAddress& peer) const {
  const auto* tcp = std::get_if<IpPort>(&peer);
  if (tcp == nullptr) return unix_sockets;
  return std::ranges::any_of(blocks, [&](const Cidr& block) { return block.Contains(tcp->ip); });
}

bool Access::Allows(const SocketAddress& client) const {
  return !deny.Has(client) && (!allow || allow->Has(client));
}

std::string Hsts::ToString() const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(max_age).count();
  return fmt::format("max-age={}{}{}", seconds, include_subdomains ? "; includeSubDomains" : "",
                     preload ? "; preload" : "");
}

bool ListenAddress::IsLocal() const {
  const auto* at = std::get_if<HostPort>(&where);
  if (at == nullptr) return true;
  if (const auto ip = Ip::Parse(at->host)) return IsLoopback(*ip);
  return EqualsIgnoreCase(WithoutRootDot(at->host), "localhost");
}

std::size_t Conditions::count() const {
  const std::size_t lists = static_cast<std::size_t>(!methods.empty()) + !subprotocols.empty() +
                            !clients.empty() + !listeners.empty() + !sni.empty() +
                            tls_version.has_value();
  return lists + headers.size() + query.size() + cookies.size();
}

const Backend* Config::BackendOf(const Route& route) const {
  if (route.resolver) return &route.resolver->backend;
  return route.backend ? &backends.at(*route.backend) : nullptr;
}

}  // namespace upgate::config
