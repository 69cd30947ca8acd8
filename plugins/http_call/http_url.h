#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/field.h"
#include "gateway/config/scalar.h"
#include "gateway/plugin/http_client.h"

namespace upgate::plugins {

// Where a plugin asks an HTTP server.
struct HttpUrl {
  HostPort server;
  bool is_secure = false;
  std::string authority;  // for Host
  std::string target;     // path and query, as written
};

// Reads a URL that begins with http:// or https://.
std::expected<HttpUrl, config::Refusal> ReadHttpUrl(std::string_view text);
// True for a text that is meant to be a URL, valid or not.
bool LooksLikeHttpUrl(std::string_view text);
// The fault of a path and query that are sent as they are.
std::optional<config::Refusal> FaultOfHttpTarget(std::string_view target);

// The option `tls` for requests to this URL: the context of an https URL, nullptr for others and if
// there are errors.
std::shared_ptr<tls::ClientContext> ParseHttpTls(const config::Field& tls, const HttpUrl& url,
                                                 const std::filesystem::path& folder);
// The option `headers`: a map of fields to send.
using HttpFields = std::vector<std::pair<std::string, std::string>>;
HttpFields ParseHttpFields(const config::Field& field);

// For how long a response may be used again, by its Cache-Control and Age (RFC 9111); nothing if it
// does not say.
std::optional<io::Millis> FreshnessOf(const http::Headers& headers);

}  // namespace upgate::plugins
