#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/message.h"

namespace upgate::route {

// A request as its client sees it: behind a trusted proxy, as the forwarding headers describe it.
struct SeenAs {
  std::string_view scheme;  // "http" or "https", of static storage
  std::string host;         // lower case, no port, no brackets, no trailing root dot
  std::uint16_t port = 0;   // the scheme's default if none was given
  std::string client;  // the client's address, for logs; without a port if it came from a header
  bool by_trusted_proxy = false;  // the peer is a trusted proxy
  bool rooted = false;            // the host had a trailing root dot, and so has its origin
  std::string authority = {};     // host and port as the client wrote them, for Host-like fields
  // For logs: differences where a proxy sends both Forwarded and X-Forwarded-* and Forwarded took
  // precedence.
  std::string overruled = {};
};

// Determines how the client sees this request: its address, and the scheme, host and port that it
// used. `tls`: whether this connection uses TLS. `peer`: the other end of this connection. Only if
// `peer` is in `trusted`, Forwarded is used, then X-Forwarded-*, as described in forwarded.h;
// invalid values are ignored. A port in X-Forwarded-Host takes precedence over X-Forwarded-Port,
// and that over the port in Host. Pure.
SeenAs SeenByClient(const http::Request& request, bool tls, const SocketAddress& peer,
                    const config::TrustedProxies& trusted);

// The address in SeenAs::client; nullopt if that is not an IP address, with or without a port.
std::optional<Ip> ClientAddress(std::string_view client);
// The same as text, so that all connections of a client have the same; `client` itself if it is not
// an IP address.
std::string WithoutPort(std::string_view client);

// The origin that an Origin header is compared with: "https://app.example.com:8443", without a
// default port.
std::string OriginOf(const SeenAs& seen);

// The WebSocket URL that the client requested, as the client sees it: ws or wss, no default port,
// path and query as sent.
std::string WebSocketUrl(const SeenAs& seen, const http::Target& target);

// Whether a request is allowed, and the CORS fields of its response.
struct OriginVerdict {
  bool allowed = true;
  std::string reason;  // if refused: for the body of the 403 and the log
  // Access-Control-Allow-Origin, -Credentials, -Headers (and -Expose-Headers), in that order.
  http::Headers headers;
  bool vary = false;  // every response except a 101 needs Vary: Origin
};

// Checks a request's Origin against the route's policy (nullptr: none, so same origin only).
// Browsers do not enforce CORS for WebSocket, so the gateway does. A request without Origin is
// allowed unless `require_origin`; the same origin is allowed without CORS fields; a listed origin
// is allowed with them. If "*" is listed without credentials, every Origin that is not repeated is
// allowed. `null`, repeated and invalid origins are otherwise refused unless `null` is listed by
// name, and never get credentials. Everything else is refused with a reason that names the origin
// it was compared with. Ordinary HTTP requests are only checked if there is a `cors` block; that is
// up to the caller. `field`: the name of the header field with the origin.
OriginVerdict CheckOrigin(const http::Request& request, const SeenAs& seen,
                          const config::Cors* cors, bool require_origin,
                          std::string_view field = "Origin");

// True for a CORS-preflight request: OPTIONS with Origin and Access-Control-Request-Method.
bool IsPreflight(const http::Request& request);

// The response to a preflight (Fetch, "CORS-preflight request"): 204 with what is allowed, or 403
// with a reason. Methods are case-sensitive, headers are not; "*" in the route's lists allows
// anything, and the response repeats what was requested.
http::Response AnswerPreflight(const http::Request& request, const SeenAs& seen,
                               const config::Cors& cors);

}  // namespace upgate::route
