#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"

namespace upgate::route {

// A route that would take a request, and the pattern among its hosts by which it does.
struct RouteMatch {
  const config::Route* route = nullptr;
  const config::HostPattern* host = nullptr;  // nullptr: the route is for any host
};

// Finds the route for a request. Pure and immutable: built once from a configuration, shared by all
// loops, thread-safe.
//
// The most specific match wins: first by host (exact, then the wildcard with the longest suffix,
// then routes for any host), then by path (exact, then the longest prefix, then regular
// expressions); the order of the file breaks ties. A host with a route that matches but whose path
// does not falls back to less specific hosts.
class Router {
 public:
  // The configuration outlives the router. Regular expressions were compiled once by the parser, so
  // none is wrong here.
  explicit Router(const std::vector<config::Route>& routes);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // `host`: lower case, no port. `path`: as in http::Target::path. nullptr: no route.
  // Time is bounded by the length of the path, the number of prefixes of it, and the regular
  // expressions tried.
  const config::Route* Find(std::string_view host, std::string_view path) const;

  // Every route that would take such a request if those before it were not there; the first is the
  // one that Find answers. For explanations, not for serving: it looks at everything.
  std::vector<RouteMatch> Matches(std::string_view host, std::string_view path) const;

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

}  // namespace upgate::route
