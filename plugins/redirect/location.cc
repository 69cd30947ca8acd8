#include "plugins/redirect/location.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <expected>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"

namespace upgate::plugins::redirect {
namespace {

constexpr std::array<std::string_view, 7> kNames{"scheme", "host", "port", "path",
                                                 "query",  "uri",  "rest"};

bool BeginsPath(Placeholder placeholder) {
  return placeholder == Placeholder::kPath || placeholder == Placeholder::kUri ||
         placeholder == Placeholder::kRest;
}

// Allowed in a URI (RFC 3986, section 2).
bool IsUriChar(char c) {
  return IsAlpha(c) || IsDigit(c) ||
         std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

using Part = std::variant<std::string, Placeholder, CaptureOf>;

constexpr std::string_view kCapture = "capture.";

std::optional<CaptureOf> ParseCapture(std::string_view name) {
  if (!name.starts_with(kCapture)) return {};
  name.remove_prefix(kCapture.size());
  CaptureOf capture;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), capture.group);
  const bool whole = error == std::errc{} && end == name.data() + name.size();
  return whole && capture.group > 0 ? std::optional(capture) : std::nullopt;
}

std::expected<Part, std::string> ParsePlaceholder(std::string_view name) {
  const auto it = std::ranges::find(kNames, name);
  if (it != kNames.end()) return static_cast<Placeholder>(it - kNames.begin());
  if (const auto capture = ParseCapture(name)) return *capture;
  const std::string_view near = NearestOf(name, kNames);
  const std::string shown = config::Excerpt(name);
  if (!near.empty())
    return std::unexpected(
        fmt::format("has the unknown placeholder {{{}}}; did you mean {{{}}}?", shown, near));
  return std::unexpected(
      fmt::format("has the unknown placeholder {{{}}}; there are {{{}}} and {{capture.1}}", shown,
                  Join(kNames, "}, {")));
}

std::expected<std::vector<Part>, std::string> Split(std::string_view text) {
  std::vector<Part> parts;
  while (!text.empty()) {
    const std::string_view literal = text.substr(0, text.find('{'));
    if (!std::ranges::all_of(literal, IsUriChar)) {
      return std::unexpected("has a character that is not allowed in a URL; percent-encode it");
    }
    if (!literal.empty()) parts.emplace_back(std::string(literal));
    text.remove_prefix(literal.size());
    if (text.empty()) break;
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return std::unexpected("has a '{' without '}'");
    const auto placeholder = ParsePlaceholder(text.substr(1, end - 1));
    if (!placeholder) return std::unexpected(placeholder.error());
    parts.emplace_back(*placeholder);
    text.remove_prefix(end + 1);
  }
  return parts;
}

// The error in the host of a target that has one; empty if there is none. The host ends at the
// first '/', '?' or '#', or at a placeholder that begins with a slash.
std::string FaultOfAuthority(std::string_view rest) {
  std::size_t length = 0;
  while (!rest.empty() && std::string_view("/?#").find(rest.front()) == std::string_view::npos) {
    if (rest.front() != '{') {
      rest.remove_prefix(1);
      ++length;
      continue;
    }
    const std::string_view name = rest.substr(1, rest.find('}') - 1);
    // That of a capture is none of them, and no part of a host either.
    const auto placeholder =
        static_cast<Placeholder>(std::ranges::find(kNames, name) - kNames.begin());
    if (BeginsPath(placeholder)) break;
    if (placeholder != Placeholder::kHost && placeholder != Placeholder::kPort) {
      return fmt::format("has {{{}}} in place of the host; put a '/' or '?' before it", name);
    }
    rest.remove_prefix(name.size() + 2);
    ++length;
  }
  return length == 0 ? "names no host after '//'; write for example https://{host}{uri}" : "";
}

constexpr std::array<std::string_view, 3> kSchemes{"https://", "http://", "{scheme}://"};

// The error at the beginning of `text`; empty if there is none.
std::string FaultOfTarget(std::string_view text, const std::vector<Part>& parts) {
  for (const std::string_view scheme : kSchemes) {
    if (text.starts_with(scheme)) return FaultOfAuthority(text.substr(scheme.size()));
  }
  const bool path = text.starts_with('/') && !text.starts_with("//");
  const auto* first = parts.empty() ? nullptr : std::get_if<Placeholder>(&parts.front());
  if (path || (first != nullptr && BeginsPath(*first))) return "";
  return "is neither a URL nor a path; begin it with https://, http://, {scheme}:// or /";
}

std::string_view SchemeOf(bool tls) {
  return tls ? "https" : "http";
}

// The decoded and the encoded path have the same components.
std::string_view WithoutNames(std::string_view raw_path, std::size_t names) {
  for (; names > 0 && !raw_path.empty(); --names)
    raw_path.remove_prefix(std::min(raw_path.find('/', 1), raw_path.size()));
  return raw_path.empty() ? "/" : raw_path;
}

// "*" of OPTIONS refers to the whole host.
std::string_view PathOf(const http::Target& target) {
  return target.raw_path == "*" ? "/" : std::string_view(target.raw_path);
}

std::string ValueOf(Placeholder placeholder, const http::Target& target, bool tls,
                    std::size_t prefix_names) {
  switch (placeholder) {
    case Placeholder::kScheme:
      return std::string(SchemeOf(tls));
    case Placeholder::kHost:
      return HostInUrl(WithoutRootDot(target.host));
    case Placeholder::kPort:
      return std::to_string(target.port != 0 ? target.port : tls ? 443 : 80);
    case Placeholder::kPath:
      return std::string(PathOf(target));
    case Placeholder::kQuery:
      return target.query;
    case Placeholder::kUri:
      return std::string(PathOf(target)) + (target.has_query ? "?" + target.query : "");
    case Placeholder::kRest:
      return std::string(WithoutNames(PathOf(target), prefix_names));
  }
  return {};
}

// The error in the captures, for such a route; empty if there is none.
std::string FaultOfCaptures(const std::vector<Part>& parts, const config::PathPattern& route) {
  for (const Part& part : parts) {
    const auto* capture = std::get_if<CaptureOf>(&part);
    if (capture == nullptr || capture->group <= route.captures) continue;
    if (route.kind != config::PathPattern::Kind::kRegex) {
      return fmt::format(
          "has {{capture.{}}}, which is a group of a path such as ~^/old/(.*)$; the path of this "
          "route is no regular expression",
          capture->group);
    }
    return fmt::format("has {{capture.{}}}, but the path of this route has {} group{}",
                       capture->group, route.captures, route.captures == 1 ? "" : "s");
  }
  return "";
}

// "//other.example/" would be another host.
void CollapseLeadingSlashes(std::string& path) {
  const std::size_t slashes = std::min(path.find_first_not_of('/'), path.size());
  if (slashes > 1) path.erase(0, slashes - 1);
}

}  // namespace

std::optional<Location> Location::Parse(std::string_view text, const config::PathPattern& route,
                                        const config::Field& field) {
  auto parts = Split(text);
  std::string fault = parts ? FaultOfTarget(text, *parts) : parts.error();
  const bool is_prefix = route.kind == config::PathPattern::Kind::kPrefix;
  if (fault.empty() && !is_prefix &&
      std::ranges::find(*parts, Part(Placeholder::kRest)) != parts->end()) {
    fault =
        "has {rest}, which is what follows the prefix of a route such as /old/*; this route has "
        "none";
  }
  if (fault.empty()) fault = FaultOfCaptures(*parts, route);
  if (!fault.empty()) {
    field.Refuse({.what = std::move(fault)}, {});
    return {};
  }
  Location location;
  location.parts_ = std::move(*parts);
  if (std::ranges::any_of(location.parts_,
                          [](const Part& part) { return std::holds_alternative<CaptureOf>(part); }))
    location.captures_ = std::make_shared<const plugin::PathCaptures>(route.text);
  location.prefix_names_ =
      is_prefix ? static_cast<std::size_t>(std::ranges::count(route.text, '/')) : 0;
  location.on_this_host_ = std::ranges::none_of(
      kSchemes, [&](std::string_view scheme) { return text.starts_with(scheme); });
  return location;
}

std::optional<std::string> Location::For(const http::Request& request, bool tls) const {
  std::string result;
  std::vector<std::string_view> captures;
  if (captures_) captures = captures_->Of(request.target).value_or(captures);
  for (const Part& part : parts_) {
    if (const auto* literal = std::get_if<std::string>(&part)) {
      result += *literal;
      continue;
    }
    if (const auto* capture = std::get_if<CaptureOf>(&part)) {
      if (capture->group < captures.size()) result += captures[capture->group];
      continue;
    }
    const Placeholder placeholder = std::get<Placeholder>(part);
    if (placeholder == Placeholder::kHost && request.target.host.empty()) return {};
    if (placeholder == Placeholder::kQuery && !request.target.has_query && result.ends_with('?'))
      result.pop_back();
    result += ValueOf(placeholder, request.target, tls, prefix_names_);
  }
  if (on_this_host_) CollapseLeadingSlashes(result);
  return result;
}

}  // namespace upgate::plugins::redirect
