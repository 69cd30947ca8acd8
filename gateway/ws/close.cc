#include "gateway/ws/close.h"

#include <algorithm>

namespace upgate::ws {
namespace {

constexpr std::size_t kMaxReason = kMaxControlPayload - 2;

// The first two bytes of a body.
std::uint16_t ReadCode(Bytes body) {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(body[0]) << 8 |
                                    std::to_integer<unsigned>(body[1]));
}

void WriteCode(std::uint16_t code, CloseFrame& frame) {
  frame.bytes[2] = static_cast<std::byte>(code >> 8);
  frame.bytes[3] = static_cast<std::byte>(code & 0xff);
}

}  // namespace

bool IsSendable(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

std::expected<Close, ProtocolError> ParseClose(Bytes payload) {
  if (payload.empty()) return Close{};
  if (payload.size() == 1) {
    return std::unexpected(ProtocolError{close_code::kProtocolError, "a close body of one byte"});
  }
  const std::uint16_t code = ReadCode(payload);
  if (!IsSendable(code)) {
    return std::unexpected(
        ProtocolError{close_code::kProtocolError, "a close code that may not be sent"});
  }
  const Bytes reason = payload.subspan(2);
  Utf8Checker utf8;
  if (!utf8.Feed(reason) || !utf8.complete()) {
    return std::unexpected(
        ProtocolError{close_code::kInvalidPayload, "a close reason that is not UTF-8"});
  }
  return Close{code, std::string(AsText(reason))};
}

CloseFrame EncodeClose(std::uint16_t code, std::string_view reason) {
  CloseFrame frame{};
  const bool has_body = IsSendable(code);
  const Bytes text = has_body ? AsBytes(CutText(reason, kMaxReason)) : Bytes{};
  const std::size_t length = has_body ? 2 + text.size() : 0;
  EncodeHeaderBefore({.opcode = Opcode::kClose, .length = length}, frame.bytes.data() + 2);
  if (has_body) {
    WriteCode(code, frame);
    std::ranges::copy(text, frame.bytes.begin() + 4);
  }
  frame.size = 2 + length;
  return frame;
}

void CorrectForClient(CloseFrame& frame, std::uint16_t client_code) {
  const Bytes body = frame.view().subspan(2);
  if (body.empty()) return;
  if (body.size() >= 2) return WriteCode(CodeForClient(ReadCode(body), client_code), frame);
  frame = EncodeClose(close_code::kInternalError, "");
}

}  // namespace upgate::ws
