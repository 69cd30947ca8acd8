#pragma once

#include <optional>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/client_connection.h"

namespace upgate::http {

// Turns one request to a server into bytes (RFC 9112, sections 3, 6 and 7.1). No I/O. What would
// break the framing is never written.
class RequestWriter {
 public:
  // Begins a request. Nothing when it cannot be sent as it is: CR, LF, NUL or a space where there
  // must be none, or CONNECT. Framing headers, Connection and Upgrade among its headers are left
  // out.
  std::optional<std::string> Head(const OutgoingRequest& request);

  // After Head. More than the promised length is cut off.
  BodyWriter::Framed Body(Bytes bytes) { return body_.Body(bytes); }
  // Nothing when less was sent than promised: the connection has to be broken off.
  std::optional<std::string> End(const Headers& trailers) { return body_.End(trailers); }

 private:
  void AddFraming(std::string& out, const OutgoingRequest& request);

  BodyWriter body_;
};

}  // namespace upgate::http
