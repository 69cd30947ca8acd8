#include "plugins/http_call/http_url.h"

#include <algorithm>
#include <charconv>

#include "gateway/base/text.h"
#include "gateway/config/resolver_keys.h"

namespace upgate::plugins {
namespace {

constexpr std::int64_t kMostSeconds = 86'400;

std::optional<std::int64_t> Seconds(std::string_view text) {
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2)
    text = text.substr(1, text.size() - 2);
  if (text.empty() || !std::ranges::all_of(text, IsDigit)) return {};
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return read.ec == std::errc{} ? std::min(seconds, kMostSeconds) : kMostSeconds;
}

}  // namespace

std::expected<HttpUrl, config::Refusal> ReadHttpUrl(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::string name = ToLower(text.substr(0, std::min(scheme, text.size())));
  if (scheme == std::string_view::npos || (name != "http" && name != "https"))
    return std::unexpected(config::Refusal{"is not an http:// or https:// URL"});
  const std::size_t end = std::min(text.find_first_of("/?#", scheme + 3), text.size());
  const std::string_view base = text.substr(0, end);
  auto server = config::Syntax<config::ServerUrl>::Read(base);
  if (!server) return std::unexpected(std::move(server.error()));
  HttpUrl url{.server = std::get<HostPort>(server->address),
              .is_secure = name == "https",
              .authority = std::string(base.substr(scheme + 3)),
              .target = std::string(text.substr(end))};
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

bool LooksLikeHttpUrl(std::string_view text) {
  return text.contains("://");
}

std::optional<config::Refusal> FaultOfHttpTarget(std::string_view target) {
  const auto fits = [](char c) {
    return IsAlpha(c) || IsDigit(c) || std::string_view("-._~/:?@!$&'()*+,;=%").contains(c);
  };
  if (std::ranges::all_of(target, fits)) return {};
  return config::Refusal{"has a character that a URL cannot have"};
}

std::shared_ptr<tls::ClientContext> ParseHttpTls(const config::Field& tls, const HttpUrl& url,
                                                 const std::filesystem::path& folder) {
  const auto settings = config::ParseServiceTls(tls, folder);
  if (tls.present() && !url.server.host.empty() && !url.is_secure)
    tls.Error("has no effect: the url does not begin with https://");
  if (!url.is_secure || !tls.sound()) return nullptr;
  auto context = tls::ClientContext::Make(settings.value_or(config::ClientTls{}));
  if (context) return std::move(*context);
  for (const auto& error : context.error()) tls.ErrorAt(error.mark, error.message);
  return nullptr;
}

HttpFields ParseHttpFields(const config::Field& field) {
  HttpFields fields;
  if (!field.present()) return fields;
  for (const config::Field::Member& member : field.Members()) {
    const auto value = member.field.Maybe<std::string>();
    if (!config::Syntax<config::Token>::Read(member.name)) {
      member.field.ErrorAt(member.mark, "is not a valid name of a header");
    } else if (value && value->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      member.field.Error("has a line end in it, which a header cannot carry");
    } else if (value) {
      fields.emplace_back(member.name, *value);
    }
  }
  return fields;
}

std::optional<io::Millis> FreshnessOf(const http::Headers& headers) {
  const std::string fields = headers.Joined("cache-control");
  std::optional<std::int64_t> age, shared;
  std::string_view list = fields;
  for (std::string_view item; !(item = NextListItem(list)).empty();) {
    const std::size_t equals = item.find('=');
    const std::string name = ToLower(Trim(item.substr(0, equals)));
    if (name == "no-store" || name == "no-cache" || name == "private") return io::Millis{0};
    if (equals == std::string_view::npos) continue;
    const auto seconds = Seconds(Trim(item.substr(equals + 1)));
    if (name == "max-age") age = seconds.value_or(0);
    if (name == "s-maxage") shared = seconds.value_or(0);
  }
  if (!shared && !age) return {};
  const std::string* spent = headers.Find("age");
  const std::int64_t left =
      shared.value_or(age.value_or(0)) - (spent != nullptr ? Seconds(*spent).value_or(0) : 0);
  return io::Millis{1000 * std::max<std::int64_t>(left, 0)};
}

}  // namespace upgate::plugins
