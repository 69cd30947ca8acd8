#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace upgate::http {

struct Header {
  Header() = default;
  Header(std::string_view n, std::string_view v) : name(n), value(v) {}

  std::string name;
  std::string value;
};

// Header fields in the order in which they stand; names compare without case (RFC 9110,
// section 5.1).
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  void Add(std::string_view name, std::string_view value);
  // Makes room for that many fields in all.
  void Reserve(std::size_t count) { headers_.reserve(count); }
  // Replaces every field of that name by one, in the place of the first.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);
  // Keeps the fields for which `keep(Header&)` is true; it may change them, too.
  template <class Keep>
  void Filter(Keep&& keep) {
    std::erase_if(headers_, [&](Header& header) { return !keep(header); });
  }

  // The first value, or nullptr.
  const std::string* Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
  // Whether any field of that name holds `token` in its comma-separated list, without case.
  bool HasToken(std::string_view name, std::string_view token) const;
  // All values of that name joined by ", " (RFC 9110, section 5.3).
  std::string Joined(std::string_view name) const;

  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }
  std::size_t size() const { return headers_.size(); }
  bool empty() const { return headers_.empty(); }

 private:
  std::vector<Header> headers_;
};

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

// A request target (RFC 9112, section 3.2), taken apart and made safe to route on.
struct Target {
  std::string scheme;  // of an absolute-form target, lower case; empty for origin-form and "*"
  // From Host or the authority: lower case, no port, no brackets; the root's dot as it was written.
  std::string host;
  std::uint16_t port = 0;  // 0: none was written
  std::string authority;   // as the client wrote it, for Location and Host towards servers
  // What routes match on: percent-decoded, dot segments removed, always begins with '/', or is "*".
  // %2F and %00 stay as they are written, so that they can never change which route matches.
  std::string path;
  // The path as it goes on to an HTTP server: still percent-encoded, bytes beyond ASCII too, dot
  // segments removed.
  std::string raw_path;
  // Without '?', as written but for bytes beyond ASCII, which are percent-encoded; empty when there
  // is none.
  std::string query;
  bool has_query = false;
  // The path holds what servers read in different ways: several slashes in a row, ';', an encoded
  // slash, backslash or '%'. See route::OtherReadings.
  bool has_readings = false;
};

// The value of `name` in a query string (application/x-www-form-urlencoded), percent-decoded;
// nothing if it is not there.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);
// `query` without the parameter `name`, everything else as it was.
std::string QueryWithout(std::string_view query, std::string_view name);

// A checked request head. The connection answers those that are wrong itself; nobody above sees
// them.
struct Request {
  std::string method;
  Version version = Version::kHttp11;
  Target target;
  Headers headers;
  bool has_body = false;  // Content-Length above zero or chunked
  // Connection: upgrade and an Upgrade to WebSocket are there, on HTTP/1.1. That is the only
  // protocol to which connections are handed over: to ask for another changes nothing (RFC 9110,
  // section 7.8).
  bool wants_upgrade = false;
  // The 8 bytes behind the head of a handshake with two keys, which belong to the head
  // (draft-hixie-thewebsocketprotocol-76, section 5.1, "key_3").
  std::optional<std::array<std::byte, 8>> key3 = {};
  bool UpgradesTo(std::string_view protocol) const {
    return wants_upgrade && headers.HasToken("upgrade", protocol);
  }
};

// `body` is the whole body; streaming answers leave it empty and go through Exchange::SendHead.
struct Response {
  int status = 200;
  std::string reason;  // empty: the registered phrase
  Headers headers;
  std::string body;
};

// A complete refusal: text/plain, one line that says why.
Response TextResponse(int status, std::string_view why);

// IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7), of seconds since 1970.
std::string HttpDate(std::int64_t unix_seconds);

// The registered reason phrase (RFC 9110, section 15), or "Unknown".
std::string_view ReasonPhrase(int status);

}  // namespace upgate::http
