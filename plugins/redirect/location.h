#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/plugin/path_captures.h"
#include "gateway/plugin/service.h"

namespace upgate::plugins::redirect {

// A part of the request inserted into a Location. Everything but kHost and kPort is
// percent-encoded, as the client wrote it.
enum class Placeholder : std::uint8_t {
  kScheme,  // "http", or "https" if the client used TLS
  kHost,    // in lower case, IPv6 in brackets
  kPort,    // the scheme's default if the client sent none
  kPath,    // begins with '/'
  kQuery,   // without '?'; if there is no query, a '?' before it is removed
  kUri,     // path, and the query with its '?'
  kRest,    // the path behind the route's prefix; begins with '/'
};

// {capture.1}: a group of the regular expression that is the route's path.
struct CaptureOf {
  std::size_t group = 0;  // counted from 1
  friend bool operator==(const CaptureOf&, const CaptureOf&) = default;
};

// The target of a redirect, with placeholders: "https://{host}{uri}". No request can change the
// host in the text: only {host} and {port}, which are validated, are inserted before the end of the
// host, and a target without a host never begins with "//" (no open redirect).
class Location {
 public:
  // Reports errors in `text` for such a route to `field`, and then returns nullopt.
  static std::optional<Location> Parse(std::string_view text, const config::PathPattern& route,
                                       const config::Field& field);

  // nullopt if the host is needed and the client sent none (HTTP/1.0).
  std::optional<std::string> For(const http::Request& request, bool tls) const;

 private:
  using Part = std::variant<std::string, Placeholder, CaptureOf>;

  std::vector<Part> parts_;
  std::shared_ptr<const plugin::PathCaptures> captures_;  // where `parts_` uses any
  std::size_t prefix_names_ = 0;  // components of the route's prefix, which {rest} omits
  bool on_this_host_ = false;     // has no host; begins with the path
};

}  // namespace upgate::plugins::redirect
