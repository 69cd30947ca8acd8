#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"
#include "gateway/io/network.h"

namespace upgate::ws {

// The client's side of an opening handshake (RFC 6455, section 4.2.1), checked.
struct Offer {
  std::string key;                        // Sec-WebSocket-Key as sent
  std::vector<std::string> subprotocols;  // in the client's order
};

// Reads the handshake of a request to a WebSocket resource. The error is the whole answer: 405 with
// Allow for another method than GET, 426 with Upgrade for a request that is no WebSocket upgrade or
// is HTTP/1.0, 426 with Sec-WebSocket-Version for another version, 400 for a wrong, missing or
// repeated key, a wrong or repeated subprotocol (a token, each once), or a request body.
std::expected<Offer, http::Response> ReadOffer(const http::Request& request);

// A Sec-WebSocket-Key for a handshake of our own: base64 of 16 random bytes (RFC 6455, section 4.1).
std::string MakeKey(io::Entropy& entropy);

// Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2): base64 of the SHA-1 of the key and the
// fixed GUID.
std::string AcceptKey(std::string_view key);

// The first of the client's subprotocols that `served` lists. Nothing in common: nullopt; the
// caller decides what that means.
std::optional<std::string> ChooseSubprotocol(const Offer& offer,
                                             std::span<const std::string> served);

// The 101, with its fields in the order that this product is known by: Date, Connection, Server,
// Upgrade, Access-Control-Allow-Origin, Access-Control-Allow-Credentials, Sec-WebSocket-Accept,
// Sec-WebSocket-Protocol, then the other CORS fields.
struct AcceptParts {
  std::string date;         // an HTTP date
  std::string server;       // empty: no Server field
  std::string subprotocol;  // empty: none
  std::span<const http::Header> cors;
};
http::Response Accept(const Offer& offer, const AcceptParts& parts);

}  // namespace upgate::ws
