#include "gateway/ws/frame.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "gateway/ws/close.h"
#include "gateway/ws/frame_errors.h"
#include "gateway/ws/frame_header.h"
#include "gateway/ws/mask.h"

namespace upgate::ws {
namespace {

using close_code::kProtocolError;

constexpr ProtocolError kReservedBit{kProtocolError, "a reserved bit is set without an extension"};
constexpr ProtocolError kStrayRsv1{kProtocolError, "RSV1 on a frame that does not begin a message"};
constexpr ProtocolError kReservedOpcode{kProtocolError, "a reserved opcode"};
constexpr ProtocolError kFragmentedControl{kProtocolError, "a fragmented control frame"};
constexpr ProtocolError kNoMessage{kProtocolError, "a continuation frame without a message"};
constexpr ProtocolError kInsideMessage{
    kProtocolError, "a new message before the last fragment of the previous one"};
constexpr ProtocolError kNotShortest{kProtocolError, "a frame length not in its shortest form"};
// Limit for a compressed message, so that a message of `size` bytes with any content passes.
// deflate's worst cases are fixed blocks and, from a sender with little memory, many stored blocks.
constexpr std::uint64_t MaxCompressed(std::uint64_t size) {
  return size + size / 6 + 64;
}

}  // namespace

FrameDecoder::FrameDecoder(Role role, std::uint64_t max_message, Extensions extensions)
    : max_message_(max_message), role_(role), extensions_(extensions) {}

std::expected<std::optional<FramePart>, ProtocolError> FrameDecoder::Next(MutableBytes& input) {
  if (!in_frame_) {
    if (const ProtocolError* error = ReadHeader(input))
      return std::unexpected(WithSizes(*error, header_size_ > 0 ? header_.data() : input.data()));
    if (!in_frame_) return std::nullopt;
  }
  if (input.empty() && payload_left_ > 0) return std::nullopt;

  auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), payload_left_));
  if (compressed_) size = std::min(size, kMaxCompressedPart);
  FramePart part;
  part.opcode = frame_opcode_;
  part.frame_begin = frame_begin_;
  part.frame_end = size == payload_left_;
  part.message_begin = message_begin_;
  part.message_end = part.frame_end && fin_;
  part.payload = input.first(size);
  input = input.subspan(size);
  if (role_ == Role::kServer) mask_phase_ = Mask(part.payload, mask_, mask_phase_);
  part.compressed = compressed_ && !IsControl(part.opcode);
  if (part.opcode == Opcode::kText && !compressed_) {
    const ProtocolError* error = CheckText(part.payload, part.message_end);
    if (error != nullptr) return std::unexpected(*error);
  }
  payload_left_ -= size;
  in_frame_ = !part.frame_end;
  frame_begin_ = message_begin_ = false;
  if (part.message_end && !IsControl(part.opcode)) message_opcode_ = Opcode::kContinuation;
  return part;
}

inline const ProtocolError* FrameDecoder::WrongFirstByte(unsigned first) const {
  const unsigned opcode = first & kOpcodeBits;
  if ((first & kReserved) != 0) {
    if (extensions_ == Extensions::kNone || (first & kReserved) != kRsv1) return &kReservedBit;
    if (opcode == 0 || opcode >= 8) return &kStrayRsv1;
  }
  if ((opcode & 7) > 2) return &kReservedOpcode;
  if (opcode >= 8) return (first & kFin) == 0 ? &kFragmentedControl : nullptr;
  if (opcode == 0) return in_message() ? nullptr : &kNoMessage;
  return in_message() ? &kInsideMessage : nullptr;
}

// These two are inlined into ReadHeader: the hot path.
[[gnu::always_inline]] inline const ProtocolError* FrameDecoder::CheckHeader(
    const std::byte* header, std::size_t size) const {
  if (const ProtocolError* error = WrongFirstByte(At(header, 0))) return error;
  if (size < 2) return nullptr;
  const unsigned second = At(header, 1);
  const bool masked = (second & kMaskBit) != 0;
  if (masked != (role_ == Role::kServer)) return masked ? &kMasked : &kNotMasked;

  const unsigned length7 = second & kLengthBits;
  const unsigned opcode = At(header, 0) & kOpcodeBits;
  if (IsControl(Opcode{static_cast<std::uint8_t>(opcode)})) {
    return length7 > kMaxControlPayload ? &kLongControl : nullptr;
  }
  // For a partial header this is a lower bound of the length.
  const std::uint64_t length = PayloadLength(header);
  if (length7 == kLength16 && size >= 4 && length < kLength16) return &kNotShortest;
  if (length7 == kLength64) {
    if (length >> 63 != 0) return &kTopBit;
    if (size >= 8 && length >> 16 == 0) return &kNotShortest;
  }
  const bool compressed = (At(header, 0) & kRsv1) != 0;
  const std::uint64_t room = compressed ? MaxCompressed(max_message_) : max_message_;
  return length > (opcode == 0 ? message_room_ : room) ? &kTooBig : nullptr;
}

[[gnu::always_inline]] inline void FrameDecoder::BeginFrame(const std::byte* header,
                                                            std::size_t size) {
  const unsigned first = At(header, 0);
  const Opcode opcode{static_cast<std::uint8_t>(first & kOpcodeBits)};
  fin_ = (first & kFin) != 0;
  payload_left_ = PayloadLength(header);
  if (role_ == Role::kServer) {
    std::memcpy(mask_.data(), header + size - mask_.size(), mask_.size());
    mask_phase_ = 0;
  }
  in_frame_ = frame_begin_ = true;
  message_begin_ = opcode != Opcode::kContinuation;
  if (IsControl(opcode)) {
    frame_opcode_ = opcode;
    return;
  }
  if (message_begin_) {
    message_opcode_ = opcode;
    compressed_ = (first & kRsv1) != 0;
    message_room_ = compressed_ ? MaxCompressed(max_message_) : max_message_;
  }
  frame_opcode_ = message_opcode_;
  message_room_ -= payload_left_;
}

const ProtocolError* FrameDecoder::ReadHeader(MutableBytes& input) {
  if (input.empty()) return nullptr;
  if (header_size_ > 0 || input.size() < 2) return GatherHeader(input);
  const std::size_t size = SizeOfHeader(At(input.data(), 1));
  if (input.size() < size) return GatherHeader(input);
  if (const ProtocolError* error = CheckHeader(input.data(), size)) return error;
  BeginFrame(input.data(), size);
  input = input.subspan(size);
  return nullptr;
}

const ProtocolError* FrameDecoder::GatherHeader(MutableBytes& input) {
  while (!input.empty()) {
    const std::size_t wanted = header_size_ < 2 ? 2 : SizeOfHeader(At(header_.data(), 1));
    const std::size_t taken = std::min(input.size(), wanted - header_size_);
    std::memcpy(header_.data() + header_size_, input.data(), taken);
    header_size_ = static_cast<std::uint8_t>(header_size_ + taken);
    input = input.subspan(taken);
    if (const ProtocolError* error = CheckHeader(header_.data(), header_size_)) return error;
    if (header_size_ >= 2 && header_size_ == SizeOfHeader(At(header_.data(), 1))) {
      BeginFrame(header_.data(), header_size_);
      header_ = {};
      header_size_ = 0;
      return nullptr;
    }
  }
  return nullptr;
}

ProtocolError FrameDecoder::WithSizes(const ProtocolError& rule, const std::byte* header) const {
  if (&rule != &kTooBig) return rule;
  const bool goes_on = (At(header, 0) & kOpcodeBits) == 0;
  const std::uint64_t most = compressed_ ? MaxCompressed(max_message_) : max_message_;
  const std::uint64_t before = goes_on ? most - message_room_ : 0;
  return {rule.close_code, rule.reason, max_message_, before + PayloadLength(header)};
}

const ProtocolError* FrameDecoder::CheckText(Bytes piece, bool message_end) {
  if (!utf8_.Feed(piece)) return &kNotUtf8;
  return message_end && !utf8_.complete() ? &kCutUtf8 : nullptr;
}

std::string ReasonOf(const ProtocolError& error) {
  if (error.size == 0) return std::string(error.reason);
  return fmt::format("{}: at least {} bytes, the limit is {}", error.reason, error.size,
                     error.limit);
}

std::size_t HeaderSize(const FrameHeader& header) {
  const std::size_t length = header.length < kLength16 ? 0 : (header.length <= 0xffff ? 2 : 8);
  return 2 + length + (header.mask ? 4 : 0);
}

std::size_t EncodeHeaderBefore(const FrameHeader& header, std::byte* payload) {
  const std::size_t size = HeaderSize(header);
  std::byte* at = payload - size;
  const unsigned first =
      (header.fin ? kFin : 0) | (header.rsv1 ? kRsv1 : 0) | static_cast<unsigned>(header.opcode);
  const unsigned masked = header.mask ? kMaskBit : 0;
  const bool is_short = header.length < kLength16;
  const int digits = is_short ? 0 : (header.length <= 0xffff ? 2 : 8);
  const unsigned length7 =
      is_short ? static_cast<unsigned>(header.length) : (digits == 2 ? kLength16 : kLength64);
  *at++ = static_cast<std::byte>(first);
  *at++ = static_cast<std::byte>(masked | length7);
  for (int shift = 8 * (digits - 1); shift >= 0; shift -= 8) {
    *at++ = static_cast<std::byte>(header.length >> shift & 0xff);
  }
  if (header.mask) std::memcpy(at, header.mask->data(), header.mask->size());
  return size;
}

}  // namespace upgate::ws
