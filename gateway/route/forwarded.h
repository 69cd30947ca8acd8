#pragma once

#include <cstdint>
#include <string>

#include "gateway/config/config.h"
#include "gateway/http/message.h"

namespace upgate::route {

// What trusted proxies say about the client, each empty or 0 where they say nothing that can be
// read.
struct Told {
  std::string client;     // its address, or the name that a proxy gives it (RFC 7239, section 6.3)
  std::string scheme;     // "http" or "https"
  std::string authority;  // host and perhaps port, as the client wrote them
  std::uint16_t port = 0;
};

// Whether what `peer` says about its clients is believed.
bool IsTrusted(const SocketAddress& peer, const config::TrustedProxies& trusted);

// Both walk the chain by trust: every proxy appends the address that it was called from, so from
// the right each entry is believed as long as the one that wrote it is trusted. The walk ends at
// the first address that is not a trusted proxy's, at the last one, or at what is no address. Only
// for requests of a trusted peer. Time is linear in the size of the fields.

// X-Forwarded-For, -Proto, -Host and -Port. A list in one of the others that is as long as that of
// -For is read at the place where the walk ends, as the same proxy wrote both. A single value is
// what the outermost trusted proxy said, and was passed on. Of lists of any other length the last
// element counts, which the peer itself wrote: it may be of the wrong hop, but nobody has forged
// it.
Told ReadXForwarded(const http::Headers& headers, const config::TrustedProxies& trusted);

// Forwarded (RFC 7239): for, proto and host of the element where the walk ends; no `port`. What
// cannot be parsed ends the walk behind it, so that a client cannot spoil what proxies append to
// what it sent.
Told ReadForwarded(const http::Headers& headers, const config::TrustedProxies& trusted);

// The X-Forwarded-For of a trusted peer as elements of Forwarded, for those behind us who read only
// that (RFC 7239, section 7.4); `proto_and_host` is appended to the element where the walk ends.
std::string AsForwarded(const http::Headers& headers, const config::TrustedProxies& trusted,
                        const std::string& proto_and_host);

// An address as a node of Forwarded: IPv6 needs brackets, and brackets need quotes (RFC 7239,
// section 6).
std::string ForwardedNode(const std::string& address);

}  // namespace upgate::route
