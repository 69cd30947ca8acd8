#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/route/router.h"

namespace upgate::route {

// A route that does not take a request although its host, or its path, does fit.
struct NearMiss {
  const config::Route* route = nullptr;
  bool host_fits = false;
  bool path_fits = false;  // never both
};

// The routes that miss a request by one thing only: those whose path fits first, then the others,
// in file order. The router itself judges, so that no rule of matching is written down twice; takes
// its time, so not for serving.
std::vector<NearMiss> NearMisses(const std::vector<config::Route>& routes, std::string_view host,
                                 std::string_view path);

// Why a route matches, in words: "the host app.example.com is listed; the path is exactly this
// one".
std::string WhyItMatches(const RouteMatch& match);

// What puts one match before another, by the rule at the top of router.h.
enum class Precedence {
  kExactHost,       // the host is listed, not covered by a wildcard
  kLongerWildcard,  // more of the host is spelled out
  kSomeHost,        // the other one is for any host
  kExactPath,
  kLongerPrefix,
  kPrefixOverRegex,
  kFileOrder,
};

// `first` stands before `second` in Router::Matches.
Precedence WhyItGoesFirst(const RouteMatch& first, const RouteMatch& second);

// In words, about the one that is second: "a prefix is less specific than an exact path".
std::string_view WhyItIsBehind(Precedence precedence);

}  // namespace upgate::route
