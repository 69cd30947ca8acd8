#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"
#include "gateway/route/router.h"

namespace upgate::route {

// The other ways in which servers may interpret `path`, without duplicates and without `path`
// itself. `path` is as in http::Target::path. Some servers decode %2F, some treat a backslash (%5C)
// as a slash, some merge slashes, and some remove ";parameters" from segments, before or after
// decoding; a server may do any combination of these, and all remove the resulting dot segments
// (RFC 3986, section 5.2.4). All combinations are covered, so no server's behaviour is missing.
// Case is not folded. Pure; takes time proportional to the length of the path, some 40 times at
// most.
std::vector<std::string> OtherReadings(std::string_view path);
// Those of servers, too, that do not take an encoded ';' for the beginning of parameters.
std::vector<std::string> OtherReadings(const http::Target& target);

// The text of the 400 for a path that FindRoute cannot route.
inline constexpr std::string_view kAmbiguous =
    "servers read this path in different ways, which lead to different routes";

struct Routed {
  const config::Route* route = nullptr;  // nullptr: no route
  bool ambiguous = false;  // readings lead to different routes, or only some to a route
  std::vector<const config::Route*> readings = {};  // then: where they lead
};

// The route of a request. A path with several readings is routed only if all of them lead to the
// same route: a policy for a path then holds however the server interprets it. Paths with one
// reading cost nothing extra.
Routed FindRoute(const Router& router, const Facts& facts);

}  // namespace upgate::route
