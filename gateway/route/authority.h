#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upgate::route {

// The host and port of an Origin or X-Forwarded-Host.
struct Authority {
  std::string host;        // in the form that CanonicalHost returns
  std::uint16_t port = 0;  // as written, or the default; 0 if there is neither
  friend bool operator==(const Authority&, const Authority&) = default;
};

// Parses "host", "host:port" or "[v6]:port" and nothing else: no user, no path, no empty or zero
// port. Non-ASCII host names are compared byte by byte.
std::optional<Authority> ParseAuthority(std::string_view text, std::uint16_t default_port);

// 80 for http and ws, 443 for https and wss, 0 for others. `scheme` must be in lower case.
std::uint16_t DefaultPort(std::string_view scheme);

// Lower case; an IPv6 address (without brackets) in its shortest form, so that equal addresses
// compare equal.
std::string CanonicalHost(std::string_view host);

}  // namespace upgate::route
