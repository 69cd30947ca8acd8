#pragma once

#include <string>

#include "gateway/config/config.h"
#include "gateway/http/client_connection.h"
#include "gateway/http/message.h"
#include "gateway/route/origin.h"
#include "gateway/upgrade/rewriter.h"

namespace upgate::upgrade {

// The request head to send to an HTTP or WebSocket server (RFC 9110, section 7.6): without
// hop-by-hop fields and those that Connection names, with Host as the route says, and, unless
// `forwarded` is off, with Via and the client's identity in X-Forwarded-For, -Proto, -Host and
// Forwarded. Such fields (http::IsProxyField) from the client itself are dropped. From a trusted
// proxy, chains of addresses are kept and ours is appended; the other fields say how the client
// sees the request (X-Forwarded-Port only if the proxy sent one).
//
// `trusted`: the trusted proxies of the listener. `fields`: those of the request, or a replacement
// for them. `rewritten`: what the route changes; nullptr: nothing. The target is otherwise the path
// without dot segments, and the query, with their original percent-encoding.
http::OutgoingRequest ToServer(const http::Request& request, const http::Headers& fields,
                               const config::Route& route, const config::Server& server,
                               const route::SeenAs& seen, const config::TrustedProxies& trusted,
                               const SocketAddress& peer, const Rewritten* rewritten = nullptr);

// The response head to send to the client: without hop-by-hop fields, without the server's own CORS
// fields if the route has a policy, and rewritten as the route says.
http::Response ToClient(http::Response answer, const config::Route& route);

}  // namespace upgate::upgrade
