#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include <llhttp.h>

#include "gateway/base/bytes.h"
#include "gateway/http/chunk_scanner.h"
#include "gateway/http/field_scanner.h"
#include "gateway/http/message.h"
#include "gateway/http/refusal.h"
#include "gateway/io/memory.h"

namespace upgate::http {

// RFC 9112, section 2.3: the versions that can be read here.
std::expected<Version, Refusal> ParseVersion(std::string_view text);

// Whether a message with these headers leaves the connection open (RFC 9112, section 9.3).
bool KeepsAlive(const Headers& headers, Version version);

// What requests and responses have in common on the wire (RFC 9112, sections 5 to 7): fields, the
// framing of bodies, trailers. llhttp parses; the scanners in front of it refuse everything on
// which two parsers could disagree. No I/O, no clock. Keeps a copy of a head, or of trailers, only
// while it is cut across reads; body bytes are never copied. Not thread-safe. Of each message: Head
// until it is whole, Fields, ExpectBody, NextBody to its end. After a refusal the reader is dead.
class MessageReader {
 public:
  enum class Type : std::uint8_t { kRequest, kResponse };
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kToEnd };

  struct NeedMore {};
  struct BodyPart {
    Bytes bytes;  // a piece of the input
  };
  struct MessageEnd {
    Headers trailers;
  };
  using BodyEvent = std::variant<NeedMore, BodyPart, MessageEnd>;

  // The fields of a head, and how they frame the body.
  struct Fields {
    Headers headers;
    Framing framing = Framing::kNone;
    std::uint64_t length = 0;  // of kLength
  };

  // `underscores`: whether fields with '_' in their names are kept; else they are left out.
  MessageReader(Type type, FieldScanner::Limits limits, bool underscores = true);
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  bool at_head() const { return phase_ == Phase::kHead; }
  // Between the first byte of a head and its end.
  bool in_head() const { return at_head() && scanner_.begun(); }
  // The message is complete but for its MessageEnd, which needs no more input.
  bool at_end() const { return phase_ == Phase::kEnd; }
  // What is kept of a head or of trailers that are not whole, and room for it.
  std::size_t kept_bytes() const { return io::HeapBytes(kept_); }
  bool to_end() const { return phase_ == Phase::kToEnd; }
  // What is left of a body with a Content-Length; 0 for others.
  std::uint64_t body_left() const { return body_left_; }

  // Consumes from the front of `input`. The whole head once it is there, from the input or from
  // what was kept, valid until the next Expect…; empty before that.
  std::expected<std::string_view, Refusal> Head(Bytes& input) { return Section(input); }
  // Of a whole head; `bodiless`: whatever the fields say, no body follows. Leaves no choice in how
  // the body is framed (RFC 9112, section 6).
  std::expected<Fields, Refusal> ReadFields(std::string_view head, Version version, bool bodiless);
  // What comes behind the head: the body, if any, and the end.
  void ExpectBody(const Fields& fields);
  // Another head comes instead (of a response behind a 1xx).
  void ExpectHead();
  // Consumes from the front of `input`; not at_head(). MessageEnd needs no input where there is no
  // body, and does not come where the connection's end is the end.
  std::expected<BodyEvent, Refusal> NextBody(Bytes& input);

 private:
  enum class Phase : std::uint8_t { kHead, kLengthBody, kChunks, kTrailers, kToEnd, kEnd };
  struct Collector;  // what llhttp's callbacks fill
  struct Callbacks;

  std::expected<std::string_view, Refusal> Section(Bytes& input);
  std::expected<BodyEvent, Refusal> NextLengthBody(Bytes& input);
  std::expected<BodyEvent, Refusal> NextChunk(Bytes& input);
  std::expected<BodyEvent, Refusal> NextTrailers(Bytes& input);
  std::expected<void, Refusal> Execute(std::string_view text, Collector& collector);

  const Type type_;
  const bool underscores_;
  Phase phase_ = Phase::kHead;
  FieldScanner scanner_;
  ChunkScanner chunks_;
  llhttp_t llhttp_;
  std::string kept_;
  std::uint64_t body_left_ = 0;
};

}  // namespace upgate::http
