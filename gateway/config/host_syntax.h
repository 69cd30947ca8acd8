#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/scalar.h"

namespace upgate::config {

// For a URL with something before '@', which may be a secret.
inline Refusal HasUserInfo() {
  return {"has a user name or password in it", "leave out what is before '@'", true};
}

// The error in a host, if any: a name, or an IPv4 or IPv6 address without brackets.
std::optional<Refusal> HostMistake(std::string_view host);

// Parses "host:port" or "[v6]:port". A missing port defaults to `default_port`, or is refused if
// that is nullopt.
Reading<HostPort> ReadHostPort(std::string_view text, std::optional<std::uint16_t> default_port);

// Lower case; an IPv6 address in its shortest form, so that equal hosts compare equal.
std::string CanonicalHost(std::string_view host);

}  // namespace upgate::config
