#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/scalar.h"
#include "gateway/plugin/resolver.h"
#include "plugins/http_call/http_url.h"

namespace upgate::plugins {

// The URL that a resolver asks, with places for what it asks about: {token}, {client}, {host} and
// {path}, which are percent-encoded.
class UrlTemplate {
 public:
  // `text` begins with http:// or https:// and has {token} behind the host.
  static std::expected<UrlTemplate, config::Refusal> Parse(std::string_view text);

  const HttpUrl& url() const { return url_; }
  // Path and query for a question. Nothing where the token would lead to another path: it stands in
  // the path and is "." or "..", or has a slash or a backslash, which some servers decode.
  std::optional<std::string> TargetFor(const plugin::Question& question) const;
  // As written.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  HttpUrl url_;  // with the places
};

}  // namespace upgate::plugins
