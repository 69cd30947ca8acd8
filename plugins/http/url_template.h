#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/scalar.h"
#include "gateway/plugin/resolver.h"

namespace upgate::plugins {

// The URL that a resolver asks, with places for what it asks about: {token}, {client}, {host} and
// {path}, which are percent-encoded.
class UrlTemplate {
 public:
  // `text` begins with http:// or https:// and has {token} behind the host.
  static std::expected<UrlTemplate, config::Refusal> Parse(std::string_view text);

  const HostPort& server() const { return server_; }
  bool is_secure() const { return secure_; }
  const std::string& authority() const { return authority_; }  // for Host
  // Path and query for a question. Nothing where the token would lead to another path: it stands in
  // the path and is "." or "..", or has a slash or a backslash, which some servers decode.
  std::optional<std::string> TargetFor(const plugin::Question& question) const;
  // As written.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  HostPort server_;
  bool secure_ = false;
  std::string authority_;
  std::string target_;  // path and query, with the places
};

// For how long a response may be used again, by its Cache-Control and Age (RFC 9111); nothing if it
// does not say.
std::optional<io::Millis> FreshnessOf(const http::Headers& headers);

}  // namespace upgate::plugins
