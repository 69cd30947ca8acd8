#include "tests/support/ws_client.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace upgate::test {
namespace {

void PutBigEndian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xff));
  }
}

std::uint64_t GetBigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

std::string Masked(std::string_view payload, const std::array<std::uint8_t, 4>& mask) {
  std::string out(payload);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ mask[i % 4]);
  return out;
}

bool SameName(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::uint64_t> Number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

// Takes a line up to the next CR LF; nothing if there is none, or if a bare CR or LF precedes it.
std::optional<std::string_view> TakeLine(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view line = bytes.substr(0, end);
  if (line.find_first_of("\r\n") != std::string_view::npos) return {};
  bytes.remove_prefix(end + 2);
  return line;
}

// A frame header.
struct FrameHead {
  std::size_t size = 0;
  std::uint64_t length = 0;
  const char* malformed = nullptr;
};

std::optional<FrameHead> ReadFrameHead(std::string_view bytes) {
  if (bytes.size() < 2) return {};
  const auto second = static_cast<std::uint8_t>(bytes[1]);
  FrameHead head{2, second & 0x7fu, nullptr};
  const std::size_t extended = head.length == 126 ? 2 : head.length == 127 ? 8 : 0;
  const std::size_t mask = second & 0x80 ? 4 : 0;
  if (bytes.size() < 2 + extended + mask) return {};
  if (extended != 0) {
    head.length = GetBigEndian(bytes.substr(2, extended));
    if (head.length < (extended == 2 ? 126u : 65536u))
      head.malformed = "length not in its shortest form";
    if (head.length >> 63 != 0) head.malformed = "length with the top bit set";
  }
  head.size = 2 + extended + mask;
  return head;
}

std::optional<std::string> TakeChunked(std::string& bytes) {
  std::string_view rest = bytes;
  std::string body;
  while (true) {
    const auto line = TakeLine(rest);
    if (!line) return {};
    const auto size = Number(line->substr(0, line->find(';')), 16);
    if (!size) return {};
    if (*size == 0) break;
    if (rest.size() < 2 || *size > rest.size() - 2) return {};
    body.append(rest.substr(0, *size));
    rest.remove_prefix(*size);
    const auto end = TakeLine(rest);
    if (!end || !end->empty()) return {};
  }
  while (const auto trailer = TakeLine(rest)) {
    if (!trailer->empty()) continue;
    bytes.erase(0, bytes.size() - rest.size());
    return body;
  }
  return {};
}

}  // namespace

std::string Frame(std::uint8_t opcode, std::string_view payload, const FrameOptions& options) {
  const std::uint64_t length = options.claimed_length.value_or(payload.size());
  const int masked = options.mask ? 0x80 : 0;
  std::string out;
  out.push_back(
      static_cast<char>((options.fin ? 0x80 : 0) | (options.rsv & 7) << 4 | (opcode & 15)));
  if (options.length_form == LengthForm::k64 || length > 0xffff) {
    out.push_back(static_cast<char>(masked | 127));
    PutBigEndian(out, length, 8);
  } else if (options.length_form == LengthForm::k16 || length > 125) {
    out.push_back(static_cast<char>(masked | 126));
    PutBigEndian(out, length, 2);
  } else {
    out.push_back(static_cast<char>(masked | static_cast<int>(length)));
  }
  if (!options.mask) return out.append(payload);
  for (const std::uint8_t byte : *options.mask) out.push_back(static_cast<char>(byte));
  return out + Masked(payload, *options.mask);
}

std::string ServerFrame(std::uint8_t opcode, std::string_view payload, bool fin) {
  return Frame(opcode, payload, {.fin = fin, .mask = std::nullopt});
}

std::string CloseBody(std::uint16_t code, std::string_view reason) {
  std::string body;
  PutBigEndian(body, code, 2);
  return body.append(reason);
}

std::string Fragmented(std::uint8_t opcode, std::string_view payload, std::size_t piece) {
  std::string out;
  do {
    const std::string_view part = payload.substr(0, piece);
    payload.remove_prefix(part.size());
    out += Frame(opcode, part, {.fin = payload.empty()});
    opcode = kContinuation;
  } while (!payload.empty());
  return out;
}

std::optional<std::uint16_t> ParsedFrame::close_code() const {
  if (payload.size() < 2) return {};
  return static_cast<std::uint16_t>(GetBigEndian(std::string_view(payload).substr(0, 2)));
}

std::string ParsedFrame::close_reason() const {
  return payload.size() < 2 ? std::string() : payload.substr(2);
}

std::vector<ParsedFrame> TakeFrames(std::string& bytes) {
  std::vector<ParsedFrame> frames;
  std::string_view rest = bytes;
  while (const auto head = ReadFrameHead(rest)) {
    if (head->malformed != nullptr) {
      frames.push_back({.opcode = kMalformed, .payload = head->malformed});
      break;
    }
    if (head->length > rest.size() - head->size) break;
    const auto first = static_cast<std::uint8_t>(rest[0]);
    ParsedFrame frame{.opcode = static_cast<std::uint8_t>(first & 15),
                      .fin = (first & 0x80) != 0,
                      .rsv = static_cast<std::uint8_t>(first >> 4 & 7),
                      .masked = (static_cast<std::uint8_t>(rest[1]) & 0x80) != 0,
                      .payload = std::string(rest.substr(head->size, head->length))};
    if (frame.masked) {
      std::array<std::uint8_t, 4> mask{};
      std::ranges::copy(rest.substr(head->size - 4, 4), mask.begin());
      frame.payload = Masked(frame.payload, mask);
    }
    frames.push_back(std::move(frame));
    rest.remove_prefix(head->size + head->length);
  }
  bytes.erase(0, bytes.size() - rest.size());
  return frames;
}

std::vector<std::pair<std::uint8_t, std::string>> Messages(const std::vector<ParsedFrame>& frames) {
  std::vector<std::pair<std::uint8_t, std::string>> messages;
  bool open = false;
  for (const ParsedFrame& frame : frames) {
    if (frame.opcode >= 8) continue;
    if (!open) messages.emplace_back(frame.opcode, std::string());
    messages.back().second += frame.payload;
    open = !frame.fin;
  }
  if (open) messages.pop_back();
  return messages;
}

std::optional<std::string> ResponseHead::Get(std::string_view name) const {
  if (Count(name) != 1) return {};
  return std::ranges::find_if(headers,
                              [&](const auto& header) { return SameName(header.first, name); })
      ->second;
}

std::size_t ResponseHead::Count(std::string_view name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers, [&](const auto& header) { return SameName(header.first, name); }));
}

std::optional<ResponseHead> TakeResponseHead(std::string& bytes) {
  std::string_view rest = bytes;
  const auto status_line = TakeLine(rest);
  // HTTP-version SP 3DIGIT SP [reason]
  if (!status_line || status_line->size() < 13 || !status_line->starts_with("HTTP/1.")) return {};
  const auto status = Number(status_line->substr(9, 3), 10);
  if ((*status_line)[8] != ' ' || (*status_line)[12] != ' ' || !status) return {};
  ResponseHead head;
  head.version = status_line->substr(0, 8);
  head.status = static_cast<int>(*status);
  head.reason = status_line->substr(13);
  while (const auto line = TakeLine(rest)) {
    if (line->empty()) {
      bytes.erase(0, bytes.size() - rest.size());
      return head;
    }
    const std::size_t colon = line->find(':');
    if (colon == 0 || colon == std::string_view::npos || line->find_first_of(" \t") < colon)
      return {};
    std::string_view value = line->substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_last_not_of(" \t") + 1);
    head.headers.emplace_back(line->substr(0, colon), value);
  }
  return {};
}

std::optional<std::string> TakeBody(const ResponseHead& head, std::string& bytes) {
  if (head.status / 100 == 1 || head.status == 204 || head.status == 304) return std::string();
  if (const auto coding = head.Get("transfer-encoding")) {
    return SameName(*coding, "chunked") ? TakeChunked(bytes) : std::nullopt;
  }
  const auto field = head.Get("content-length");
  const auto length = field ? Number(*field, 10) : std::nullopt;
  if (!length || *length > bytes.size()) return {};
  std::string body = bytes.substr(0, *length);
  bytes.erase(0, *length);
  return body;
}

std::string UpgradeRequest(std::string_view target, std::string_view host, std::string_view extra) {
  std::string request = "GET ";
  request.append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  request.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  request.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n");
  return request.append(extra).append("\r\n");
}

}  // namespace upgate::test
