#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/exchange.h"
#include "gateway/http/message.h"

namespace upgate::http {

// Serializes a response (RFC 9112, sections 4 and 6): framing, Date, Server and Connection, and
// omits what HEAD, 204, 304 and HTTP/1.0 clients must not get. No I/O. Headers that would break the
// framing (CR, LF, NUL, invalid names) are never written.
class ResponseWriter {
 public:
  struct Context {
    Version version = Version::kHttp11;  // of the request
    bool head_request = false;           // HEAD
    bool keep_alive = true;              // another request may follow on the connection
    std::int64_t unix_seconds = 0;
    std::string_view server_name;  // empty: no Server header
  };
  using Framed = BodyWriter::Framed;

  ResponseWriter() = default;
  explicit ResponseWriter(const Context& context) : context_(context) {}

  // The head of a final response (200 to 999). Returns nullopt if it cannot be sent; another one
  // may be tried then.
  std::optional<std::string> Head(const Response& response, BodyLength length);
  // A 1xx head; nothing is added. Empty if it is not allowed (HTTP/1.0) or cannot be sent.
  std::string Interim(const Response& response) const;

  // After Head. Bytes beyond the promised length are dropped. No slices if the response has no
  // body.
  Framed Body(Bytes bytes) { return body_.Body(bytes); }
  // The end of the body. Returns nullopt if fewer bytes were sent than promised: the connection
  // must then be aborted.
  std::optional<std::string> End(const Headers& trailers) { return body_.End(trailers); }

  // After Head: the connection closes after this response.
  bool close() const { return close_; }
  // After Head: Body may return bytes to write.
  bool has_body() const { return body_.has_body(); }
  // After Head: End returns bytes to write.
  bool has_end() const { return body_.has_end(); }

  // Exactly the given head (RFC 9110, section 7.8), without headers that cannot be sent.
  static std::string UpgradeHead(const Response& response);

 private:
  void AddFraming(std::string& out, const Response& response, BodyLength length);
  // `given`: the options of the handler, as a list.
  void AddConnection(std::string& out, std::string_view given) const;

  Context context_;
  BodyWriter body_;
  bool close_ = false;
};

}  // namespace upgate::http
