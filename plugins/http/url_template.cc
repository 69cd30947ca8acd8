#include "plugins/http/url_template.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kToken = "{token}";
constexpr std::int64_t kMostSeconds = 86'400;

bool IsUnreserved(char c) {
  return IsAlpha(c) || IsDigit(c) || std::string_view("-._~").contains(c);
}

std::string Encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool IsPathSafe(std::string_view value) {
  return value != "." && value != ".." && value.find_first_of("/\\") == std::string_view::npos;
}

bool IsOfTarget(char c) {
  return IsUnreserved(c) || std::string_view("/?:@!$&'()*+,;=%{}").contains(c);
}

// The text of a place, or nothing if it is none.
std::optional<std::string_view> ValueOf(std::string_view place, const plugin::Question& question) {
  if (place == "token") return question.token;
  if (place == "client") return question.client;
  if (place == "host") return question.host;
  if (place == "path") return question.path;
  return {};
}

std::optional<config::Refusal> FaultOfTarget(std::string_view target) {
  if (!target.contains(kToken))
    return config::Refusal{"has no place for the token behind its host",
                           "write for example http://127.0.0.1:9000/target?token={token}"};
  if (!std::ranges::all_of(target, IsOfTarget))
    return config::Refusal{"has a character that a URL cannot have"};
  const http::Request request{};
  const plugin::Question nobody{
      .token = {}, .client = {}, .host = {}, .path = {}, .request = request};
  for (std::size_t at = 0; (at = target.find('{', at)) != std::string_view::npos; ++at) {
    const std::string_view place = target.substr(at + 1, target.find('}', at) - at - 1);
    if (!ValueOf(place, nobody))
      return config::Refusal{"has a place that is unknown",
                             "there are {token}, {client}, {host} and {path}"};
  }
  return {};
}

std::optional<std::int64_t> Seconds(std::string_view text) {
  if (text.starts_with('"') && text.ends_with('"') && text.size() >= 2)
    text = text.substr(1, text.size() - 2);
  if (text.empty() || !std::ranges::all_of(text, IsDigit)) return {};
  std::int64_t seconds = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return read.ec == std::errc{} ? std::min(seconds, kMostSeconds) : kMostSeconds;
}

}  // namespace

std::expected<UrlTemplate, config::Refusal> UrlTemplate::Parse(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const std::string name = ToLower(text.substr(0, std::min(scheme, text.size())));
  if (scheme == std::string_view::npos || (name != "http" && name != "https"))
    return std::unexpected(config::Refusal{"is not an http:// or https:// URL"});
  const std::size_t end = std::min(text.find_first_of("/?#", scheme + 3), text.size());
  const std::string_view base = text.substr(0, end);
  auto server = config::Syntax<config::ServerUrl>::Read(base);
  if (!server) return std::unexpected(std::move(server.error()));
  UrlTemplate url;
  url.text_ = std::string(text);
  url.secure_ = name == "https";
  url.server_ = std::get<HostPort>(server->address);
  url.authority_ = std::string(base.substr(scheme + 3));
  url.target_ = std::string(text.substr(end));
  if (!url.target_.starts_with('/')) url.target_.insert(0, "/");
  if (auto fault = FaultOfTarget(url.target_)) return std::unexpected(std::move(*fault));
  return url;
}

std::optional<std::string> UrlTemplate::TargetFor(const plugin::Question& question) const {
  std::string out;
  bool in_query = false;
  for (std::string_view rest = target_; !rest.empty();) {
    const std::string_view plain = rest.substr(0, rest.find('{'));
    rest.remove_prefix(plain.size());
    out += plain;
    in_query = in_query || plain.contains('?');
    if (rest.empty()) break;
    const std::string_view place = rest.substr(1, rest.find('}') - 1);
    rest.remove_prefix(place.size() + 2);
    const std::string_view value = ValueOf(place, question).value_or("");
    if (!in_query && !IsPathSafe(value)) return {};
    out += Encoded(value);
  }
  return out;
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
