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

// The client's part of an opening handshake (RFC 6455, section 4.2.1, or a draft's), validated.
struct Offer {
  std::string key;  // Sec-WebSocket-Key as sent; empty in dialects without it
  // In the client's order, unvalidated: they may repeat and need not be tokens.
  std::vector<std::string> subprotocols;
  config::Dialect dialect = config::Dialect::kRfc6455;
  std::string origin = {};  // for dialects that echo it in the 101; empty: not sent
  std::string proof = {};   // bytes that follow the head of the 101; usually none
  std::string accept = {};  // AcceptKey(key), where somebody has computed it; else empty
};

// Who responds to the handshake and therefore validates its key.
enum class Answerer : std::uint8_t { kGateway, kServer };

// Parses the handshake of a request to a WebSocket resource, in one of the `spoken` dialects. The
// error is the complete response: 405 with Allow for a method other than GET; 426 with Upgrade if
// the request is not a WebSocket upgrade or is HTTP/1.0; 426 with Sec-WebSocket-Version (400 if no
// spoken dialect has a version number) for another version; 400 for a missing or repeated key, an
// invalid key unless the server validates it, or a request body.
std::expected<Offer, http::Response> ReadOffer(
    const http::Request& request, config::DialectSet spoken = {config::Dialect::kRfc6455},
    Answerer answerer = Answerer::kGateway);

// True if a request with an upgrade, on a route that also serves ordinary HTTP, is a WebSocket
// handshake: a GET with the fields that only WebSocket clients of some dialect send, valid or not.
// Proxies add Upgrade to all kinds of requests, but scripts in a browser cannot set any of these
// fields. hixie75 has no field of its own, only a fixed spelling; it counts if it is `spoken`.
bool IsHandshake(const http::Request& request, config::DialectSet spoken);

// The name of the field with this handshake's origin: Origin, or Sec-WebSocket-Origin if a hybi-08
// client sent that.
std::string_view OriginField(const http::Request& request);
// The value of that field; empty if it is missing.
std::string_view OriginSent(const http::Request& request);

// Converts a client's handshake fields, before they are sent to a WebSocket server, to those of RFC
// 6455, whatever dialect the client speaks. `offer.key` must be set.
void MakeRfc6455(const Offer& offer, http::Headers& fields);

// Replaces the subprotocols in `fields` by those of `offer`, unless it has none.
void SetSubprotocols(const Offer& offer, http::Headers& fields);

// The extensions offered to a server: those of an RFC 6455 client; those of draft clients are not
// forwarded.
std::string OfferedExtensions(const http::Request& request, const Offer& offer);

// A Sec-WebSocket-Key for the gateway's own handshake: base64 of 16 random bytes (RFC 6455, section
// 4.1).
std::string MakeKey(io::Entropy& entropy);

// Sec-WebSocket-Accept for a key (RFC 6455, section 4.2.2): base64 of the SHA-1 of the key and the
// fixed GUID.
std::string AcceptKey(std::string_view key);

// The first of the client's subprotocols that is in `served`; nullopt if there is none. The caller
// decides what that means.
std::optional<std::string> ChooseSubprotocol(const Offer& offer,
                                             std::span<const std::string> served);

// The parts of a 101. Accept writes its fields in this fixed order: Date, Connection, Server,
// Upgrade, Access-Control-Allow-Origin, Access-Control-Allow-Credentials, Sec-WebSocket-Accept,
// Sec-WebSocket-Protocol, Sec-WebSocket-Extensions, then the other CORS fields. For -76 and -75 the
// order of the drafts' examples.
struct AcceptParts {
  std::string date;         // an HTTP-date
  std::string server;       // empty: no Server field
  std::string subprotocol;  // empty: none
  std::span<const http::Header> cors;
  // The ws or wss URL that the client requested, for dialects that echo it.
  std::string location = {};
  std::string extensions = {};  // negotiated extensions; empty: none
};
// True if the field belongs to the handshake itself, rather than to what a server may add to its
// 101.
bool IsHandshakeField(std::string_view name);
http::Response Accept(const Offer& offer, const AcceptParts& parts);

}  // namespace upgate::ws
