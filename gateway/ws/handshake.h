#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/dialect.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"

namespace upgate::ws {

// The client's side of an opening handshake (RFC 6455, section 4.2.1, or a draft's), checked.
struct Offer {
  std::string key;  // Sec-WebSocket-Key as sent; empty in dialects that have none
  // In the client's order, as text: they may repeat and need not be tokens.
  std::vector<std::string> subprotocols;
  config::Dialect dialect = config::Dialect::kRfc6455;
  std::string origin = {};  // for dialects whose 101 repeats it; empty: none was sent
  std::string proof = {};   // what stands behind the head of the 101; mostly nothing
};

// Who answers a handshake, and so judges its key.
enum class Answerer : std::uint8_t { kGateway, kServer };

// Reads the handshake of a request to a WebSocket resource, in one of the dialects that are
// `spoken`. The error is the whole answer: 405 with Allow for another method than GET, 426 with
// Upgrade for a request that is no WebSocket upgrade or is HTTP/1.0, 426 with Sec-WebSocket-Version
// (400 where no spoken dialect has a number) for another version, 400 for a missing or repeated
// key, a wrong one unless a server is to judge it, or a request body.
std::expected<Offer, http::Response> ReadOffer(
    const http::Request& request, config::DialectSet spoken = {config::Dialect::kRfc6455},
    Answerer answerer = Answerer::kGateway);

// Whether a request that asks for WebSocket where there is ordinary HTTP, too, means it: a GET with
// the fields that only a WebSocket client of some dialect sends, right or wrong. Proxies add
// Upgrade to requests of every kind, and a browser's page cannot add any of these. hixie75 has no
// field of its own, but fixed letters; it counts where it is `spoken`.
bool IsHandshake(const http::Request& request, config::DialectSet spoken);

// The name of the field that holds the origin of this handshake: Origin, or Sec-WebSocket-Origin
// for a client of hybi-08 that sent it.
std::string_view OriginField(const http::Request& request);
// Its value; empty where there is none.
std::string_view OriginSent(const http::Request& request);

// Makes the fields of a client's handshake, on their way to a WebSocket server, those of RFC 6455,
// whatever dialect the client speaks. `offer.key` is there.
void MakeRfc6455(const Offer& offer, http::Headers& fields);

// Offers the subprotocols of `offer` in place of those in `fields`, which stay where it has none.
void SetSubprotocols(const Offer& offer, http::Headers& fields);

// The extensions that a server may choose from: those that the client offered with RFC 6455; those
// of drafts are not passed on.
std::string OfferedExtensions(const http::Request& request, const Offer& offer);

// A Sec-WebSocket-Key for a handshake of our own: base64 of 16 random bytes (RFC 6455,
// section 4.1).
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
// Sec-WebSocket-Protocol, Sec-WebSocket-Extensions, then the other CORS fields. For -76 and -75 in
// the order of the drafts' examples.
struct AcceptParts {
  std::string date;         // an HTTP date
  std::string server;       // empty: no Server field
  std::string subprotocol;  // empty: none
  std::span<const http::Header> cors;
  std::string location =
      {};  // the URL that the client asked for, ws or wss, for dialects that repeat it
  std::string extensions = {};  // what was agreed on; empty: none
};
// Whether the field belongs to a handshake alone, and not to what else a server may say in its 101.
bool IsHandshakeField(std::string_view name);
http::Response Accept(const Offer& offer, const AcceptParts& parts);

}  // namespace upgate::ws
