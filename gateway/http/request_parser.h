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

// A checked head, and what the connection has to know about it beyond the request.
struct RequestHead {
  Request request;
  bool keep_alive = false;        // as far as the client is concerned
  bool expects_continue = false;  // RFC 9110, section 10.1.1
};

// Bytes in, HTTP/1.1 requests out (RFC 9112), one after the other, by way of a MessageReader. No
// I/O, no clock. Not thread-safe. The events of one request: RequestHead, RequestBody any number of
// times, RequestEnd. After a refusal the parser is dead: answer and close.
class RequestParser {
 public:
  struct Limits {
    std::size_t head_bytes;    // request line and headers together, and trailers together
    std::size_t header_count;  // headers, and trailers
    bool underscores = false;  // fields with '_' in their names are kept
  };
  using NeedMore = MessageReader::NeedMore;
  using RequestBody = MessageReader::BodyPart;
  using RequestEnd = MessageReader::MessageEnd;
  using Event = std::variant<NeedMore, RequestHead, RequestBody, RequestEnd>;

  explicit RequestParser(Limits limits);
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // Consumes from the front of `input`. RequestEnd needs no input where there is no body.
  std::expected<Event, Refusal> Next(Bytes& input);

  // Between the first byte of a head and its end.
  bool in_head() const { return reader_.in_head() || key3_wanted_ != nullptr; }
  // What is kept of a head that is not whole, and room for it.
  std::size_t kept_bytes() const { return reader_.kept_bytes(); }
  // What is left of a body with a Content-Length; 0 for others.
  std::uint64_t body_left() const { return reader_.body_left(); }

 private:
  std::expected<Event, Refusal> NextHead(Bytes& input);
  std::expected<RequestHead, Refusal> ParseHead(std::string_view head);
  Event NextKey3(Bytes& input);

  // A head that is whole but for the bytes behind it.
  struct Key3Wanted {
    RequestHead head;
    std::size_t size = 0;  // of what is there
  };

  MessageReader reader_;
  std::unique_ptr<Key3Wanted> key3_wanted_;
};

}  // namespace upgate::http
