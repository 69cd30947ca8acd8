#include "plugins/http/url_template.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

constexpr std::string_view kToken = "{token}";

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

}  // namespace

std::expected<UrlTemplate, config::Refusal> UrlTemplate::Parse(std::string_view text) {
  auto url = ReadHttpUrl(text);
  if (!url) return std::unexpected(std::move(url.error()));
  if (auto fault = FaultOfTarget(url->target)) return std::unexpected(std::move(*fault));
  UrlTemplate read;
  read.text_ = std::string(text);
  read.url_ = std::move(*url);
  return read;
}

std::optional<std::string> UrlTemplate::TargetFor(const plugin::Question& question) const {
  std::string out;
  bool in_query = false;
  for (std::string_view rest = url_.target; !rest.empty();) {
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

}  // namespace upgate::plugins
