#include "gateway/ws/hixie_codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "gateway/ws/mask.h"

namespace upgate::ws {
namespace {

using config::Dialect;

constexpr std::byte kTextBegin{0x00};
constexpr std::byte kTextEnd{0xff};
constexpr std::byte kHighBit{0x80};

// Checked before another digit is appended.
constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max() >> 7;
constexpr ProtocolError kLongLength{close_code::kProtocolError,
                                    "a frame length of more than 63 bits"};
constexpr ProtocolError kNoBinary{close_code::kUnsupportedData,
                                  "a binary message to a client that does not support it"};

char AsChar(std::byte byte) {
  return static_cast<char>(byte);
}

}  // namespace

// ---- from the client

void HixieDecoder::Decode(Bytes data, std::string& frames) {
  while (!data.empty()) {
    switch (state_) {
      case State::kType:
        TakeType(data.front());
        data = data.subspan(1);
        break;
      case State::kText:
      case State::kReserved:
        TakeText(data, frames);
        break;
      case State::kLength:
        TakeDigit(data.front(), frames);
        data = data.subspan(1);
        break;
      case State::kSkip: {
        const auto skipped =
            static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), length_));
        data = data.subspan(skipped);
        length_ -= skipped;
        if (length_ == 0) state_ = State::kType;
        break;
      }
      case State::kClosed:
        return;
    }
  }
}

void HixieDecoder::TakeType(std::byte type) {
  if ((type & kHighBit) != std::byte{0}) {
    state_ = State::kLength;
    length_ = 0;
    may_close_ = type == std::byte{0xff} && dialect_ == Dialect::kHixie76;
  } else {
    state_ = type == kTextBegin ? State::kText : State::kReserved;
  }
}

void HixieDecoder::TakeText(Bytes& data, std::string& frames) {
  const void* end = std::memchr(data.data(), std::to_integer<int>(kTextEnd), data.size());
  const bool whole = end != nullptr;
  const Bytes piece = whole ? Bytes(data.data(), static_cast<const std::byte*>(end)) : data;
  if (state_ == State::kText) {
    Append(in_message_ ? Opcode::kContinuation : Opcode::kText, whole, piece, frames);
    in_message_ = !whole;
  }
  if (whole) state_ = State::kType;
  data = data.subspan(piece.size() + (whole ? 1 : 0));
}

void HixieDecoder::TakeDigit(std::byte digit, std::string& frames) {
  if (length_ > kMaxLength) return Close(kLongLength, frames);
  length_ = length_ << 7 | std::to_integer<std::uint64_t>(digit & ~kHighBit);
  if ((digit & kHighBit) == std::byte{0}) TakeLength(frames);
}

void HixieDecoder::TakeLength(std::string& frames) {
  if (length_ > 0) {
    state_ = State::kSkip;
  } else if (may_close_) {
    AppendClose(close_code::kNormal, "", frames);
  } else {
    state_ = State::kType;
  }
}

void HixieDecoder::End(std::string& frames) {
  if (dialect_ == Dialect::kHixie75 && state_ == State::kType)
    AppendClose(close_code::kNormal, "", frames);
}

void HixieDecoder::Close(const ProtocolError& error, std::string& frames) {
  if (!closed()) AppendClose(error.close_code, error.reason, frames);
}

void HixieDecoder::AppendClose(std::uint16_t code, std::string_view reason, std::string& frames) {
  state_ = State::kClosed;
  constexpr std::size_t kHeader = 2;
  Append(Opcode::kClose, true, EncodeClose(code, reason).view().subspan(kHeader), frames);
}

void HixieDecoder::Append(Opcode opcode, bool fin, Bytes payload, std::string& frames) {
  FrameHeader header{.opcode = opcode, .fin = fin, .length = payload.size(), .mask = {}};
  entropy_.Fill(header.mask.emplace());
  std::array<std::byte, kMaxHeader> bytes;
  const std::size_t size = EncodeHeaderBefore(header, bytes.data() + bytes.size());
  upgate::Append(frames, Bytes(bytes).last(size));
  const std::size_t at = frames.size();
  upgate::Append(frames, payload);
  Mask(std::as_writable_bytes(std::span(frames)).subspan(at), *header.mask, 0);
}

// ---- to the client

// The sender of the frames has already limited the message size.
HixieEncoder::HixieEncoder(Dialect dialect)
    : decoder_(Role::kClient, std::numeric_limits<std::int64_t>::max()), dialect_(dialect) {}

HixieEncoder::Encoded HixieEncoder::Encode(MutableBytes frames, std::string& out) {
  Encoded result;
  while (!ended_) {
    const auto part = decoder_.Next(frames);
    if (!part) {
      if (!error_) result.error = &error_.emplace(part.error());
      result.ended = ended_ = true;
      break;
    }
    if (!*part) break;
    if (IsControl((*part)->opcode)) {
      TakeControl(**part, result, out);
    } else if (error_) {
      continue;
    } else if ((*part)->opcode == Opcode::kBinary) {
      result.error = &error_.emplace(kNoBinary);
    } else {
      TakeText(**part, out);
    }
  }
  return result;
}

void HixieEncoder::TakeText(const FramePart& part, std::string& out) {
  if (part.message_begin) out += AsChar(kTextBegin);
  upgate::Append(out, part.payload);
  if (part.message_end) out += AsChar(kTextEnd);
  in_text_ = !part.message_end;
}

void HixieEncoder::TakeControl(const FramePart& part, Encoded& result, std::string& out) {
  if (part.opcode == Opcode::kPing) {
    if (part.frame_begin) ping_.clear();
    upgate::Append(ping_, part.payload);
    if (part.frame_end) result.ping = std::exchange(ping_, {});
    return;
  }
  if (part.opcode != Opcode::kClose || !part.frame_end) return;
  result.ended = ended_ = true;
  // Inside a text message these bytes would end it as if it were complete.
  if (dialect_ != Dialect::kHixie76 || in_text_) return;
  out.append("\xff\0", 2);
  result.told = true;
}

}  // namespace upgate::ws
