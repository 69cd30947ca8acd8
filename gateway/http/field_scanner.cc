#include "gateway/http/field_scanner.h"

#include <cstdint>
#include <cstring>

#include <fmt/format.h>

#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

constexpr int kMaxEmptyLines = 2;

// Not a control character. Bytes beyond ASCII pass: in a target they are percent-encoded later, and
// method and version are checked against known values.
bool IsOfRequestLine(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte != 0x7f;
}

std::size_t RequestLineCharsAtFront(std::string_view text) {
  std::size_t size = 0;
  for (std::uint64_t word = 0; text.size() - size >= sizeof word; size += sizeof word) {
    std::memcpy(&word, text.data() + size, sizeof word);
    if (detail::HasControl(word)) break;
  }
  while (size < text.size() && IsOfRequestLine(text[size])) ++size;
  return size;
}

std::unexpected<Refusal> Bad(std::string_view reason) {
  return Refuse(400, std::string(reason));
}

}  // namespace

void FieldScanner::Reset(Section section) {
  section_ = section;
  in_request_line_ = section == Section::kRequestHead;
  state_ = State::kLineStart;
  if (section == Section::kRequestHead) state_ = State::kBeforeRequest;
  if (section == Section::kResponseHead) state_ = State::kBeforeStatus;
  empty_lines_ = 0;
  bytes_ = 0;
  fields_ = 0;
}

std::expected<std::size_t, Refusal> FieldScanner::Scan(std::string_view input) {
  std::size_t taken = 0;
  while (taken < input.size() && state_ != State::kDone) {
    taken += TakeUsual(input.substr(taken));
    if (taken == input.size()) break;
    if (++bytes_ > limits_.bytes) return std::unexpected(TooLarge());
    if (auto sound = Take(input[taken++]); !sound) return std::unexpected(std::move(sound.error()));
  }
  return taken;
}

std::size_t FieldScanner::TakeUsual(std::string_view text) {
  text = text.substr(0, limits_.bytes - bytes_);
  std::size_t at = 0;
  const auto take_end = [&] {
    if (!text.substr(at).starts_with("\r\n")) return false;
    at += 2;
    in_request_line_ = false;
    state_ = State::kLineStart;
    return true;
  };
  for (bool going = true; going && at < text.size();) {
    going = false;
    switch (state_) {
      case State::kRequestLine:
        at += RequestLineCharsAtFront(text.substr(at));
        going = take_end();
        break;
      case State::kStatusLine:
      case State::kValue:
        at += FieldCharsAtFront(text.substr(at));
        going = take_end();
        break;
      case State::kLineStart:
        if (!IsTokenChar(text[at]) || fields_ == limits_.fields) break;
        ++fields_;
        state_ = State::kName;
        going = true;
        break;
      case State::kName:
        at += TokenCharsAtFront(text.substr(at));
        if (at == text.size() || text[at] != ':') break;
        ++at;
        state_ = State::kValue;
        going = true;
        break;
      default:
        break;
    }
  }
  bytes_ += at;
  return at;
}

Refusal FieldScanner::TooLarge() const {
  if (in_request_line_) return {414, "request target is too long"};
  if (section_ == Section::kTrailers) return {431, "trailers are too large"};
  return {431, fmt::format("{} is too large", noun())};
}

std::string_view FieldScanner::noun() const {
  switch (section_) {
    case Section::kRequestHead:
      return "request head";
    case Section::kResponseHead:
      return "response head";
    case Section::kTrailers:
      break;
  }
  return "trailer section";
}

// Control characters that are not allowed anywhere in a head.
std::unexpected<Refusal> FieldScanner::BadControl(char c, std::string_view where) const {
  if (c == '\0') return Refuse(400, fmt::format("NUL in the {}", noun()));
  if (c == '\n') return Refuse(400, fmt::format("bare LF in the {}", noun()));
  return Refuse(400, fmt::format("control character in {}", where));
}

std::expected<void, Refusal> FieldScanner::Take(char c) {
  switch (state_) {
    case State::kBeforeRequest:
      return TakeFirst(c);
    case State::kEmptyLineLf:
      return TakeLf(c, State::kBeforeRequest);
    case State::kRequestLine:
      return TakeRequestLine(c);
    case State::kBeforeStatus:
      return TakeStatus(c);
    case State::kStatusLine:
      return TakeText(c, "the status line");
    case State::kLineStart:
      return TakeLineStart(c);
    case State::kName:
      return TakeName(c);
    case State::kValue:
      return TakeText(c, "a header value");
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
  if (c == '\n') return BadControl(c, "the request line");
  if (!IsTokenChar(c)) return Bad("request line does not start with a method");
  state_ = State::kRequestLine;
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeRequestLine(char c) {
  if (c == '\r') {
    state_ = State::kLf;
    return {};
  }
  if (!IsOfRequestLine(c)) return BadControl(c, "the request line");
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeStatus(char c) {
  if (c == '\x15') return Bad("a TLS alert came from a server that should speak plain HTTP");
  if (c != 'H') return Bad("status line does not start with an HTTP version");
  state_ = State::kStatusLine;
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

// A field value or a reason phrase, which allow the same characters (RFC 9112, section 4).
std::expected<void, Refusal> FieldScanner::TakeText(char c, std::string_view where) {
  if (c == '\r') {
    state_ = State::kLf;
    return {};
  }
  if (!IsFieldChar(c)) return BadControl(c, where);
  return {};
}

std::expected<void, Refusal> FieldScanner::TakeLf(char c, State next) {
  if (c != '\n') return Refuse(400, fmt::format("bare CR in the {}", noun()));
  state_ = next;
  return {};
}

}  // namespace upgate::http
