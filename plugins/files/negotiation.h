#pragma once

#include <string_view>
#include <vector>

#include "gateway/plugin/service.h"

namespace upgate::plugins::files {

// A content coding and the suffix of its files (RFC 9110, section 8.4.1).
struct Coding {
  std::string_view name;    // "br"
  std::string_view suffix;  // ".br"
};

// The codings that the client prefers to the unencoded file, best first; for equal weights, the one
// with the best compression. Empty without Accept-Encoding (RFC 9110, section 12.5.3).
std::vector<const Coding*> PreferredCodings(const http::Headers& headers);

}  // namespace upgate::plugins::files
