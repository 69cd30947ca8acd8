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

// Accepts HTTP/1.0 and HTTP/1.1 (RFC 9112, section 2.3).
std::expected<Version, Refusal> ParseVersion(std::string_view text);

// True if the connection stays open after a message with these headers (RFC 9112, section 9.3).
bool KeepsAlive(const Headers& headers, Version version);

// The parts of HTTP/1.1 parsing that requests and responses share (RFC 9112, sections 5 to 7):
// fields, body framing, trailers. llhttp parses; the scanners in front of it refuse everything that
// two parsers could interpret differently. No I/O, no clock. Copies a head or trailers only if they
// are split across reads; body bytes are never copied. Not thread-safe. Order of calls for each
// message: Head until it is complete, ReadFields, ExpectBody, NextBody until MessageEnd. After a
// refusal the reader must not be used.
class MessageReader {
 public:
  enum class Type : std::uint8_t { kRequest, kResponse };
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kToEnd };

  struct NeedMore {};
  struct BodyPart {
    Bytes bytes;  // a part of the input
  };
  struct MessageEnd {
    Headers trailers;
  };
  using BodyEvent = std::variant<NeedMore, BodyPart, MessageEnd>;

  // The fields of a head and the resulting body framing.
  struct Fields {
    Headers headers;
    Framing framing = Framing::kNone;
    std::uint64_t length = 0;  // for kLength
  };

  // `underscores`: keep fields whose names contain '_'; otherwise they are dropped.
  MessageReader(Type type, FieldScanner::Limits limits, bool underscores = true);
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  bool at_head() const { return phase_ == Phase::kHead; }
  // Between the first byte of a head and its end.
  bool in_head() const { return at_head() && scanner_.begun(); }
  // The message is complete; the pending MessageEnd needs no more input.
  bool at_end() const { return phase_ == Phase::kEnd; }
  // Heap bytes kept for a partial head or partial trailers.
  std::size_t kept_bytes() const { return io::HeapBytes(kept_); }
  // The beginning of a head that is not complete, or was refused.
  const std::string& kept() const { return kept_; }
  bool to_end() const { return phase_ == Phase::kToEnd; }
  // Bytes left of a body with Content-Length; 0 for others.
  std::uint64_t body_left() const { return body_left_; }

  // Consumes from the front of `input`. Returns the whole head once it is complete, a view of the
  // input or of the kept copy, valid until the next Expect… call; empty until then.
  std::expected<std::string_view, Refusal> Head(Bytes& input) { return Section(input); }
  // Parses a complete head. `bodiless`: no body follows, whatever the fields say. Refuses ambiguous
  // body framing (RFC 9112, section 6).
  std::expected<Fields, Refusal> ReadFields(std::string_view head, Version version, bool bodiless);
  // Starts on what follows the head: the body, if any, and the end.
  void ExpectBody(const Fields& fields);
  // Expects another head instead (a response after a 1xx).
  void ExpectHead();
  // Consumes from the front of `input`; not while at_head(). MessageEnd needs no input if there is
  // no body. It does not come if the body ends with the connection.
  std::expected<BodyEvent, Refusal> NextBody(Bytes& input);

 private:
  enum class Phase : std::uint8_t { kHead, kLengthBody, kChunks, kTrailers, kToEnd, kEnd };
  struct Collector;  // filled by llhttp's callbacks
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
