#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"

namespace upgate::http {

struct Header {
  Header() = default;
  Header(std::string_view n, std::string_view v) : name(n), value(v) {}

  std::string name;
  std::string value;
};

// Header fields in order; names are compared case-insensitively (RFC 9110, section 5.1).
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  void Add(std::string_view name, std::string_view value);
  // Reserves space for `count` fields in total.
  void Reserve(std::size_t count) { headers_.reserve(count); }
  // Replaces all fields of that name by one, at the position of the first.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);
  // Keeps the fields for which `keep(Header&)` returns true; `keep` may modify them.
  template <class Keep>
  void Filter(Keep&& keep) {
    std::erase_if(headers_, [&](Header& header) { return !keep(header); });
  }

  // The first value, or nullptr.
  const std::string* Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
  // True if a field of that name has `token` in its comma-separated list, case-insensitively.
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

// A parsed request target (RFC 9112, section 3.2), normalized for routing.
struct Target {
  std::string scheme;  // of an absolute-form target, in lower case; else empty
  // From Host or the authority: lower case, no port, no brackets; a trailing root dot is kept.
  std::string host;
  std::uint16_t port = 0;  // 0: none given
  std::string authority;   // as the client wrote it, for Location and for Host towards servers
  // What routes match on: percent-decoded, dot segments removed; begins with '/', or is "*". %2F
  // and %00 stay encoded, so that they can never change which route matches.
  std::string path;
  // The path for HTTP servers: percent-encoded, including bytes beyond ASCII, dot segments removed.
  std::string raw_path;
  // Without '?', as received except that bytes beyond ASCII are percent-encoded; empty if there is
  // none.
  std::string query;
  bool has_query = false;
  // The path contains something that servers interpret in different ways: consecutive slashes, ';',
  // an encoded slash, backslash or '%'. See route::OtherReadings.
  bool has_readings = false;
};

// The value of `name` in a query string (application/x-www-form-urlencoded), percent-decoded;
// nullopt if it is not there.
std::optional<std::string> QueryValue(std::string_view query, std::string_view name);
// All parameters of a query string in their order, names and values percent-decoded; a parameter
// without '=' has an empty value.
std::vector<std::pair<std::string, std::string>> QueryParameters(std::string_view query);
// `query` without the parameter `name`; the rest is unchanged.
std::string QueryWithout(std::string_view query, std::string_view name);

// A validated request head. The connection answers invalid requests itself; the layers above never
// see them.
struct Request {
  std::string method;
  Version version = Version::kHttp11;
  Target target;
  Headers headers;
  bool has_body = false;  // Content-Length above zero or chunked
  // HTTP/1.1 with Connection: upgrade and an Upgrade to WebSocket, the only protocol that
  // connections are handed over to. A request for any other protocol is ignored (RFC 9110, section
  // 7.8).
  bool wants_upgrade = false;
  // The 8 bytes behind the head of a handshake with two keys; they belong to the head
  // (draft-hixie-thewebsocketprotocol-76, section 5.1, "key_3").
  std::optional<std::array<std::byte, 8>> key3 = {};
  bool UpgradesTo(std::string_view protocol) const {
    return wants_upgrade && headers.HasToken("upgrade", protocol);
  }
};

// `body` is the whole body; streamed responses leave it empty and use Exchange::SendHead.
struct Response {
  int status = 200;
  std::string reason;  // empty: the standard phrase
  Headers headers;
  std::string body;
};

// An error response: text/plain with one line that gives the reason.
Response TextResponse(int status, std::string_view why);

// Formats seconds since 1970 as IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section
// 5.6.7).
std::string HttpDate(std::int64_t unix_seconds);

// The standard reason phrase (RFC 9110, section 15), or "Unknown".
std::string_view ReasonPhrase(int status);

}  // namespace upgate::http
