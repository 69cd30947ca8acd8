#include "gateway/app/command_url.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/scalar.h"
#include "gateway/http/chars.h"
#include "gateway/http/target.h"
#include "gateway/route/authority.h"

namespace upgate::app {

namespace {

// Removes a password, because the output of commands may be logged.
std::string WithoutUser(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", start), url.size());
  const std::size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < start) return Printable(url);
  return Printable(std::string(url.substr(0, start)) + "***" + std::string(url.substr(at)));
}

}  // namespace

std::expected<CommandUrl, UsageError> ReadUrl(std::string_view text) {
  const auto target = http::ParseTarget("GET", text);
  if (!target) {
    const bool has_scheme = text.find("://") != std::string_view::npos;
    return std::unexpected(UsageError{fmt::format(
        "'{}' is not a URL: {}", WithoutUser(text),
        has_scheme ? target.error().reason : "it needs a scheme, as in ws://localhost:8080/path")});
  }
  CommandUrl url{.scheme = target->scheme,
                 .host = target->host,
                 .port = target->port != 0 ? target->port : route::DefaultPort(target->scheme),
                 .authority = target->authority,
                 .target = std::string(text)};
  if (!url.scheme.empty()) {
    const std::size_t path = text.find_first_of("/?", text.find("://") + 3);
    url.target = path == std::string_view::npos ? "/" : text.substr(path);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
  }
  return url;
}

std::string WithoutQuery(const CommandUrl& url) {
  return fmt::format("{}://{}{}", url.scheme, url.authority,
                     url.target.substr(0, url.target.find('?')));
}

config::Server ServerOf(const CommandUrl& url) {
  config::Server server;
  server.scheme = url.is_secure() ? config::ServerScheme::kTls : config::ServerScheme::kTcp;
  server.address = HostPort{url.host, url.port};
  server.url = WithoutQuery(url);
  return server;
}

std::expected<http::Headers, UsageError> ReadHeaders(const std::vector<std::string>& lines) {
  http::Headers headers;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    const std::string_view name = std::string_view(line).substr(0, colon);
    const std::string_view value =
        colon == std::string::npos ? "" : Trim(std::string_view(line).substr(colon + 1));
    if (colon == std::string::npos || !http::IsToken(name) ||
        !std::ranges::all_of(value, http::IsFieldChar)) {
      return std::unexpected(UsageError{
          fmt::format("'{}' is not a header; write 'Name: value'",
                      Printable(std::string_view(line).substr(0, line.find_first_of(": "))))});
    }
    headers.Add(name, value);
  }
  return headers;
}

bool IsSetByHandshake(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames{"connection", "upgrade", "content-length",
                                                   "transfer-encoding"};
  return ToLower(name).starts_with("sec-websocket-") ||
         std::ranges::any_of(kNames, [&](auto known) { return EqualsIgnoreCase(name, known); });
}

std::expected<config::Millis, UsageError> ReadTimeout(const std::string& text) {
  constexpr config::Millis kShortest{1};
  constexpr config::Millis kLongest = std::chrono::hours(1);
  const auto timeout = config::Syntax<config::Millis>::Read(text);
  if (timeout && *timeout >= kShortest && *timeout <= kLongest) return *timeout;
  return Misuse(fmt::format("--timeout: '{}' is not {} from 1ms to 1h", Printable(text),
                            config::Syntax<config::Millis>::kForm));
}

config::ClientTls TrustOf(const std::string& ca, bool insecure) {
  config::ClientTls tls;
  tls.verify = !insecure;
  if (!ca.empty()) tls.ca = config::FilePath{ca, {}, "--ca"};
  return tls;
}

std::string WithTrustOptions(const Error& error, std::string_view more) {
  if (error.code != Errc::kTls || error.tls_fault != TlsFault::kCertificate) return error.message;
  return fmt::format(
      "{}; --ca FILE trusts the authority that signed it, {}--insecure accepts any certificate",
      error.message, more);
}

}  // namespace upgate::app
