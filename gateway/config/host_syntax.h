#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/scalar.h"

namespace upgate::config {

// What is wrong with a host: a name, or an IPv4 or IPv6 address without brackets.
std::optional<Refusal> FaultOfHost(std::string_view host);

// "host:port" or "[v6]:port". A missing port takes `default_port`, or is refused where there is
// none.
Reading<HostPort> ReadHostPort(std::string_view text, std::optional<std::uint16_t> default_port);

// Lower case; an IPv6 address in its shortest form, so that two ways to write one host are equal.
std::string CanonicalHost(std::string_view host);

}  // namespace upgate::config
