#include "gateway/backend/server_names.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "gateway/config/host_syntax.h"

namespace upgate::backend {
namespace {

constexpr std::uint32_t kMostWeight = 1000;
constexpr std::string_view kSrv = "srv+";

std::string_view SchemeIn(std::string_view url) {
  if (url.starts_with(kSrv)) url.remove_prefix(kSrv.size());
  return url.substr(0, url.find("://"));
}

config::Server MemberOf(const config::Server& named) {
  config::Server server = named;
  server.origin = named.url;
  server.resolve = config::Server::Resolve::kAny;
  return server;
}

// Weights of SRV records go up to 65535, and 0 is nearly never.
std::uint32_t WeightOf(const SrvRecord& record, std::uint32_t largest) {
  if (largest == 0) return 1;
  const std::uint32_t scaled =
      largest <= kMostWeight ? record.weight : record.weight * kMostWeight / largest;
  return std::max(scaled, 1u);
}

}  // namespace

bool HasNames(const config::Backend& backend) {
  return std::ranges::any_of(backend.servers, [](const config::Server& server) {
    return server.resolve != config::Server::Resolve::kAny;
  });
}

std::vector<config::Server> ServersAt(const config::Server& named,
                                      const std::vector<Ip>& addresses) {
  const std::uint16_t port = std::get<HostPort>(named.address).port;
  std::vector<config::Server> servers;
  for (const Ip& ip : addresses) {
    config::Server server = MemberOf(named);
    server.pinned = {ip};
    server.url = fmt::format("{}://{}", SchemeIn(named.url), ToString(IpPort{ip, port}));
    servers.push_back(std::move(server));
  }
  std::ranges::sort(servers, {}, &config::Server::url);
  return servers;
}

std::vector<config::Server> ServersAt(const config::Server& named,
                                      const std::vector<SrvRecord>& records) {
  std::set<std::uint16_t> priorities;
  std::uint32_t largest = 0;
  for (const SrvRecord& record : records) {
    priorities.insert(record.priority);
    largest = std::max<std::uint32_t>(largest, record.weight);
  }
  std::vector<config::Server> servers;
  for (const SrvRecord& record : records) {
    // DNS allows any bytes in names, and writes them in any case.
    if (config::HostMistake(record.target) || record.port == 0) continue;
    config::Server server = MemberOf(named);
    const HostPort address{config::CanonicalHost(record.target), record.port};
    server.address = address;
    server.url = fmt::format("{}://{}", SchemeIn(named.url), address.ToString());
    server.weight = WeightOf(record, largest);
    server.tier = static_cast<std::uint32_t>(
        std::distance(priorities.begin(), priorities.find(record.priority)));
    servers.push_back(std::move(server));
  }
  std::ranges::sort(servers, {}, [](const config::Server& s) { return std::pair(s.tier, s.url); });
  const auto again = std::ranges::unique(servers, {}, &config::Server::url);
  servers.erase(again.begin(), again.end());
  return servers;
}

config::Backend Expand(const config::Backend& configured, const ServersOfNames& names) {
  config::Backend expanded = configured;
  expanded.servers.clear();
  for (const config::Server& server : configured.servers) {
    const auto known = server.resolve == config::Server::Resolve::kAny
                           ? names.end()
                           : names.find({configured.name, server.url});
    if (known == names.end() || known->second.empty()) {
      expanded.servers.push_back(server);
    } else {
      expanded.servers.insert(expanded.servers.end(), known->second.begin(), known->second.end());
    }
  }
  return expanded;
}

bool AreTheSame(const std::vector<config::Server>& a, const std::vector<config::Server>& b) {
  return std::ranges::equal(a, b, [](const config::Server& x, const config::Server& y) {
    return x.url == y.url && x.origin == y.origin && x.weight == y.weight && x.tier == y.tier;
  });
}

}  // namespace upgate::backend
