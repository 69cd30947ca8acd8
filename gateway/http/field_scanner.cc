#include "gateway/http/field_scanner.h"

#include <algorithm>

#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

constexpr int kMaxEmptyLines = 2;

std::unexpected<Refusal> Bad(std::string_view reason) {
  return Refuse(400, std::string(reason));
}

// What may stand nowhere in a head.
std::unexpected<Refusal> BadControl(char c, std::string_view where) {
  if (c == '\0') return Bad("NUL in the request head");
  if (c == '\n') return Bad("bare LF in the request head");
  return Refuse(400, std::string("control character in ").append(where));
}

}  // namespace

void FieldScanner::Reset(Section section) {
  section_ = section;
  in_request_line_ = section == Section::kRequestHead;
  state_ = in_request_line_ ? State::kBeforeRequest : State::kLineStart;
  empty_lines_ = 0;
  bytes_ = 0;
  fields_ = 0;
}

std::expected<std::size_t, Refusal> FieldScanner::Scan(std::string_view input) {
  std::size_t taken = 0;
  while (taken < input.size() && state_ != State::kDone) {
    if (++bytes_ > limits_.bytes) return std::unexpected(TooLarge());
    if (auto sound = Take(input[taken++]); !sound) return std::unexpected(std::move(sound.error()));
  }
  return taken;
}

Refusal FieldScanner::TooLarge() const {
  if (in_request_line_) return {414, "request target is too long"};
  if (section_ == Section::kTrailers) return {431, "trailers are too large"};
  return {431, "request head is too large"};
}

std::expected<void, Refusal> FieldScanner::Take(char c) {
  switch (state_) {
    case State::kBeforeRequest:
      return TakeFirst(c);
    case State::kEmptyLineLf:
      return TakeLf(c, State::kBeforeRequest);
    case State::kRequestLine:
      return TakeRequestLine(c);
    case State::kLineStart:
      return TakeLineStart(c);
    case State::kName:
      return TakeName(c);
    case State::kValue:
      return TakeValue(c);
    case State::kLf:
      in_request_line_ = false;
      return TakeLf(c, State::kLineStart);
    case State::kFinalLf:
      return TakeLf(c, State::kDone);
    case State::kDone:
      break;
  }
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeFirst(char c) {
  if (c == '\r') {
    if (++empty_lines_ > kMaxEmptyLines) return Bad("too many empty lines before the request");
    state_ = State::kEmptyLineLf;
    return {};
  }
  if (c == '\x16') return Bad("a TLS handshake was sent to a port that speaks plain HTTP");
  if (c == '\n') return Bad("bare LF in the request head");
  if (!IsTokenChar(c)) return Bad("request line does not start with a method");
  state_ = State::kRequestLine;
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeRequestLine(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\r') {
    state_ = State::kLf;
    return {};
  }
  if (byte < 0x20 || byte == 0x7f) return BadControl(c, "the request line");
  if (byte >= 0x80) return Bad("non-ASCII byte in the request line");
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeLineStart(char c) {
  if (c == '\r') {
    state_ = State::kFinalLf;
    return {};
  }
  if (c == ' ' || c == '\t') {
    return Bad(fields_ == 0 ? "whitespace before the first header" : "folded header line");
  }
  if (c == ':') return Bad("empty header name");
  if (++fields_ > limits_.fields) {
    return Refuse(431, section_ == Section::kTrailers ? "too many trailers" : "too many headers");
  }
  state_ = State::kName;
  return TakeName(c);
}

std::expected<void, Refusal> FieldScanner::TakeName(char c) {
  if (IsTokenChar(c)) return {};
  if (c == ':') {
    state_ = State::kValue;
    return {};
  }
  if (c == ' ' || c == '\t') return Bad("space in a header name or before its colon");
  if (c == '\r') return Bad("header line without a colon");
  if (c == '\0' || c == '\n') return BadControl(c, "a header name");
  return Bad("invalid character in a header name");
}

std::expected<void, Refusal> FieldScanner::TakeValue(char c) {
  if (c == '\r') {
    state_ = State::kLf;
    return {};
  }
  if (!IsFieldChar(c)) return BadControl(c, "a header value");
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeLf(char c, State next) {
  if (c != '\n') return Bad("bare CR in the request head");
  state_ = next;
  return {};
}

}  // namespace upgate::http
