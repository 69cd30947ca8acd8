#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/ws/frame.h"

namespace upgate::ws {

// RFC 6455, section 7.4.1, and the IANA registry.
namespace close_code {
inline constexpr std::uint16_t kNormal = 1000;
inline constexpr std::uint16_t kGoingAway = 1001;
inline constexpr std::uint16_t kProtocolError = 1002;
inline constexpr std::uint16_t kUnsupportedData = 1003;
inline constexpr std::uint16_t kNoStatus = 1005;  // never sent
inline constexpr std::uint16_t kAbnormal = 1006;  // never sent
inline constexpr std::uint16_t kInvalidPayload = 1007;
inline constexpr std::uint16_t kPolicyViolation = 1008;
inline constexpr std::uint16_t kMessageTooBig = 1009;
inline constexpr std::uint16_t kInternalError = 1011;
inline constexpr std::uint16_t kServiceRestart = 1012;
inline constexpr std::uint16_t kTryAgainLater = 1013;
inline constexpr std::uint16_t kBadGateway = 1014;
}  // namespace close_code

// True if an endpoint may send this code: 1000-1003, 1007-1014, 3000-4999.
bool IsSendable(std::uint16_t code);
// As IsSendable, but without 1014, which Chromium and others take for a fault.
inline bool IsForClients(std::uint16_t code) {
  return IsSendable(code) && code != close_code::kBadGateway;
}

struct Close {
  std::uint16_t code = close_code::kNoStatus;  // kNoStatus for an empty body
  std::string reason;
};

// Parses the body of a Close frame. Errors: 1002 for a body of one byte or a code that may not be
// sent, 1007 for a reason that is not UTF-8.
std::expected<Close, ProtocolError> ParseClose(Bytes payload);

// A Close frame whose header has two bytes.
struct CloseFrame {
  std::array<std::byte, 2 + kMaxControlPayload> bytes;
  std::size_t size = 2;  // of the frame
  Bytes view() const { return Bytes(bytes).first(size); }
};
// Unmasked. For kNoStatus and every other code that may not be sent the body is empty. `reason`
// must be UTF-8; it is truncated to 123 bytes at a code-point boundary.
CloseFrame EncodeClose(std::uint16_t code, std::string_view reason);

// The code that a client gets for `code` in a server's Close: 1011 if clients take it for a fault
// (see IsForClients), else the same. 1014 stays if the client used it itself; `client_code` is the
// code of the client's Close, or 0.
inline std::uint16_t CodeForClient(std::uint16_t code, std::uint16_t client_code) {
  if (code == close_code::kBadGateway && code == client_code) return code;
  return IsForClients(code) ? code : close_code::kInternalError;
}
// Applies CodeForClient to a server's Close. A body of one byte becomes 1011; everything else stays
// as it came.
void CorrectForClient(CloseFrame& frame, std::uint16_t client_code);

}  // namespace upgate::ws
