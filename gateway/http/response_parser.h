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

// 101 to a request that asked for it. What follows is not HTTP any more, and stays in the input.
struct SwitchHead {
  Response response;
};

// The final head; `response.body` is empty.
struct ResponseHead {
  Response response;
  BodyLength
      length;  // of what follows: 0 where there is no body, nothing: not known before its end
};

// Bytes in, the answers to HTTP/1.1 requests out (RFC 9112), by way of a MessageReader. No I/O, no
// clock. Not thread-safe. The events of one answer, behind Begin: InterimHead any number of times,
// then SwitchHead, or ResponseHead, ResponseBody any number of times and ResponseEnd. After an
// error (Errc::kProtocol) the parser is dead: drop the connection.
class ResponseParser {
 public:
  struct Limits {
    std::size_t head_bytes;     // status line and headers together, and trailers together
    std::size_t header_count;   // headers, and trailers
    std::size_t interim_count;  // 1xx heads before the final one
  };
  using NeedMore = MessageReader::NeedMore;
  using ResponseBody = MessageReader::BodyPart;
  using ResponseEnd = MessageReader::MessageEnd;
  using Event =
      std::variant<NeedMore, InterimHead, SwitchHead, ResponseHead, ResponseBody, ResponseEnd>;

  explicit ResponseParser(const Limits& limits);

  // What the next answer belongs to: a request of this method, with this Upgrade header ("": none).
  void Begin(std::string_view method, std::string_view upgrade);
  // Consumes from the front of `input`. ResponseEnd needs no input where there is no body.
  Result<Event> Next(Bytes& input);
  // The connection has ended in order, and Next needs more: the end of a body that goes up to
  // there, else an error.
  Result<ResponseEnd> End() const;

  // ResponseEnd is next and needs no more input.
  bool at_end() const { return reader_.at_end(); }
  // Behind the final head: the server takes another request on this connection.
  bool keep_alive() const { return keep_alive_; }

 private:
  struct StatusLine {
    Version version;
    int status;
    std::string_view reason;
  };
  static std::expected<StatusLine, Refusal> ParseStatusLine(std::string_view line);
  std::expected<Event, Refusal> NextHead(Bytes& input);
  // Of a whole head; heals what can mean one thing only.
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
