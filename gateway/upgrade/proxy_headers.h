#pragma once

#include <string>

#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/http/message.h"
#include "gateway/route/origin.h"

namespace upgate::upgrade {

// The head that goes on to an HTTP or WebSocket server (RFC 9110, section 7.6): without hop-by-hop
// fields and what Connection names, with Host as the route says, and, unless the route says no,
// with Via and who the client is in X-Forwarded-For, -Proto, -Host and Forwarded. What a client
// claims in these itself, or in others by which proxies speak of clients (http::IsProxyField), is
// dropped, unless it is a trusted proxy: then ours is appended to the chains of addresses, and the
// others say how the client sees the request (X-Forwarded-Port only where the proxy sent one).
// `trusted`: those of the listener. The
// target is the path without dot segments and the query, both encoded as they came. `fields`: those
// of the request, or what takes their place.
http::OutgoingRequest ToServer(const http::Request& request, const http::Headers& fields,
                               const config::Route& route, const config::Server& server,
                               const route::SeenAs& seen, const config::TrustedProxies& trusted,
                               const SocketAddress& peer);

// The head that goes back to the client: without hop-by-hop fields, without the server's own CORS
// fields where the route has a policy, and rewritten as the route says.
http::Response ToClient(http::Response answer, const config::Route& route);

}  // namespace upgate::upgrade
