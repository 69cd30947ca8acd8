#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/plugin/service.h"

namespace upgate::plugins::redirect {

// What stands for a part of the request in a Location. Everything but kHost and kPort comes
// percent-encoded, as the client wrote it.
enum class Placeholder : std::uint8_t {
  kScheme,  // "http", or "https" where the client came with TLS
  kHost,    // in lower case, IPv6 in brackets
  kPort,    // the scheme's where the client named none
  kPath,    // begins with '/'
  kQuery,   // without '?'; where there is none, a '?' before it goes too
  kUri,     // path, and the query with its '?'
  kRest,    // the path behind the route's prefix; begins with '/'
};

// The target of a redirect, with placeholders in it: "https://{host}{uri}". Whatever a request
// holds, the result stays on the host that the text names: nothing that a client chooses can stand
// before the end of the host, but {host} and {port}, which are checked, and a target without a host
// never begins with "//".
class Location {
 public:
  // What is wrong with `text` for such a route goes to `field`, and nothing comes back.
  static std::optional<Location> Parse(std::string_view text, const config::PathPattern& route,
                                       const config::Field& field);

  // Nothing when the host is needed and the client named none (HTTP/1.0).
  std::optional<std::string> For(const http::Request& request, bool tls) const;

 private:
  using Part = std::variant<std::string, Placeholder>;

  std::vector<Part> parts_;
  std::size_t prefix_names_ = 0;  // of the route, that {rest} leaves out
  bool on_this_host_ = false;     // begins with the path
};

}  // namespace upgate::plugins::redirect
