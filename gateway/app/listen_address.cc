#include "gateway/app/listen_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "gateway/base/match.h"
#include "gateway/net/system_error.h"

namespace upgate::app {
namespace {

Ip FromSockaddr(const sockaddr& address) {
  Ip ip;
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::memcpy(ip.bytes.data(), &v6.sin6_addr, 16);
  } else {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    ip.bytes[10] = ip.bytes[11] = 0xff;
    std::memcpy(ip.bytes.data() + 12, &v4.sin_addr, 4);
  }
  return ip;
}

Result<std::vector<SocketAddress>> ResolveName(const HostPort& where) {
  if (const auto literal = Ip::Parse(where.host))
    return std::vector<SocketAddress>{IpPort{*literal, where.port}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(where.host.c_str(), nullptr, &hints, &list);
  if (failure != 0) {
    if (auto lack = net::LackOfDescriptors(3)) return std::unexpected(std::move(*lack));
    return Fail(Errc::kResolve,
                "the name '" + where.host + "' does not resolve: " + gai_strerror(failure));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    const SocketAddress address = IpPort{FromSockaddr(*entry->ai_addr), where.port};
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

Result<std::vector<SocketAddress>> ResolveListenAddress(const config::ListenAddress& address) {
  return std::visit(Match{[](const HostPort& where) { return ResolveName(where); },
                          [](const UnixPath& path) -> Result<std::vector<SocketAddress>> {
                            return std::vector<SocketAddress>{path};
                          }},
                    address.where);
}

}  // namespace upgate::app
