#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/base/bytes.h"
#include "gateway/base/result.h"
#include "gateway/http/exchange.h"
#include "gateway/http/message.h"
#include "gateway/http/message_reader.h"

namespace upgate::http {

// A 1xx head other than 101.
struct InterimHead {
  Response response;
};

// 101 to a request that asked for an upgrade. The bytes that follow are not HTTP and stay in the
// input.
struct SwitchHead {
  Response response;
};

// The final head; `response.body` is empty.
struct ResponseHead {
  Response response;
  // Of the body: 0 if there is none, nullopt if it is not known in advance.
  BodyLength length;
};

// Parses responses to HTTP/1.1 requests (RFC 9112) from bytes, using a MessageReader. No I/O, no
// clock. Not thread-safe. Events of one response, after Begin: InterimHead any number of times,
// then SwitchHead; or ResponseHead, ResponseBody any number of times and ResponseEnd. After an
// error (Errc::kProtocol) the parser must not be used: drop the connection.
class ResponseParser {
 public:
  struct Limits {
    std::size_t head_bytes;     // status line and headers together; also the limit for trailers
    std::size_t header_count;   // also the limit for trailers
    std::size_t interim_count;  // 1xx heads before the final one
  };
  using NeedMore = MessageReader::NeedMore;
  using ResponseBody = MessageReader::BodyPart;
  using ResponseEnd = MessageReader::MessageEnd;
  using Event =
      std::variant<NeedMore, InterimHead, SwitchHead, ResponseHead, ResponseBody, ResponseEnd>;

  explicit ResponseParser(const Limits& limits);

  // The request that the next response belongs to: its method and its Upgrade header ("": none).
  void Begin(std::string_view method, std::string_view upgrade);
  // Consumes from the front of `input`. ResponseEnd needs no input if there is no body.
  Result<Event> Next(Bytes& input);
  // The connection has ended with FIN while Next needs more input. Succeeds for a body that is
  // delimited by the end of the connection; otherwise an error.
  Result<ResponseEnd> End() const;

  // ResponseEnd is next and needs no more input.
  bool at_end() const { return reader_.at_end(); }
  // After the final head: the server accepts another request on this connection.
  bool keep_alive() const { return keep_alive_; }

 private:
  struct StatusLine {
    Version version;
    int status;
    std::string_view reason;
  };
  static std::expected<StatusLine, Refusal> ParseStatusLine(std::string_view line);
  std::expected<Event, Refusal> NextHead(Bytes& input);
  // Parses the fields of a complete head; repairs unambiguous mistakes.
  std::expected<MessageReader::Fields, Refusal> ReadFields(std::string_view head,
                                                           const StatusLine& line);
  std::expected<Event, Refusal> TakeInterim(const StatusLine& line, MessageReader::Fields fields);
  std::expected<Event, Refusal> TakeSwitch(const StatusLine& line, MessageReader::Fields fields);
  std::expected<Event, Refusal> TakeFinal(const StatusLine& line, MessageReader::Fields fields);

  const std::size_t interim_limit_;
  MessageReader reader_;
  bool head_request_ = false;
  std::string upgrade_;
  std::size_t interims_ = 0;
  bool keep_alive_ = false;
};

}  // namespace upgate::http
