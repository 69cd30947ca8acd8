#pragma once

#include <string_view>
#include <vector>

#include "gateway/config/config.h"

namespace upgate::route {

// Whether a resolver's answer may be connected to, by the `allow` of its route. Pure.

// True if a unix socket is listed, or directly in a folder that is. `path` is plain (see
// config::IsPlainPath).
bool MayConnect(const std::vector<config::TargetPattern>& allow, std::string_view path);

// The addresses, out of those that the host of `target` was looked up to, that are allowed: in a
// block that is listed for the port, or any of a host that is listed by name. Of a name that is
// listed, addresses that are never meant are not allowed by that: loopback (but for localhost),
// unspecified, link-local and multicast ones, so that whoever answers for the name cannot lead to
// the gateway's own machine or its cloud's metadata; a listed block allows these, too.
std::vector<Ip> AllowedAddresses(const std::vector<config::TargetPattern>& allow,
                                 const HostPort& target, const std::vector<Ip>& addresses);

}  // namespace upgate::route
