#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/ws/utf8.h"

namespace upgate::ws {

// RFC 6455, section 5.2.
enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10
};

constexpr bool IsControl(Opcode opcode) {
  return (static_cast<unsigned>(opcode) & 8) != 0;
}

// The decoder's side: a server reads masked frames from clients, a client reads unmasked frames
// from servers.
enum class Role : std::uint8_t { kServer, kClient };

// Extensions negotiated for the connection.
enum class Extensions : std::uint8_t { kNone, kDeflate };

// A broken rule: the code and reason of the Close that answers it. `reason` is static.
struct ProtocolError {
  std::uint16_t close_code;
  std::string_view reason;
  // Of 1009: bytes that a message may have, and that this one has at least, by what was announced
  // or has come.
  std::uint64_t limit = 0;
  std::uint64_t size = 0;
};

// The reason, of 1009 with both sizes: at most 123 bytes, for the Close and for the log.
std::string ReasonOf(const ProtocolError& error);

// A piece of one frame's payload, unmasked.
struct FramePart {
  // For continuation frames the opcode of their message: kText or kBinary.
  Opcode opcode = Opcode::kBinary;
  bool frame_begin = false;    // the first piece of its frame
  bool frame_end = false;      // the last piece of its frame
  bool message_begin = false;  // the first piece of its message (of a control frame: frame_begin)
  bool message_end = false;    // the last piece of its message (of a control frame: frame_end)
  bool compressed = false;     // part of a message that must be inflated (RFC 7692)
  MutableBytes payload;        // inside the input; empty for an empty frame
};

inline constexpr std::size_t kMaxControlPayload = 125;
inline constexpr std::size_t kMaxHeader = 14;
// A part of this size inflates to at most half a mebibyte.
inline constexpr std::size_t kMaxCompressedPart = 512;

// Decodes frames as an endpoint: bytes in, payload slices out, with every rule of RFC 6455, section
// 5. No I/O, no clock, no allocation; keeps at most one partial frame header between calls. Unmasks
// in place, inside `input`. Text is validated as UTF-8 while it streams, across parts and
// fragments, and fails at the first invalid byte. Not thread-safe. After an error the decoder must
// not be used: send that Close and drop the connection.
//
// With kDeflate the first frame of a message may have RSV1 set (RFC 7692, section 6). Parts of such
// a message are returned still compressed: the code that inflates them validates text and size, and
// may stop between parts, because they are small.
class FrameDecoder {
 public:
  // `max_message`: maximum payload bytes of one message, over all fragments; a longer one is
  // rejected with 1009 on its header alone. A compressed message may exceed this by deflate's
  // worst-case expansion.
  FrameDecoder(Role role, std::uint64_t max_message, Extensions extensions = Extensions::kNone);

  // Consumes from the front of `input`; nullopt when it is used up. A part may be empty (an empty
  // frame). A part never spans two frames; the payload of a control frame may be split over several
  // parts.
  std::expected<std::optional<FramePart>, ProtocolError> Next(MutableBytes& input);

 private:
  // `header`: that which breaks the rule, as far as it has come.
  ProtocolError WithSizes(const ProtocolError& rule, const std::byte* header) const;
  // These return the broken rule, or nullptr; the header that breaks it is then in header_, or at
  // the front of `input` if header_size_ is 0.
  const ProtocolError* ReadHeader(MutableBytes& input);
  const ProtocolError* GatherHeader(MutableBytes& input);
  // `header` holds the first `size` bytes of a header, at least one; missing bytes up to the end of
  // the length field read as zero.
  const ProtocolError* CheckHeader(const std::byte* header, std::size_t size) const;
  const ProtocolError* CheckText(Bytes piece, bool message_end);
  const ProtocolError* WrongFirstByte(unsigned first) const;
  void BeginFrame(const std::byte* header, std::size_t size);
  bool in_message() const { return message_opcode_ != Opcode::kContinuation; }

  std::uint64_t payload_left_ = 0;
  std::uint64_t message_room_ = 0;  // bytes left for the current message
  std::uint64_t max_message_;
  std::array<std::byte, 4> mask_{};
  std::array<std::byte, kMaxHeader> header_{};  // a partial header; zero beyond header_size_
  std::uint8_t header_size_ = 0;
  std::uint8_t mask_phase_ = 0;
  Utf8Checker utf8_;
  Opcode message_opcode_ = Opcode::kContinuation;  // kContinuation: no message open
  Opcode frame_opcode_ = Opcode::kContinuation;    // as in FramePart
  Role role_;
  Extensions extensions_;
  bool compressed_ = false;  // the current message is compressed
  bool in_frame_ = false;    // past the header
  bool fin_ = false;
  bool frame_begin_ = false;  // for the next part
  bool message_begin_ = false;
};
static_assert(sizeof(FrameDecoder) <= 64);

using MaskKey = std::array<std::byte, 4>;

// A frame header to encode. `mask` only for frames sent by a client.
struct FrameHeader {
  Opcode opcode = Opcode::kBinary;
  bool fin = true;
  bool rsv1 = false;
  std::uint64_t length = 0;
  std::optional<MaskKey> mask = {};
};

// Size of the encoded header: 2 to 14 bytes.
std::size_t HeaderSize(const FrameHeader& header);

// Writes the header directly before `payload` and returns its size. HeaderSize() bytes before
// `payload` must be writable.
std::size_t EncodeHeaderBefore(const FrameHeader& header, std::byte* payload);

}  // namespace upgate::ws
