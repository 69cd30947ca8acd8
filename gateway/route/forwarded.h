#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/config/config.h"
#include "gateway/http/message.h"

namespace upgate::route {

// The client of a request whose proxies hide its address, or say what is none (RFC 7239, section
// 6.2): not the proxy, whom policies let in.
inline constexpr std::string_view kUnknownClient = "unknown";

// What trusted proxies report about the client; a field is empty or 0 if nothing valid is reported.
struct Told {
  // Its address, an obfuscated identifier (RFC 7239, section 6.3), or kUnknownClient.
  std::string client;
  std::string_view scheme;  // "http" or "https", of static storage
  std::string authority;    // host and optional port, as the client wrote them
  std::uint16_t port = 0;
};

// True if forwarding headers sent by `peer` are trusted.
bool IsTrusted(const SocketAddress& peer, const config::TrustedProxies& trusted);

// Both functions follow the chain of proxies: every proxy appends the address of its peer, so from
// the right each entry is trusted as long as its writer is. The walk ends at the first address that
// is not a trusted proxy, at the last entry, or at an entry that is not an address: the client is
// unknown then. Empty elements are ignored (RFC 9110, section 5.6.1.2). Only for requests from a
// trusted peer. Time is linear in the size of the fields.

// Reads X-Forwarded-For, -Proto, -Host and -Port. If a list in one of the other fields is as long
// as that of -For, the element where the walk ends is used, because the same proxy wrote both. A
// single value is what the outermost trusted proxy reported, passed on by the others. Of a list of
// any other length the last element is used, which the peer itself wrote: it may belong to the
// wrong hop, but is not forged.
Told ReadXForwarded(const http::Headers& headers, const config::TrustedProxies& trusted);

// Reads Forwarded (RFC 7239): for, proto and host of the element where the walk ends; no `port`. An
// element that cannot be parsed ends the walk, so that a client cannot invalidate what proxies
// append to its field.
Told ReadForwarded(const http::Headers& headers, const config::TrustedProxies& trusted);

// Converts the X-Forwarded-For of a trusted peer to Forwarded elements, for servers that read only
// Forwarded (RFC 7239, section 7.4); `proto_and_host` is appended to the element where the walk
// ends.
std::string AsForwarded(const http::Headers& headers, const config::TrustedProxies& trusted,
                        const std::string& proto_and_host);

// Formats an address as a Forwarded node: IPv6 needs brackets, and brackets need quotes (RFC 7239,
// section 6).
std::string ForwardedNode(const std::string& address);

}  // namespace upgate::route
