#pragma once

#include <string_view>
#include <vector>

#include "gateway/plugin/service.h"

namespace upgate::plugins::files {

// A content coding and the files that hold it (RFC 9110, section 8.4.1).
struct Coding {
  std::string_view name;    // "br"
  std::string_view suffix;  // ".br"
};

// The codings that the client would rather have than the bare file, the best one first; with equal
// weights the one that compresses best. None when the client says nothing (RFC 9110,
// section 12.5.3).
std::vector<const Coding*> PreferredCodings(const http::Headers& headers);

// Whether the client asks for HTML by name, as a browser does for a page. */* alone does not count:
// that is how scripts and images are fetched, and a page in their place helps nobody.
bool AsksForHtml(const http::Headers& headers);

}  // namespace upgate::plugins::files
