#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "gateway/http/message.h"

namespace upgate::http {

// The header fields of a request to a server, in order, as they go out on the wire: written once,
// and not taken apart again. Content-Length, Transfer-Encoding, Connection and Upgrade are left
// out; they are the connection's to say.
class OutgoingFields {
 public:
  OutgoingFields() = default;
  OutgoingFields(std::initializer_list<Header> headers);
  explicit OutgoingFields(const Headers& headers);

  void Add(std::string_view name, std::string_view value);
  // The same for a field as a parser of ours gave it, which holds it to the same characters.
  void AddParsed(const Header& header);
  // Whether all that was added can be sent: no CR, LF, NUL or bad name, which would break the
  // framing.
  bool sound() const { return sound_; }
  // Lines with their ends.
  std::string_view text() const { return text_; }

 private:
  void Append(std::string_view name, std::string_view value);

  std::string text_;
  bool sound_ = true;
};

}  // namespace upgate::http
