#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/ws/handshake.h"

namespace upgate::ws {

// The opening handshake of draft-hixie-thewebsocketprotocol-76 and -75. `dialect`, and that of an
// offer, is one of these.

// Parses a request that ReadOffer has recognized as one of these. The error is the complete
// response, a 400: keys that are missing, repeated or invalid, or a subprotocol (at most one) that
// is repeated or not a token.
std::expected<Offer, http::Response> ReadHixieOffer(const http::Request& request,
                                                    config::Dialect dialect);

http::Response AcceptHixie(const Offer& offer, const AcceptParts& parts);

// The number encoded in Sec-WebSocket-Key1 or -Key2: its digits, read as one number, divided by the
// number of its spaces. Returns nullopt if it has no digits or no spaces, or if the number exceeds
// 32 bits or is not divisible.
std::optional<std::uint32_t> KeyNumber(std::string_view key);

// The 16 bytes behind the 101 of -76: MD5 of both numbers, big-endian, and the 8 bytes behind the
// request head.
std::string KeyProof(std::uint32_t number1, std::uint32_t number2,
                     const std::array<std::byte, 8>& key3);

}  // namespace upgate::ws
