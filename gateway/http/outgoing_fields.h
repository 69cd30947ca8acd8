#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "gateway/http/message.h"

namespace upgate::http {

// The header fields of a request to a server, in order, in wire format: serialized once and never
// parsed again. Content-Length, Transfer-Encoding, Connection and Upgrade are dropped, because the
// connection writes them.
class OutgoingFields {
 public:
  OutgoingFields() = default;
  OutgoingFields(std::initializer_list<Header> headers);
  explicit OutgoingFields(const Headers& headers);

  void Add(std::string_view name, std::string_view value);
  // Adds a field from one of our parsers, which already validated its characters.
  void AddParsed(const Header& header);
  // True if all added fields can be sent: none has CR, LF, NUL or an invalid name, which would
  // break the framing.
  bool sound() const { return sound_; }
  // The field lines, each ending with CRLF.
  std::string_view text() const { return text_; }

 private:
  void Append(std::string_view name, std::string_view value);

  std::string text_;
  bool sound_ = true;
};

}  // namespace upgate::http
