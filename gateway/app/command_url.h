#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"

namespace upgate::app {

// An error in an argument, for the console.
struct UsageError {
  std::string message;
};

// A URL from the command line, parsed by the rules for requests.
struct CommandUrl {
  std::string scheme;      // "ws", "wss", "http" or "https"; empty when only a path was given
  std::string host;        // lower case, no brackets; empty for a path
  std::uint16_t port = 0;  // the scheme's default filled in; 0 for a path
  std::string authority;   // as written, for Host
  std::string target;      // path and query as written, as a request line has them

  bool is_websocket() const { return scheme == "ws" || scheme == "wss"; }
  bool is_secure() const { return scheme == "wss" || scheme == "https"; }
};

std::expected<CommandUrl, UsageError> ReadUrl(std::string_view text);

// Parses headers of the form "Name: value" (RFC 9110, section 5).
std::expected<http::Headers, UsageError> ReadHeaders(const std::vector<std::string>& lines);

}  // namespace upgate::app
