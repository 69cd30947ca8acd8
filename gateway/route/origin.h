#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/http/message.h"

namespace upgate::route {

// A request as its client sees it: behind a trusted proxy that is what the forwarded headers say.
struct SeenAs {
  std::string scheme;      // "http" or "https"
  std::string host;        // lower case, no port, no brackets, no dot of the root
  std::uint16_t port = 0;  // the scheme's default filled in
  std::string client;  // the client's address, for logs; without port when it came from a header
  bool by_trusted_proxy = false;  // the peer is one of those who are believed
  bool rooted = false;            // the host was written with the root's dot, as its origin is
  std::string authority = {};     // host and port as the client wrote them, for Host-like fields
  // For logs: what Forwarded says instead of X-Forwarded-*, where a proxy sends both and they
  // disagree.
  std::string overruled = {};
};

// Works out how the client sees this request: its address, and the scheme, host and port that it
// used. `tls`: whether this connection is TLS. `peer`: who is connected. Only where `peer` is in
// `trusted`, what Forwarded says is believed, then X-Forwarded-*, as forwarded.h reads them; values
// that cannot be read are ignored. A port in X-Forwarded-Host goes before X-Forwarded-Port, and
// that before the port in Host. Pure.
SeenAs SeenByClient(const http::Request& request, bool tls, const SocketAddress& peer,
                    const config::TrustedProxies& trusted);

// What an Origin is compared with: "https://app.example.com:8443", without a default port.
std::string OriginOf(const SeenAs& seen);

// The WebSocket URL that the client asked for, as it sees it: ws or wss, no default port, path and
// query as they were sent.
std::string WebSocketUrl(const SeenAs& seen, const http::Target& target);

// Whether a request may pass, and the CORS fields of its answer.
struct OriginVerdict {
  bool allowed = true;
  std::string reason;     // of a refusal; for the body of the 403 and the log
  http::Headers headers;  // Access-Control-Allow-Origin, -Credentials, -Headers (and
                          // -Expose-Headers), in that order
  bool vary = false;      // Vary: Origin belongs on every answer but a 101
};

// Judges the Origin of a request by the route's policy (nullptr: none, so same origin only).
// Browsers do not enforce CORS on WebSockets, so the gateway does. Rules: no Origin passes unless
// `require_origin`; the same origin passes without fields; a listed one passes with them, and where
// "*" is listed and there are no credentials everything does that stands there once; `null`,
// repeated and unparsable ones are refused elsewhere unless `null` is listed by name, and never get
// credentials; anything else is refused, with a reason that says what it was compared with.
// Ordinary HTTP requests are judged only where there is a `cors` block; that is up to the caller.
// `field`: the name of the header field that the origin is in.
OriginVerdict JudgeOrigin(const http::Request& request, const SeenAs& seen,
                          const config::Cors* cors, bool require_origin,
                          std::string_view field = "Origin");

// Whether this is a CORS-preflight request: OPTIONS with Origin and Access-Control-Request-Method.
bool IsPreflight(const http::Request& request);

// The answer to a preflight (Fetch, "CORS-preflight request"): 204 with what is allowed, or 403
// that says why not. Methods compare with case, headers without; "*" in the route's lists allows
// any, and is answered with what was asked for.
http::Response AnswerPreflight(const http::Request& request, const SeenAs& seen,
                               const config::Cors& cors);

}  // namespace upgate::route
