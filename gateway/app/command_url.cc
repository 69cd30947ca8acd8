#include "gateway/app/command_url.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/http/target.h"
#include "gateway/route/authority.h"

namespace upgate::app {

std::expected<CommandUrl, UsageError> ReadUrl(std::string_view text) {
  const auto target = http::ParseTarget("GET", text);
  if (!target) {
    const bool has_scheme = text.find("://") != std::string_view::npos;
    return std::unexpected(
        UsageError{fmt::format("'{}' is no URL: {}", Printable(text),
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

std::expected<http::Headers, UsageError> ReadHeaders(const std::vector<std::string>& lines) {
  http::Headers headers;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(':');
    const std::string_view name = std::string_view(line).substr(0, colon);
    const std::string_view value = colon == std::string::npos ? "" : Trim(std::string_view(line).substr(colon + 1));
    if (colon == std::string::npos || !http::IsToken(name) || !std::ranges::all_of(value, http::IsFieldChar)) {
      return std::unexpected(UsageError{fmt::format("'{}' is no header; write 'Name: value'", Printable(line))});
    }
    headers.Add(name, value);
  }
  return headers;
}

}  // namespace upgate::app
