#include "gateway/http/request_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/http/target.h"

namespace upgate::http {
namespace {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version = Version::kHttp11;
};

std::expected<Version, Refusal> ParseVersion(std::string_view text) {
  if (text == "HTTP/1.1") return Version::kHttp11;
  if (text == "HTTP/1.0") return Version::kHttp10;
  const bool numbered = text.size() == 8 && text.starts_with("HTTP/") && IsDigit(text[5]) &&
                        text[6] == '.' && IsDigit(text[7]);
  if (numbered) return Refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  return Refuse(400, "malformed HTTP version");
}

// RFC 9112, section 3: exactly one space between exactly three parts.
std::expected<RequestLine, Refusal> ParseRequestLine(std::string_view line) {
  if (line == "PRI * HTTP/2.0") {
    return Refuse(400, "the HTTP/2 preface was sent to a port that speaks HTTP/1.1");
  }
  RequestLine parts;
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return Refuse(400, "malformed request line");
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return Refuse(400, "request line without an HTTP version");
  parts.method = line.substr(0, first);
  parts.target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!IsToken(parts.method) || parts.target.empty() || version.find(' ') != version.npos) {
    return Refuse(400, "malformed request line");
  }
  const auto known = ParseVersion(version);
  if (!known) return std::unexpected(known.error());
  parts.version = *known;
  if (parts.method == "PRI") return Refuse(501, "unknown method");  // only of the HTTP/2 preface
  if (parts.method == "CONNECT") return Refuse(501, "CONNECT is not supported");
  return parts;
}

Refusal FromLlhttp(const llhttp_t& parser) {
  switch (llhttp_get_errno(&parser)) {
    case HPE_INVALID_METHOD:
      return {501, "unknown method"};
    case HPE_INVALID_CONSTANT:
      return {501, "method is not one of HTTP"};
    case HPE_INVALID_URL:
      return {400, "malformed request target"};
    case HPE_INVALID_CONTENT_LENGTH:
      return {400, "Content-Length is not a plain decimal number"};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {400, "Content-Length is repeated or stands beside Transfer-Encoding"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {400, "Transfer-Encoding is not exactly chunked"};
    case HPE_INVALID_CHUNK_SIZE:
      return {400, "malformed chunk"};
    default:
      break;
  }
  const char* reason = llhttp_get_error_reason(&parser);
  return {400, fmt::format("malformed request: {}", reason == nullptr ? "unknown" : reason)};
}

// How the body is framed must leave no choice (RFC 9112, section 6).
std::expected<void, Refusal> CheckFraming(const Headers& headers, Version version) {
  if (const std::string* length = headers.Find("content-length")) {
    if (length->empty() || !std::ranges::all_of(*length, IsDigit)) {
      return Refuse(400, "Content-Length is not a plain decimal number");
    }
  }
  if (const std::string* coding = headers.Find("transfer-encoding")) {
    if (version == Version::kHttp10) return Refuse(400, "Transfer-Encoding on HTTP/1.0");
    if (!EqualsIgnoreCase(*coding, "chunked")) {
      return Refuse(400, "Transfer-Encoding is not exactly chunked");
    }
  }
  return {};
}

bool KeepsAlive(const Headers& headers, Version version) {
  if (headers.HasToken("connection", "close")) return false;
  return version == Version::kHttp11 || headers.HasToken("connection", "keep-alive");
}

}  // namespace

// Views point into the text that is being parsed, which is whole: llhttp hands out each name and
// value in one piece.
struct RequestParser::Collector {
  Headers headers;
  std::string_view name;
  std::string_view value;
  bool trailers = false;
  bool has_length = false;
  bool has_coding = false;
  std::optional<Refusal> refusal;
  bool head_complete = false;
  bool message_complete = false;

  // Repeated or contradicting framing headers are refused by name, before their values are looked
  // at.
  bool NoteName(std::string_view text) {
    name = text;
    value = {};
    const bool length = EqualsIgnoreCase(text, "content-length");
    const bool coding = EqualsIgnoreCase(text, "transfer-encoding");
    if (length && std::exchange(has_length, true)) refusal = {400, "Content-Length is repeated"};
    if (coding && std::exchange(has_coding, true)) refusal = {400, "Transfer-Encoding is repeated"};
    if (has_length && has_coding) {
      refusal = {400, "both Content-Length and Transfer-Encoding"};
    }
    if (trailers && (length || coding)) refusal = {400, "framing header among the trailers"};
    return !refusal;
  }
};

struct RequestParser::Callbacks {
  static Collector& Of(llhttp_t* parser) { return *static_cast<Collector*>(parser->data); }

  static int OnHeaderField(llhttp_t* parser, const char* at, std::size_t length) {
    return Of(parser).NoteName({at, length}) ? 0 : -1;
  }
  static int OnHeaderValue(llhttp_t* parser, const char* at, std::size_t length) {
    Of(parser).value = {at, length};
    return 0;
  }
  static int OnHeaderValueComplete(llhttp_t* parser) {
    Collector& collector = Of(parser);
    collector.headers.Add(collector.name, Trim(collector.value));
    return 0;
  }
  static int OnHeadersComplete(llhttp_t* parser) {
    Of(parser).head_complete = true;
    return 0;
  }
  static int OnMessageComplete(llhttp_t* parser) {
    Of(parser).message_complete = true;
    return 0;
  }

  static const llhttp_settings_t& Settings() {
    static const llhttp_settings_t settings = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_header_field = OnHeaderField;
      s.on_header_value = OnHeaderValue;
      s.on_header_value_complete = OnHeaderValueComplete;
      s.on_headers_complete = OnHeadersComplete;
      s.on_message_complete = OnMessageComplete;
      return s;
    }();
    return settings;
  }
};

RequestParser::RequestParser(Limits limits)
    : scanner_({.bytes = limits.head_bytes, .fields = limits.header_count}) {
  llhttp_init(&llhttp_, HTTP_REQUEST, &Callbacks::Settings());
}

std::expected<RequestParser::Event, Refusal> RequestParser::Next(Bytes& input) {
  switch (phase_) {
    case Phase::kHead:
      return NextHead(input);
    case Phase::kLengthBody:
      return NextLengthBody(input);
    case Phase::kChunks:
      return NextChunk(input);
    case Phase::kTrailers:
      return NextTrailers(input);
    case Phase::kEnd:
      break;
  }
  phase_ = Phase::kHead;
  scanner_.Reset(FieldScanner::Section::kRequestHead);
  return RequestEnd{};
}

std::expected<std::string_view, Refusal> RequestParser::Section(Bytes& input) {
  const auto taken = scanner_.Scan(AsText(input));
  if (!taken) return std::unexpected(taken.error());
  const std::string_view piece = AsText(input.first(*taken));
  input = input.subspan(*taken);
  if (kept_.empty() && scanner_.done()) return piece;
  kept_ += piece;
  return scanner_.done() ? std::string_view(kept_) : std::string_view{};
}

std::expected<RequestParser::Event, Refusal> RequestParser::NextHead(Bytes& input) {
  const auto section = Section(input);
  if (!section) return std::unexpected(section.error());
  if (section->empty()) return NeedMore{};
  std::string_view head = *section;
  head.remove_prefix(head.find_first_not_of("\r\n"));
  auto parsed = ParseHead(head);
  kept_ = std::string();  // gives the memory back
  if (!parsed) return std::unexpected(std::move(parsed.error()));
  return std::move(*parsed);
}

std::expected<RequestHead, Refusal> RequestParser::ParseHead(std::string_view head) {
  const auto line = ParseRequestLine(head.substr(0, head.find("\r\n")));
  if (!line) return std::unexpected(line.error());
  auto target = ParseTarget(line->method, line->target);
  if (!target) return std::unexpected(std::move(target.error()));

  Collector collector;
  llhttp_init(&llhttp_, HTTP_REQUEST, &Callbacks::Settings());
  const auto executed = Execute(head, collector);
  // llhttp refuses some codings on its own, behind the head; the plain words for it come first.
  if (!executed && !collector.head_complete) return std::unexpected(executed.error());
  if (auto sound = CheckFraming(collector.headers, line->version); !sound) {
    return std::unexpected(std::move(sound.error()));
  }
  if (!executed) return std::unexpected(executed.error());
  if (!collector.head_complete) return Refuse(400, "malformed request head");

  RequestHead out;
  Request& request = out.request;
  request.method = std::string(line->method);
  request.version = line->version;
  request.target = std::move(*target);
  request.headers = std::move(collector.headers);
  if (auto sound = ApplyHost(request.target, request.headers, request.version); !sound) {
    return std::unexpected(std::move(sound.error()));
  }
  request.has_body = !collector.message_complete;
  out.keep_alive = KeepsAlive(request.headers, request.version);
  const bool http11 = request.version == Version::kHttp11;
  request.wants_upgrade = http11 && !request.has_body &&
                          request.headers.Find("upgrade") != nullptr &&
                          request.headers.HasToken("connection", "upgrade");
  if (const std::string* expect = request.headers.Find("expect"); expect != nullptr && http11) {
    if (!EqualsIgnoreCase(*expect, "100-continue")) return Refuse(417, "unknown expectation");
    out.expects_continue = request.has_body;
  }

  phase_ = Phase::kEnd;
  if (request.has_body) {
    phase_ = collector.has_coding ? Phase::kChunks : Phase::kLengthBody;
    body_left_ = collector.has_coding ? 0 : llhttp_.content_length;
    chunks_.Reset();
  }
  return out;
}

std::expected<RequestParser::Event, Refusal> RequestParser::NextLengthBody(Bytes& input) {
  if (input.empty()) return NeedMore{};
  const Bytes piece =
      input.first(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input.size())));
  input = input.subspan(piece.size());
  body_left_ -= piece.size();
  if (body_left_ == 0) phase_ = Phase::kEnd;
  return RequestBody{piece};
}

std::expected<RequestParser::Event, Refusal> RequestParser::NextChunk(Bytes& input) {
  while (!input.empty()) {
    const auto segment = chunks_.Next(AsText(input));
    if (!segment) return std::unexpected(segment.error());
    const Bytes piece = input.first(segment->bytes);
    input = input.subspan(segment->bytes);
    if (segment->kind == ChunkScanner::Kind::kExtension) continue;
    Collector unused;
    if (auto sound = Execute(AsText(piece), unused); !sound) {
      return std::unexpected(std::move(sound.error()));
    }
    if (segment->kind == ChunkScanner::Kind::kData) return RequestBody{piece};
    if (segment->kind == ChunkScanner::Kind::kLastChunk) {
      phase_ = Phase::kTrailers;
      scanner_.Reset(FieldScanner::Section::kTrailers);
      return NextTrailers(input);
    }
  }
  return NeedMore{};
}

std::expected<RequestParser::Event, Refusal> RequestParser::NextTrailers(Bytes& input) {
  const auto section = Section(input);
  if (!section) return std::unexpected(section.error());
  if (section->empty()) return NeedMore{};
  Collector collector;
  collector.trailers = true;
  const auto executed = Execute(*section, collector);
  kept_ = std::string();
  if (!executed) return std::unexpected(executed.error());
  if (!collector.message_complete) return Refuse(400, "malformed trailers");
  phase_ = Phase::kHead;
  scanner_.Reset(FieldScanner::Section::kRequestHead);
  return RequestEnd{std::move(collector.headers)};
}

std::expected<void, Refusal> RequestParser::Execute(std::string_view text, Collector& collector) {
  llhttp_.data = &collector;
  const llhttp_errno_t code = llhttp_execute(&llhttp_, text.data(), text.size());
  llhttp_.data = nullptr;
  if (collector.refusal) return std::unexpected(std::move(*collector.refusal));
  // Whatever the client wants to upgrade to, where the message ends is known, and that is all that
  // counts here.
  if (code == HPE_OK || (code == HPE_PAUSED_UPGRADE && collector.message_complete)) return {};
  return std::unexpected(FromLlhttp(llhttp_));
}

}  // namespace upgate::http
