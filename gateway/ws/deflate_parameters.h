#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/ws/extensions.h"

namespace upgate::ws {

inline constexpr std::string_view kPermessageDeflate = "permessage-deflate";

// Negotiated or requested parameters of a permessage-deflate connection (RFC 7692, section 7.1).
struct DeflateParameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 15;  // 8 to 15
  std::uint8_t client_max_window_bits = 15;  // 8 to 15
  bool operator==(const DeflateParameters&) const = default;
};

// Server side: accepts the first acceptable offer. `wanted` is what the server requests in addition
// to the client's offer: smaller windows and no context takeover. Offers with unknown, repeated or
// invalid parameters are declined (section 5.1). The client's window can only be reduced if its
// offer has client_max_window_bits.
struct DeflateAgreement {
  DeflateParameters parameters;
  std::string answer;  // the value of Sec-WebSocket-Extensions in the 101
};
std::optional<DeflateAgreement> AgreeOnDeflate(std::span<const Extension> offers,
                                               const DeflateParameters& wanted);

// Client side: the offer, which lets the server limit the client's window and requests what
// `wanted` has.
std::string DeflateOffer(const DeflateParameters& wanted);
// Checks a server's response to DeflateOffer(wanted). Returns nullopt if it breaks a rule or
// contains something that was not offered: the connection must then fail (section 7.1).
std::optional<DeflateParameters> ReadDeflateAnswer(const Extension& answer,
                                                   const DeflateParameters& wanted);

}  // namespace upgate::ws
