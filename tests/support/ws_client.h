#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upgate::test {

// An independent implementation of RFC 6455, section 5.2, and of HTTP/1.1 heads, to check the
// gateway's against. Deliberately shares no code with gateway/.

enum Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

// The encoding of the length: the shortest, or a longer one.
enum class LengthForm : std::uint8_t { kShortest, k16, k64 };

struct FrameOptions {
  bool fin = true;
  std::uint8_t rsv = 0;  // RSV1 = 4, RSV2 = 2, RSV3 = 1
  std::optional<std::array<std::uint8_t, 4>> mask =
      std::array<std::uint8_t, 4>{0x37, 0xfa, 0x21, 0x3d};
  LengthForm length_form = LengthForm::kShortest;
  std::optional<std::uint64_t> claimed_length = std::nullopt;  // overrides the payload's length
};

// Encodes one frame, with the defaults of a client.
std::string Frame(std::uint8_t opcode, std::string_view payload, const FrameOptions& options = {});

inline std::string TextFrame(std::string_view payload) {
  return Frame(kText, payload);
}
inline std::string BinaryFrame(std::string_view payload) {
  return Frame(kBinary, payload);
}
inline std::string PingFrame(std::string_view payload = {}) {
  return Frame(kPing, payload);
}
inline std::string PongFrame(std::string_view payload = {}) {
  return Frame(kPong, payload);
}
// The body of a Close: the code in network byte order and the reason.
std::string CloseBody(std::uint16_t code, std::string_view reason = {});
inline std::string CloseFrame(std::uint16_t code, std::string_view reason = {}) {
  return Frame(kClose, CloseBody(code, reason));
}
// A message split into frames of at most `piece` bytes of payload.
std::string Fragmented(std::uint8_t opcode, std::string_view payload, std::size_t piece);

// A frame as sent by a server: unmasked.
std::string ServerFrame(std::uint8_t opcode, std::string_view payload, bool fin = true);

struct ParsedFrame {
  std::uint8_t opcode = 0;
  bool fin = true;
  std::uint8_t rsv = 0;
  bool masked = false;
  std::string payload;  // unmasked

  // The code of a Close frame; nothing if its body is empty.
  std::optional<std::uint16_t> close_code() const;
  std::string close_reason() const;
  friend bool operator==(const ParsedFrame&, const ParsedFrame&) = default;
};

// Takes all complete frames off the front of `bytes`. A frame with an invalid length (not in its
// shortest form, or too large) ends the list with opcode 255 and the reason as payload; `bytes`
// then starts at this frame.
std::vector<ParsedFrame> TakeFrames(std::string& bytes);
inline constexpr std::uint8_t kMalformed = 255;

// The messages in a list of frames: fragments are joined, control frames dropped.
std::vector<std::pair<std::uint8_t, std::string>> Messages(const std::vector<ParsedFrame>& frames);

struct ResponseHead {
  std::string version;  // "HTTP/1.1"
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;  // as sent, in order

  // The value of the header with this name (case-insensitive); nothing if it is missing or
  // repeated.
  std::optional<std::string> Get(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
};

// Takes one response head off the front of `bytes`; nothing (and `bytes` unchanged) if it is
// incomplete or malformed: every line must end with CR LF.
std::optional<ResponseHead> TakeResponseHead(std::string& bytes);

// Takes the body of `head` off the front of `bytes`: by Content-Length or chunked. Nothing if it is
// incomplete, malformed, or delimited by the end of the connection.
std::optional<std::string> TakeBody(const ResponseHead& head, std::string& bytes);

// An HTTP/1.1 WebSocket request with the key "dGhlIHNhbXBsZSBub25jZQ==", whose response must
// contain "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=". `extra` are complete lines, each with its CR LF.
std::string UpgradeRequest(std::string_view target, std::string_view host = "gateway.test",
                           std::string_view extra = {});
inline constexpr std::string_view kSampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

}  // namespace upgate::test
