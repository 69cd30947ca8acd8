#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/ws/extensions.h"

namespace upgate::ws {

inline constexpr std::string_view kPermessageDeflate = "permessage-deflate";

// What the two ends of a permessage-deflate connection agreed on, or what one of them wants (RFC
// 7692, section 7.1).
struct DeflateParameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 15;  // 8 to 15
  std::uint8_t client_max_window_bits = 15;  // 8 to 15
  bool operator==(const DeflateParameters&) const = default;
};

// As a server: takes the first acceptable offer. `wanted` is what we ask for on top of what the
// client does: smaller windows and no takeover. Offers with unknown, repeated or ill-valued
// parameters are passed over (section 5.1). A window that we would like smaller can be had only
// from a client that says it can do it.
struct DeflateAgreement {
  DeflateParameters parameters;
  std::string answer;  // the value of our Sec-WebSocket-Extensions
};
std::optional<DeflateAgreement> AgreeOnDeflate(std::span<const Extension> offers,
                                               const DeflateParameters& wanted);

// As a client: the offer, which allows the server to limit our window and asks for what `wanted`
// has.
std::string DeflateOffer(const DeflateParameters& wanted);
// Checks a server's answer to DeflateOffer(wanted). Nothing when it breaks a rule, or names what
// was not offered: the connection fails then (section 7.1).
std::optional<DeflateParameters> ReadDeflateAnswer(const Extension& answer,
                                                   const DeflateParameters& wanted);

}  // namespace upgate::ws
