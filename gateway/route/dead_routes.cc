#include "gateway/route/dead_routes.h"

#include <algorithm>
#include <re2/re2.h>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::route {
namespace {

using Kind = config::PathPattern::Kind;

constexpr int kLongestBound = 256;

// What everything that an expression can match begins with; empty where there is no telling, as
// there is not unless it begins with '^'.
std::string CommonBeginning(const config::PathPattern& regex) {
  const RE2 expression(regex.text, RE2::Quiet);
  std::string least;
  std::string most;
  if (!expression.ok() || !regex.text.starts_with('^') ||
      !expression.PossibleMatchRange(&least, &most, kLongestBound)) {
    return {};
  }
  return {least.begin(), std::ranges::mismatch(least, most).in1};
}

// Whether the prefix has every path that begins so.
bool TakesAll(const config::PathPattern& prefix, std::string_view beginning) {
  return prefix.text.empty() || beginning.starts_with(prefix.text + '/');  // the former is "/*"
}

bool HasHost(const config::Route& route, const config::HostPattern& host) {
  return std::ranges::any_of(route.hosts, [&](const config::HostPattern& one) {
    return one.host == host.host && one.wildcard == host.wildcard;
  });
}

// Whether `first` is looked at before `route` for every host of it.
bool HasItsHosts(const config::Route& first, const config::Route& route) {
  if (route.hosts.empty() || first.hosts.empty()) return route.hosts.empty() == first.hosts.empty();
  return std::ranges::all_of(route.hosts,
                             [&](const config::HostPattern& host) { return HasHost(first, host); });
}

}  // namespace

std::vector<config::ConfigError> DeadRoutes(const std::vector<config::Route>& routes) {
  std::vector<config::ConfigError> warnings;
  for (const config::Route& route : routes) {
    if (route.path.kind != Kind::kRegex) continue;
    const std::string beginning = CommonBeginning(route.path);
    const auto first = std::ranges::find_if(routes, [&](const config::Route& other) {
      return other.path.kind == Kind::kPrefix && HasItsHosts(other, route) &&
             TakesAll(other.path, beginning);
    });
    if (first == routes.end()) continue;
    warnings.push_back(
        {route.mark, fmt::format("routes[{}]", route.index),
         fmt::format("no request comes to it: {} of routes[{}] (line {}) takes all "
                     "that it could match, and prefixes go before regular "
                     "expressions",
                     config::Excerpt(first->path.written), first->index, first->mark.line)});
  }
  return warnings;
}

std::vector<config::ConfigError> UnusedBackends(const config::Config& config) {
  std::set<std::string> used;
  for (const config::Route& route : config.routes) {
    if (route.backend) used.insert(*route.backend);
  }
  std::vector<config::ConfigError> warnings;
  for (const auto& [name, backend] : config.backends) {
    if (!used.contains(name))
      warnings.push_back({backend.mark, "backends." + name, "no route leads to it"});
  }
  return warnings;
}

}  // namespace upgate::route
