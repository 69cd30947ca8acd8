#include "gateway/route/coverage.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/route/explain.h"
#include "gateway/route/router.h"

namespace upgate::route {
namespace {

using Kind = config::PathPattern::Kind;

// Limit for checked pairs of a route and a host, so that a large file is checked within a second.
constexpr std::size_t kMostProbes = 100'000;
constexpr std::size_t kMostWarnings = 20;

std::vector<std::string_view> PoliciesOf(const config::Route& route) {
  std::vector<std::string_view> policies;
  if (route.auth) policies.emplace_back("auth");
  if (route.require_origin) policies.emplace_back("require_origin");
  if (!route.access.empty()) policies.emplace_back("access");
  if (route.limits != config::RouteLimits{}) policies.emplace_back("limits");
  return policies;
}

// Whether it lets clients in only with a credential.
bool NeedsCredential(const config::Route& route) {
  return route.auth && !route.auth->optional;
}

// The policies of `route` that `other` lacks in any form.
std::vector<std::string_view> Lacking(const config::Route& route, const config::Route& other) {
  std::vector<std::string_view> lacking = PoliciesOf(route);
  for (const std::string_view had : PoliciesOf(other)) {
    const bool weaker = had == "auth" && NeedsCredential(route) && !NeedsCredential(other);
    if (!weaker) std::erase(lacking, had);
  }
  return lacking;
}

// "its auth does not", "its auth, access and limits do not".
std::string DoNot(const std::vector<std::string_view>& policies) {
  std::string names(policies.front());
  for (std::size_t i = 1; i < policies.size(); ++i)
    names.append(i + 1 == policies.size() ? " and " : ", ").append(policies[i]);
  const bool one = policies.size() == 1 && policies.front() != "limits";
  return fmt::format("its {} {} not", names, one ? "does" : "do");
}

// A path that matches the route but no route below it: no pattern contains a control character.
// Empty if that cannot be determined, as for a regular expression.
std::string ProbeOf(const config::PathPattern& path) {
  if (path.kind == Kind::kExact) return path.text;
  return path.kind == Kind::kPrefix ? path.text + "/\x01" : std::string();
}

// A host that matches the pattern and is as general as possible.
std::string ProbeOf(const config::HostPattern& host) {
  return host.wildcard ? "\x01." + host.host : host.host;
}

// All hosts for which one route could take precedence over another.
std::vector<std::string> HostsOf(const std::vector<config::Route>& routes) {
  std::set<std::string> hosts;
  for (const config::Route& route : routes) {
    for (const config::HostPattern& host : route.hosts) hosts.insert(ProbeOf(host));
  }
  return {hosts.begin(), hosts.end()};
}

bool GoesBeforeByHost(const RouteMatch& first, const RouteMatch& second) {
  const Precedence why = ExplainPrecedence(first, second);
  return why == Precedence::kExactHost || why == Precedence::kLongerWildcard ||
         why == Precedence::kSomeHost;
}

bool TakesAllPaths(const config::PathPattern& path) {
  return path.kind == Kind::kPrefix && path.text.empty();
}

// The route that handles on this host what `route` would handle, or what its conditions choose of
// that, if it lacks one of its policies.
const config::Route* Covers(const Router& router, const config::Route& route,
                            const std::string& host) {
  const std::string probe = ProbeOf(route.path);
  // Nothing is known about a regular expression, except that "/*" covers all of it.
  const auto matches = router.Matches(host, probe.empty() ? "/\x01" : probe);
  const auto own = std::ranges::find(matches, &route, &RouteMatch::route);
  for (auto match = matches.begin(); match != own; ++match) {
    const bool by_host = probe.empty() ? TakesAllPaths(match->route->path) &&
                                             match->host != nullptr && route.hosts.empty()
                                       : own != matches.end() && GoesBeforeByHost(*match, *own);
    if (by_host && !Lacking(route, *match->route).empty()) return match->route;
    if (match->route->match.empty()) return nullptr;  // it leaves nothing to the next
  }
  return nullptr;
}

std::string Written(const std::string& host) {
  return host.starts_with('\x01') ? "*" + host.substr(1) : host;
}

}  // namespace

std::vector<config::ConfigError> UncoveredPolicies(const std::vector<config::Route>& routes) {
  const Router router(routes);
  const std::vector<std::string> hosts = HostsOf(routes);
  std::vector<config::ConfigError> warnings;
  std::size_t probes = 0;
  for (const config::Route& route : routes) {
    if (PoliciesOf(route).empty()) continue;
    for (const std::string& host : hosts) {
      if (++probes > kMostProbes || warnings.size() == kMostWarnings) return warnings;
      const config::Route* first = Covers(router, route, host);
      if (first == nullptr) continue;
      warnings.push_back(
          {route.mark, fmt::format("routes[{}]", route.index),
           fmt::format("{} apply on {}, where {} is handled by routes[{}] (line {}){}: the host "
                       "takes precedence over the path; set the same there, or add the host here",
                       DoNot(Lacking(route, *first)), config::Excerpt(Written(host)),
                       config::Excerpt(route.path.written), first->index, first->mark.line,
                       first->match.empty() ? "" : ", if its match holds")});
      break;  // one host tells enough
    }
  }
  return warnings;
}

}  // namespace upgate::route
