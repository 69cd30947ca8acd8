#include "gateway/route/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::route {
namespace {

using Kind = config::PathPattern::Kind;

// The result of a table that contains only this route.
bool TakesIt(config::Route route, std::string_view host, std::string_view path) {
  route.match = {};
  const std::vector<config::Route> alone{std::move(route)};
  return Router(alone).Find(host, path) != nullptr;
}

bool HostFits(config::Route route, std::string_view host) {
  route.path = {Kind::kPrefix, "", "/*"};
  return TakesIt(std::move(route), host, "/");
}

bool PathFits(config::Route route, std::string_view path) {
  route.hosts.clear();
  return TakesIt(std::move(route), "", path);
}

std::string WhyItsHostFits(const config::HostPattern* host) {
  if (host == nullptr) return "it matches any host";
  if (host->wildcard) return fmt::format("the host is one of *.{}", Printable(host->host));
  return fmt::format("the host {} is listed", Printable(host->host));
}

std::string WhyItsPathFits(const config::PathPattern& path) {
  switch (path.kind) {
    case Kind::kExact:
      return "the path is exactly this one";
    case Kind::kPrefix:
      return path.text.empty() ? "it matches every path"
                               : fmt::format("the path is {} or below it", Printable(path.text));
    case Kind::kRegex:
      break;
  }
  return "the path matches the regular expression";
}

}  // namespace

std::vector<NearMiss> NearMisses(const std::vector<config::Route>& routes, std::string_view host,
                                 std::string_view path) {
  std::vector<NearMiss> misses;
  for (const config::Route& route : routes) {
    const NearMiss miss{&route, HostFits(route, host), PathFits(route, path)};
    if (miss.host_fits != miss.path_fits) misses.push_back(miss);
  }
  std::ranges::stable_partition(misses, &NearMiss::path_fits);
  return misses;
}

std::string ExplainMatch(const RouteMatch& match) {
  return WhyItsHostFits(match.host) + "; " + WhyItsPathFits(match.route->path);
}

Precedence ExplainPrecedence(const RouteMatch& first, const RouteMatch& second) {
  if (first.host != nullptr) {
    if (second.host == nullptr) return Precedence::kSomeHost;
    if (first.host->wildcard != second.host->wildcard) return Precedence::kExactHost;
    if (first.host->host != second.host->host) return Precedence::kLongerWildcard;
  }
  const config::PathPattern& path = first.route->path;
  const config::PathPattern& other = second.route->path;
  if (path.kind == Kind::kExact && other.kind != Kind::kExact) return Precedence::kExactPath;
  if (path.kind == Kind::kPrefix && other.kind == Kind::kRegex) return Precedence::kPrefixOverRegex;
  if (path.kind == Kind::kRegex && other.kind == Kind::kPrefix) return Precedence::kRegexOverPrefix;
  if (path.kind == Kind::kPrefix && path.text != other.text) return Precedence::kLongerPrefix;
  if (path.kind == Kind::kRegex && path.literal.size() != other.literal.size())
    return Precedence::kLongerLiteral;
  return first.route->match.count() != second.route->match.count() ? Precedence::kMoreConditions
                                                                   : Precedence::kFileOrder;
}

std::string_view ExplainLowerRank(Precedence precedence) {
  switch (precedence) {
    case Precedence::kExactHost:
      return "a wildcard host is less specific than a listed one";
    case Precedence::kLongerWildcard:
      return "its wildcard suffix is shorter";
    case Precedence::kSomeHost:
      return "any host is less specific than a listed one or a wildcard";
    case Precedence::kExactPath:
      return "its path is less specific than an exact one";
    case Precedence::kLongerPrefix:
      return "its prefix is shorter";
    case Precedence::kPrefixOverRegex:
      return "its regular expression begins with less text than the prefix has";
    case Precedence::kRegexOverPrefix:
      return "its prefix is not longer than the text that the regular expression begins with";
    case Precedence::kLongerLiteral:
      return "its regular expression begins with less text";
    case Precedence::kMoreConditions:
      return "it has fewer conditions in match";
    case Precedence::kFileOrder:
      break;
  }
  return "it comes later in the file";
}

}  // namespace upgate::route
