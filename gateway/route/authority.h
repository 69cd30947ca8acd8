#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upgate::route {

// The host and port of an Origin or of X-Forwarded-Host.
struct Authority {
  std::string host;        // as CanonicalHost makes it
  std::uint16_t port = 0;  // as written, or the default; 0 where there is neither
  friend bool operator==(const Authority&, const Authority&) = default;
};

// Parses "host", "host:port" or "[v6]:port" and nothing else: no user, no path, no empty or zero
// port. International names are compared as the octets they came in.
std::optional<Authority> ParseAuthority(std::string_view text, std::uint16_t default_port);

// 80 for http and ws, 443 for https and wss, 0 for others. `scheme` is in lower case.
std::uint16_t DefaultPort(std::string_view scheme);

// Lower case; an IPv6 address (no brackets) in its shortest form, so that two ways to write one
// address are equal.
std::string CanonicalHost(std::string_view host);

}  // namespace upgate::route
