#pragma once

#include "gateway/ws/close.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// Violations of RFC 6455, sections 5.2 and 8.1, that are detected by more than one class: the frame
// decoder, the frame walker and the inflating code.
inline constexpr ProtocolError kNotMasked{close_code::kProtocolError,
                                          "a frame from a client that is not masked"};
inline constexpr ProtocolError kMasked{close_code::kProtocolError,
                                       "a frame from a server that is masked"};
inline constexpr ProtocolError kLongControl{close_code::kProtocolError,
                                            "a control frame of more than 125 bytes"};
inline constexpr ProtocolError kTopBit{close_code::kProtocolError,
                                       "a frame length with its top bit set"};
inline constexpr ProtocolError kNotUtf8{close_code::kInvalidPayload,
                                        "a text message that is not UTF-8"};
inline constexpr ProtocolError kCutUtf8{close_code::kInvalidPayload,
                                        "a text message that ends inside a character"};
inline constexpr ProtocolError kTooBig{close_code::kMessageTooBig, "the message is too big"};

}  // namespace upgate::ws
