#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/route/router.h"

namespace upgate::route {

// A route that does not match a request, although either its host or its path does.
struct NearMiss {
  const config::Route* route = nullptr;
  bool host_fits = false;
  bool path_fits = false;  // never both
};

// The routes that match a request's path or host but not both: first those whose path matches, then
// the others, in file order. Uses the router itself, so that no matching rule is written twice;
// slow, not for the data path.
std::vector<NearMiss> NearMisses(const std::vector<config::Route>& routes, std::string_view host,
                                 std::string_view path);

// Describes why a route matches: "the host app.example.com is listed; the path is exactly this
// one".
std::string ExplainMatch(const RouteMatch& match);

// Why one match takes precedence over another, by the rules at the top of router.h.
enum class Precedence {
  kExactHost,       // the host is listed, not matched by a wildcard
  kLongerWildcard,  // its wildcard suffix is longer
  kSomeHost,        // the other route is for any host
  kExactPath,
  kLongerPrefix,     // both are prefixes
  kLongerLiteral,    // both are regular expressions; compares what their paths begin with
  kPrefixOverRegex,  // the prefix is longer than what the paths of the expression begin with
  kRegexOverPrefix,  // it is not
  kMoreConditions,
  kFileOrder,
};

// `first` must precede `second` in Router::Matches.
Precedence ExplainPrecedence(const RouteMatch& first, const RouteMatch& second);

// Describes the second match: "a prefix is less specific than an exact path".
std::string_view ExplainLowerRank(Precedence precedence);

}  // namespace upgate::route
