#include "gateway/http/message_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

std::string_view NounOf(MessageReader::Type type) {
  return type == MessageReader::Type::kRequest ? "request" : "response";
}

Refusal FromLlhttp(const llhttp_t& parser, MessageReader::Type type) {
  switch (llhttp_get_errno(&parser)) {
    case HPE_INVALID_METHOD:
      return {501, "unknown method"};
    case HPE_INVALID_CONSTANT:
      return {501, "not an HTTP method"};
    case HPE_INVALID_URL:
      return {400, "malformed request target"};
    case HPE_INVALID_CONTENT_LENGTH:
      return {400, "Content-Length is not a plain decimal number"};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {400, "Content-Length is repeated or combined with Transfer-Encoding"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {400, "Transfer-Encoding is not exactly chunked"};
    case HPE_INVALID_CHUNK_SIZE:
      return {400, "malformed chunk"};
    default:
      break;
  }
  const char* reason = llhttp_get_error_reason(&parser);
  return {400,
          fmt::format("malformed {}: {}", NounOf(type), reason == nullptr ? "unknown" : reason)};
}

// Refuses ambiguous body framing (RFC 9112, section 6).
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

}  // namespace

std::expected<Version, Refusal> ParseVersion(std::string_view text) {
  if (text == "HTTP/1.1") return Version::kHttp11;
  if (text == "HTTP/1.0") return Version::kHttp10;
  const bool numbered = text.size() == 8 && text.starts_with("HTTP/") && IsDigit(text[5]) &&
                        text[6] == '.' && IsDigit(text[7]);
  if (numbered) return Refuse(505, "only HTTP/1.1 and HTTP/1.0 are supported");
  return Refuse(400, "malformed HTTP version");
}

bool KeepsAlive(const Headers& headers, Version version) {
  if (headers.HasToken("connection", "close")) return false;
  return version == Version::kHttp11 || headers.HasToken("connection", "keep-alive");
}

// Views point into the text being parsed, which is complete, so llhttp reports each name and value
// in one piece.
struct MessageReader::Collector {
  Headers headers;
  std::string_view name;
  std::string_view value;
  bool underscores = true;
  bool trailers = false;
  bool bodiless = false;
  bool has_length = false;
  bool has_coding = false;
  std::optional<Refusal> refusal;
  bool head_complete = false;
  bool message_complete = false;

  // Reports repeated or conflicting framing headers by name, before their values are checked.
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

struct MessageReader::Callbacks {
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
    if (collector.underscores || !collector.name.contains('_'))
      collector.headers.Add(collector.name, Trim(collector.value));
    return 0;
  }
  static int OnHeadersComplete(llhttp_t* parser) {
    Of(parser).head_complete = true;
    return Of(parser).bodiless ? 1 : 0;  // 1 tells llhttp that no body follows
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

MessageReader::MessageReader(Type type, FieldScanner::Limits limits, bool underscores)
    : type_(type),
      underscores_(underscores),
      scanner_(limits),
      chunks_(type == Type::kResponse ? ChunkScanner::Padding::kAllowed
                                      : ChunkScanner::Padding::kRefused) {
  ExpectHead();
}

std::expected<MessageReader::Fields, Refusal> MessageReader::ReadFields(std::string_view head,
                                                                        Version version,
                                                                        bool bodiless) {
  const auto mode = type_ == Type::kRequest ? HTTP_REQUEST : HTTP_RESPONSE;
  llhttp_init(&llhttp_, mode, &Callbacks::Settings());
  Collector collector;
  collector.bodiless = bodiless;
  collector.underscores = underscores_;
  collector.headers.Reserve(scanner_.fields());
  const auto executed = Execute(head, collector);
  // llhttp refuses some codings itself after the head; CheckFraming has clearer messages for them.
  if (!executed && !collector.head_complete) return std::unexpected(executed.error());
  if (collector.has_length || collector.has_coding) {
    if (auto sound = CheckFraming(collector.headers, version); !sound)
      return std::unexpected(std::move(sound.error()));
  }
  if (!executed) return std::unexpected(executed.error());
  if (!collector.head_complete) return Refuse(400, fmt::format("malformed {} head", NounOf(type_)));

  Fields fields{.headers = std::move(collector.headers)};
  if (collector.message_complete) return fields;
  if (collector.has_coding) {
    fields.framing = Framing::kChunked;
  } else if (collector.has_length) {
    fields.framing = Framing::kLength;
    fields.length = llhttp_.content_length;
  } else {
    fields.framing = Framing::kToEnd;
  }
  return fields;
}

void MessageReader::ExpectBody(const Fields& fields) {
  std::string().swap(kept_);  // frees the memory; assigning would not
  body_left_ = fields.length;
  switch (fields.framing) {
    case Framing::kNone:
      phase_ = Phase::kEnd;
      return;
    case Framing::kLength:
      phase_ = Phase::kLengthBody;
      return;
    case Framing::kChunked:
      phase_ = Phase::kChunks;
      chunks_.Reset();
      return;
    case Framing::kToEnd:
      phase_ = Phase::kToEnd;
      return;
  }
}

void MessageReader::ExpectHead() {
  std::string().swap(kept_);
  phase_ = Phase::kHead;
  const bool request = type_ == Type::kRequest;
  scanner_.Reset(request ? FieldScanner::Section::kRequestHead
                         : FieldScanner::Section::kResponseHead);
}

std::expected<MessageReader::BodyEvent, Refusal> MessageReader::NextBody(Bytes& input) {
  switch (phase_) {
    case Phase::kLengthBody:
      return NextLengthBody(input);
    case Phase::kChunks:
      return NextChunk(input);
    case Phase::kTrailers:
      return NextTrailers(input);
    case Phase::kToEnd:
      if (input.empty()) return NeedMore{};
      return BodyPart{std::exchange(input, {})};
    case Phase::kHead:
    case Phase::kEnd:
      break;
  }
  ExpectHead();
  return MessageEnd{};
}

std::expected<std::string_view, Refusal> MessageReader::Section(Bytes& input) {
  const auto taken = scanner_.Scan(AsText(input));
  if (!taken) return std::unexpected(taken.error());
  const std::string_view piece = AsText(input.first(*taken));
  input = input.subspan(*taken);
  if (kept_.empty() && scanner_.done()) return piece;
  kept_ += piece;
  return scanner_.done() ? std::string_view(kept_) : std::string_view{};
}

std::expected<MessageReader::BodyEvent, Refusal> MessageReader::NextLengthBody(Bytes& input) {
  if (input.empty()) return NeedMore{};
  const Bytes piece =
      input.first(static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, input.size())));
  input = input.subspan(piece.size());
  body_left_ -= piece.size();
  if (body_left_ == 0) phase_ = Phase::kEnd;
  return BodyPart{piece};
}

std::expected<MessageReader::BodyEvent, Refusal> MessageReader::NextChunk(Bytes& input) {
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
    if (segment->kind == ChunkScanner::Kind::kData) return BodyPart{piece};
    if (segment->kind == ChunkScanner::Kind::kLastChunk) {
      phase_ = Phase::kTrailers;
      scanner_.Reset(FieldScanner::Section::kTrailers);
      return NextTrailers(input);
    }
  }
  return NeedMore{};
}

std::expected<MessageReader::BodyEvent, Refusal> MessageReader::NextTrailers(Bytes& input) {
  const auto section = Section(input);
  if (!section) return std::unexpected(section.error());
  if (section->empty()) return NeedMore{};
  Collector collector;
  collector.trailers = true;
  collector.underscores = underscores_;
  const auto executed = Execute(*section, collector);
  if (!executed) return std::unexpected(executed.error());
  if (!collector.message_complete) return Refuse(400, "malformed trailers");
  ExpectHead();
  return MessageEnd{std::move(collector.headers)};
}

std::expected<void, Refusal> MessageReader::Execute(std::string_view text, Collector& collector) {
  llhttp_.data = &collector;
  const llhttp_errno_t code = llhttp_execute(&llhttp_, text.data(), text.size());
  llhttp_.data = nullptr;
  if (collector.refusal) return std::unexpected(std::move(*collector.refusal));
  // The protocol of an upgrade does not matter here, only where the message ends.
  if (code == HPE_OK || (code == HPE_PAUSED_UPGRADE && collector.message_complete)) return {};
  return std::unexpected(FromLlhttp(llhttp_, type_));
}

}  // namespace upgate::http
