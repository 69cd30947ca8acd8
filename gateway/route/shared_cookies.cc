#include "gateway/route/shared_cookies.h"

#include <map>
#include <set>
#include <string>
#include <tuple>

#include <fmt/format.h>

namespace upgate::route {
namespace {

std::vector<std::string> BackendsOf(const config::Route& route) {
  std::vector<std::string> names;
  if (route.backend) names.push_back(*route.backend);
  for (const config::Share& share : route.split) names.push_back(share.backend);
  return names;
}

// Different patterns never take the same host, as the more specific one has it alone.
std::vector<std::string> HostsOf(const config::Route& route) {
  std::vector<std::string> hosts;
  for (const config::HostPattern& host : route.hosts)
    hosts.push_back((host.wildcard ? "*." : "") + host.host);
  if (hosts.empty()) hosts.emplace_back();
  return hosts;
}

struct User {
  const config::Route* route;
  const std::string backend;
};

}  // namespace

std::vector<config::ConfigError> SharedCookies(const config::Config& config) {
  // By host, name and path of the cookie: whose it is first.
  std::map<std::tuple<std::string, std::string, std::string>, User> cookies;
  std::set<std::string> warned;
  std::vector<config::ConfigError> warnings;
  for (const config::Route& route : config.routes) {
    for (const std::string& name : BackendsOf(route)) {
      const auto backend = config.backends.find(name);
      if (backend == config.backends.end() || !backend->second.sticky) continue;
      const config::Sticky& sticky = *backend->second.sticky;
      for (const std::string& host : HostsOf(route)) {
        const auto [it, is_first] =
            cookies.try_emplace({host, sticky.cookie, sticky.path}, User{&route, name});
        // The sides of a split do not get the same clients.
        const User& first = it->second;
        if (is_first || first.backend == name || first.route == &route) continue;
        if (!warned.insert(name).second) continue;
        warnings.push_back(
            {backend->second.mark, fmt::format("backends.{}.sticky.cookie", name),
             fmt::format(
                 "'{}' is also the cookie of backends.{}, and routes[{}] and routes[{}] have the "
                 "same host: a client that uses both stays with no server; give one of "
                 "them another name",
                 config::Excerpt(sticky.cookie), first.backend, first.route->index, route.index)});
      }
    }
  }
  return warnings;
}

}  // namespace upgate::route
