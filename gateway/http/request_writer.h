#pragma once

#include <optional>
#include <string>

#include "gateway/base/bytes.h"
#include "gateway/http/body_writer.h"
#include "gateway/http/client_connection.h"

namespace upgate::http {

// Serializes a request to a server (RFC 9112, sections 3, 6 and 7.1). No I/O. Never writes anything
// that would break the framing.
class RequestWriter {
 public:
  // Begins a request. Returns nullopt if it cannot be sent: CR, LF, NUL or a space where none is
  // allowed, or CONNECT. Framing headers, Connection and Upgrade among its headers are dropped.
  std::optional<std::string> Head(const OutgoingRequest& request);

  // After Head. Bytes beyond the promised length are dropped.
  BodyWriter::Framed Body(Bytes bytes) { return body_.Body(bytes); }
  // Returns nullopt if fewer bytes were sent than promised: the connection must then be aborted.
  std::optional<std::string> End(const Headers& trailers) { return body_.End(trailers); }

 private:
  void AddFraming(std::string& out, const OutgoingRequest& request);

  BodyWriter body_;
};

}  // namespace upgate::http
