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

namespace upgate::http {

// A checked head, and what the connection has to know about it beyond the request.
struct RequestHead {
  Request request;
  bool keep_alive = false;        // as far as the client is concerned
  bool expects_continue = false;  // RFC 9110, section 10.1.1
};

// Bytes in, HTTP/1.1 requests out (RFC 9112), one after the other. llhttp parses; the scanners in
// front of it refuse everything on which two parsers could disagree. No I/O, no clock. Keeps a copy
// of a head, or of trailers, only while it is cut across reads; body bytes are never copied. Not
// thread-safe. The events of one request: RequestHead, RequestBody any number of times, RequestEnd.
// After a refusal the parser is dead: answer and close.
class RequestParser {
 public:
  struct Limits {
    std::size_t head_bytes;    // request line and headers together, and trailers together
    std::size_t header_count;  // headers, and trailers
  };
  struct NeedMore {};
  struct RequestBody {
    Bytes bytes;  // a piece of the input
  };
  struct RequestEnd {
    Headers trailers;
  };
  using Event = std::variant<NeedMore, RequestHead, RequestBody, RequestEnd>;

  explicit RequestParser(Limits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Consumes from the front of `input`. RequestEnd needs no input where there is no body.
  std::expected<Event, Refusal> Next(Bytes& input);

  // Between the first byte of a head and its end.
  bool in_head() const { return phase_ == Phase::kHead && scanner_.begun(); }
  // What is left of a body with a Content-Length; 0 for others.
  std::uint64_t body_left() const { return body_left_; }

 private:
  enum class Phase : std::uint8_t { kHead, kLengthBody, kChunks, kTrailers, kEnd };
  struct Collector;  // what llhttp's callbacks fill
  struct Callbacks;

  std::expected<Event, Refusal> NextHead(Bytes& input);
  std::expected<Event, Refusal> NextLengthBody(Bytes& input);
  std::expected<Event, Refusal> NextChunk(Bytes& input);
  std::expected<Event, Refusal> NextTrailers(Bytes& input);
  // The whole section once it is there, from the input or from what was kept; empty before that.
  std::expected<std::string_view, Refusal> Section(Bytes& input);
  std::expected<RequestHead, Refusal> ParseHead(std::string_view head);
  std::expected<void, Refusal> Execute(std::string_view text, Collector& collector);

  Phase phase_ = Phase::kHead;
  FieldScanner scanner_;
  ChunkScanner chunks_;
  llhttp_t llhttp_;
  std::string kept_;
  std::uint64_t body_left_ = 0;
};

}  // namespace upgate::http
