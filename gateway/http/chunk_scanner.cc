#include "gateway/http/chunk_scanner.h"

#include <algorithm>

#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

constexpr int kMaxDigits = 16;
constexpr int kMaxBlanks = 64;
constexpr std::uint64_t kMaxChunk = std::uint64_t{1} << 59;
// Per message. No known client uses extensions, so they are only a cost.
constexpr std::size_t kMaxExtensionBytes = 16 * 1024;

}  // namespace

std::expected<ChunkScanner::Segment, Refusal> ChunkScanner::Next(std::string_view input) {
  if (state_ == State::kData) {
    const std::size_t bytes =
        static_cast<std::size_t>(std::min<std::uint64_t>(size_, input.size()));
    size_ -= bytes;
    if (size_ == 0) state_ = State::kDataCr;
    return Segment{Kind::kData, bytes};
  }
  const bool extension = IsExtension(input.front());
  std::size_t taken = 0;
  while (taken < input.size() && state_ != State::kData && state_ != State::kLastChunk &&
         IsExtension(input[taken]) == extension) {
    if (auto sound = Take(input[taken++]); !sound) return std::unexpected(std::move(sound.error()));
  }
  const Kind framing = state_ == State::kLastChunk ? Kind::kLastChunk : Kind::kFraming;
  return Segment{extension ? Kind::kExtension : framing, taken};
}

bool ChunkScanner::IsPadding(char c) const {
  return padding_ == Padding::kAllowed && (c == ' ' || c == '\t');
}

bool ChunkScanner::IsExtension(char next) const {
  if (state_ == State::kSize) return next == ';' || IsPadding(next);
  return state_ >= State::kPadding && state_ <= State::kQuotedEnd && next != '\r';
}

std::expected<void, Refusal> ChunkScanner::Take(char c) {
  switch (state_) {
    case State::kFirstDigit:
    case State::kSize:
      return TakeSize(c);
    case State::kPadding:
      return TakePadding(c);
    case State::kSizeLf:
      return EndSizeLine(c);
    case State::kDataCr:
      if (c != '\r') return Refuse(400, "chunk data is not followed by CRLF");
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return Refuse(400, "chunk data is not followed by CRLF");
      state_ = State::kFirstDigit;
      digits_ = 0;
      blanks_ = 0;
      size_ = 0;
      return {};
    default:
      return TakeExtension(c);
  }
}

std::expected<void, Refusal> ChunkScanner::TakeSize(char c) {
  if (const int digit = HexValue(c); digit >= 0) {
    size_ = size_ * 16 + static_cast<unsigned>(digit);
    if (++digits_ > kMaxDigits || size_ > kMaxChunk) return Refuse(400, "chunk size is too large");
    state_ = State::kSize;
    return {};
  }
  if (state_ == State::kFirstDigit) return Refuse(400, "chunk size is not a hexadecimal number");
  return TakePadding(c);
}

// After the digits.
std::expected<void, Refusal> ChunkScanner::TakePadding(char c) {
  if (c == ';') {
    state_ = State::kExtensionNameStart;
  } else if (c == '\r') {
    state_ = State::kSizeLf;
  } else if (c == '\n') {
    return Refuse(400, "bare LF in chunk framing");
  } else if (!IsPadding(c)) {
    return Refuse(400, "chunk size is not a hexadecimal number");
  } else if (++blanks_ > kMaxBlanks) {
    return Refuse(400, "chunk size is followed by too many blanks");
  } else {
    state_ = State::kPadding;
  }
  return {};
}

std::expected<void, Refusal> ChunkScanner::TakeExtension(char c) {
  if (++extension_bytes_ > kMaxExtensionBytes) return Refuse(400, "chunk extensions are too long");
  if (c == '\n') return Refuse(400, "bare LF in chunk framing");
  const bool may_end = state_ == State::kExtensionName || state_ == State::kExtensionValue ||
                       state_ == State::kQuotedEnd;
  if (may_end && c == '\r') {
    state_ = State::kSizeLf;
    return {};
  }
  if (may_end && c == ';') {
    state_ = State::kExtensionNameStart;
    return {};
  }
  switch (state_) {
    case State::kExtensionNameStart:
    case State::kExtensionName:
      if (c == '=' && state_ == State::kExtensionName) {
        state_ = State::kExtensionValueStart;
        return {};
      }
      if (!IsTokenChar(c)) break;
      state_ = State::kExtensionName;
      return {};
    case State::kExtensionValueStart:
      if (c == '"') {
        state_ = State::kQuoted;
        return {};
      }
      [[fallthrough]];
    case State::kExtensionValue:
      if (!IsTokenChar(c)) break;
      state_ = State::kExtensionValue;
      return {};
    case State::kQuoted:
      if (!IsFieldChar(c)) break;
      if (c == '"') state_ = State::kQuotedEnd;
      if (c == '\\') state_ = State::kQuotedPair;
      return {};
    case State::kQuotedPair:
      if (!IsFieldChar(c)) break;
      state_ = State::kQuoted;
      return {};
    default:
      break;
  }
  return Refuse(400, "malformed chunk extension");
}

std::expected<void, Refusal> ChunkScanner::EndSizeLine(char c) {
  if (c != '\n') return Refuse(400, "bare CR in chunk framing");
  state_ = size_ == 0 ? State::kLastChunk : State::kData;
  return {};
}

}  // namespace upgate::http
