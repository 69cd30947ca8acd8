#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <variant>

#include "gateway/base/bytes.h"
#include "gateway/http/message.h"
#include "gateway/http/message_reader.h"
#include "gateway/http/refusal.h"

namespace upgate::http {

// A validated head, and what the connection needs to know in addition to the request.
struct RequestHead {
  Request request;
  bool keep_alive = false;        // requested by the client
  bool expects_continue = false;  // RFC 9110, section 10.1.1
};

// Parses HTTP/1.1 requests (RFC 9112) from bytes, one after another, using a MessageReader. No I/O,
// no clock. Not thread-safe. Events of one request: RequestHead, RequestBody any number of times,
// RequestEnd. After a refusal the parser must not be used: answer and close.
class RequestParser {
 public:
  struct Limits {
    std::size_t head_bytes;    // request line and headers together; also the limit for trailers
    std::size_t header_count;  // also the limit for trailers
    bool underscores = false;  // keep fields whose names contain '_'
  };
  using NeedMore = MessageReader::NeedMore;
  using RequestBody = MessageReader::BodyPart;
  using RequestEnd = MessageReader::MessageEnd;
  using Event = std::variant<NeedMore, RequestHead, RequestBody, RequestEnd>;

  explicit RequestParser(Limits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Consumes from the front of `input`. RequestEnd needs no input if there is no body.
  std::expected<Event, Refusal> Next(Bytes& input);

  // Between the first byte of a head and its end.
  bool in_head() const { return reader_.in_head() || key3_wanted_ != nullptr; }
  // Heap bytes kept for a partial head.
  std::size_t kept_bytes() const { return reader_.kept_bytes(); }
  // Bytes left of a body with Content-Length; 0 for others.
  std::uint64_t body_left() const { return reader_.body_left(); }

 private:
  std::expected<Event, Refusal> NextHead(Bytes& input);
  std::expected<RequestHead, Refusal> ParseHead(std::string_view head);
  Event NextKey3(Bytes& input);

  // A complete head whose key_3 is still incomplete.
  struct Key3Wanted {
    RequestHead head;
    std::size_t size = 0;  // bytes of key_3 received
  };

  MessageReader reader_;
  std::unique_ptr<Key3Wanted> key3_wanted_;
};

}  // namespace upgate::http
