#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/route/matcher.h"

namespace upgate::route {

// A route that matches a request, and the host pattern by which it matches.
struct RouteMatch {
  const config::Route* route = nullptr;
  const config::HostPattern* host = nullptr;  // nullptr: the route is for any host
};

// Finds the route for a request. Pure and immutable: built once from a configuration and shared by
// all loops; thread-safe.
//
// The most specific match wins: first by host (exact, then the wildcard with the longest suffix,
// then routes for any host), then by path, then by the number of conditions in `match`; file order
// breaks ties. Of paths, an exact one goes first; then the one with the longest text: a prefix
// counts with its text, a regular expression with the text that all its paths begin with. Of equal
// lengths, a regular expression goes before a prefix. If no route for a host matches the path and
// the conditions, less specific hosts are tried.
class Router {
 public:
  // The configuration must outlive the router. The parser has already compiled all regular
  // expressions, so they are valid here.
  explicit Router(const std::vector<config::Route>& routes);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // `host`: lower case, no port, no root dot. `path`: as in http::Target::path. nullptr: no route.
  // Time does not grow with the number of exact paths, prefixes and hosts. It is bounded by the
  // length of the path, the number of different lengths of prefixes, and the regular expressions
  // and conditions tried.
  const config::Route* Find(std::string_view host, std::string_view path, const Facts& facts) const;
  // The same for a request of which nothing else is known: routes with conditions do not match.
  const config::Route* Find(std::string_view host, std::string_view path) const;

  // For a request without a route: the methods with which it would have one, for Allow, in order of
  // precedence; empty if there are none.
  std::vector<std::string_view> OtherMethods(std::string_view host, std::string_view path,
                                             const Facts& facts) const;

  // Every route that matches by host and path, whatever its conditions, in order of precedence: the
  // first whose conditions hold is the result of Find. For explanations, not for the data path: it
  // checks all routes.
  std::vector<RouteMatch> Matches(std::string_view host, std::string_view path) const;

  // The conditions of a route; nullptr if it has none.
  const Matcher* matcher(const config::Route& route) const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace upgate::route
