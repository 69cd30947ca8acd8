#pragma once

#include <string_view>

#include "gateway/http/message.h"

namespace upgate::http {

// An element of a list in which clients weigh what they want (RFC 9110, section 12.4.2):
// "gzip;q=0.5", "text/html;level=1;q=0.7".
struct Weighted {
  static constexpr int kFull = 1000;

  std::string_view name;
  int weight = kFull;  // in thousandths; 0: not acceptable, or the weight is malformed
};
Weighted ReadWeighted(std::string_view item);

// True if the client accepts HTML by name, as browsers do for a page. */* alone does not count:
// scripts and images are requested with it, and a page would be useless to them.
bool AsksForHtml(const Headers& headers);

}  // namespace upgate::http
