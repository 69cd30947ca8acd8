#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/config/config.h"
#include "gateway/http/message.h"

namespace upgate::app {

// An error in an argument, for the console.
struct UsageError {
  std::string message;
};
inline std::unexpected<UsageError> Misuse(std::string message) {
  return std::unexpected(UsageError{std::move(message)});
}

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

// The URL without its query, which may contain a secret: for messages, which may be logged.
std::string WithoutQuery(const CommandUrl& url);
// The server of a URL, by the TCP or TLS that is below its scheme.
config::Server ServerOf(const CommandUrl& url);

std::expected<CommandUrl, UsageError> ReadUrl(std::string_view text);

// Parses headers of the form "Name: value" (RFC 9110, section 5).
std::expected<http::Headers, UsageError> ReadHeaders(const std::vector<std::string>& lines);

// True for a header that an opening handshake or the framing of a request sets itself.
bool IsSetByHandshake(std::string_view name);

// The value of --timeout: 1ms to 1h.
std::expected<config::Millis, UsageError> ReadTimeout(const std::string& text);

// What --ca and --insecure say about the server's certificate.
config::ClientTls TrustOf(const std::string& ca, bool insecure);
// The message of a failed connection. If it is about an untrusted certificate, it names these two
// options, with `more` (each followed by a comma and a space) in between.
std::string WithTrustOptions(const Error& error, std::string_view more = "");

}  // namespace upgate::app
