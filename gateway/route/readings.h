#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"
#include "gateway/route/router.h"

namespace upgate::route {

// What servers may take `path` for beside itself; none of them is `path`, none comes twice. `path`
// is as in http::Target::path. Some servers decode %2F, some take a backslash (%5C) for a slash,
// some fold slashes, and some drop ";parameters" from segments, before or after that; each does
// some of these things, and all remove the dot segments that come of it (RFC 3986, section 5.2.4).
// Every combination is here, so that a new server has none that is missing. Case is not folded.
// Pure; takes time in proportion to the length of the path, some 20 times at most.
std::vector<std::string> OtherReadings(std::string_view path);

// What the 400 to a path says that FindRoute cannot route.
inline constexpr std::string_view kAmbiguous =
    "servers read this path in different ways, which lead to different routes";

struct Routed {
  const config::Route* route = nullptr;  // nullptr: none
  bool ambiguous = false;                // readings lead to several routes, or to one and to none
};

// The route of a request to `host` (as SeenAs::host). A path that can be read in several ways is
// routed only if all of them lead to the same route: a policy that is tied to a path then holds
// however the server behind it reads. Costs nothing for paths that can be read in one way.
Routed FindRoute(const Router& router, std::string_view host, const http::Target& target);

}  // namespace upgate::route
