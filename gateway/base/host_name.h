#pragma once

#include <string_view>

namespace upgate {

// Names of hosts, without a port and without brackets; addresses pass through both unchanged.

// Without the dot of the root: "app.example.com." names the same host as "app.example.com" (RFC
// 1034, section 3.1). Only one dot is taken off: two are an empty label. Origins are not names:
// browsers keep the dot there, and tell the two apart.
constexpr std::string_view WithoutRootDot(std::string_view host) {
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// Whether two dots stand side by side, or one stands where a label has to be: no host has such a
// name.
constexpr bool HasEmptyLabel(std::string_view host) {
  host = WithoutRootDot(host);
  return host.empty() || host.starts_with('.') || host.ends_with('.') || host.contains("..");
}

}  // namespace upgate
