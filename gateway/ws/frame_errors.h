#pragma once

#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// The rules of RFC 6455, section 5.2, that both hold to who decodes frames and who only walks over them.
inline constexpr ProtocolError kNotMasked{close_code::kProtocolError,
                                          "a frame from a client that is not masked"};
inline constexpr ProtocolError kMasked{close_code::kProtocolError,
                                       "a frame from a server that is masked"};
inline constexpr ProtocolError kLongControl{close_code::kProtocolError,
                                            "a control frame of more than 125 bytes"};
inline constexpr ProtocolError kTopBit{close_code::kProtocolError,
                                       "a frame length with its top bit set"};
inline constexpr ProtocolError kTooBig{close_code::kMessageTooBig, "the message is too big"};

}  // namespace upgate::ws
