#pragma once

#include <string>
#include <string_view>

namespace upgate {

// For host names without a port and without brackets; addresses pass through both functions
// unchanged.

// Removes the trailing root dot: "app.example.com." names the same host as "app.example.com" (RFC
// 1034, section 3.1). Only one dot is removed: two would be an empty label. Not for origins:
// browsers keep the dot there and treat the two as different.
constexpr std::string_view WithoutRootDot(std::string_view host) {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// True if the name has two consecutive dots, or a dot at the start or end (other than the root
// dot): not a valid host name.
constexpr bool HasEmptyLabel(std::string_view host) {
  host = WithoutRootDot(host);
  return host.empty() || host.starts_with('.') || host.ends_with('.') || host.contains("..");
}

// As URLs and Host fields have it: an IPv6 address stands in brackets (RFC 3986, section 3.2.2).
inline std::string HostInUrl(std::string_view host) {
  std::string written(host);
  return host.contains(':') ? "[" + written + "]" : written;
}

}  // namespace upgate
