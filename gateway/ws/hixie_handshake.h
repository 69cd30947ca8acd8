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

// The opening handshake of draft-hixie-thewebsocketprotocol-76 and -75. `dialect`, also of an
// offer, is one of these.

// Reads a request that ReadOffer has found to be one of these. The error is the whole answer, a
// 400: keys that are missing, repeated or wrong, or a subprotocol (there is at most one) that is
// repeated or no token.
std::expected<Offer, http::Response> ReadHixieOffer(const http::Request& request,
                                                    config::Dialect dialect);

http::Response AcceptHixie(const Offer& offer, const AcceptParts& parts);

// The number that a Sec-WebSocket-Key1 or -Key2 stands for: its digits, read as one number, divided
// by how many spaces it has. Nothing when it has none of either, or when the number is over 32 bits
// or does not divide.
std::optional<std::uint32_t> KeyNumber(std::string_view key);

// The 16 bytes behind the 101 of -76: MD5 of both numbers, big-endian, and the 8 bytes behind the
// request's head.
std::string KeyProof(std::uint32_t number1, std::uint32_t number2,
                     const std::array<std::byte, 8>& key3);

}  // namespace upgate::ws
