#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"

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
// then routes for any host), then by path (exact, then the longest prefix, then regular
// expressions); file order breaks ties. If the routes for a host do not match the path, less
// specific hosts are tried.
class Router {
 public:
  // The configuration must outlive the router. The parser has already compiled all regular
  // expressions, so they are valid here.
  explicit Router(const std::vector<config::Route>& routes);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // `host`: lower case, no port. `path`: as in http::Target::path. nullptr: no route. Time is
  // bounded by the length of the path, the number of its prefixes, and the regular expressions
  // tried.
  const config::Route* Find(std::string_view host, std::string_view path) const;

  // Every route that matches such a request, in order of precedence; the first is the result of
  // Find. For explanations, not for the data path: it checks all routes.
  std::vector<RouteMatch> Matches(std::string_view host, std::string_view path) const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace upgate::route
