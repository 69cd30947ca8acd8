#include "gateway/upgrade/server_choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::upgrade {
namespace {

// The address without a port, so that all connections of a client have the same key.
std::string_view AddressOf(std::string_view client) {
  if (client.starts_with('[')) return client.substr(1, client.find(']') - 1);
  const std::size_t colon = client.find(':');
  return colon != std::string_view::npos && client.find(':', colon + 1) == std::string_view::npos
             ? client.substr(0, colon)
             : client;
}

std::optional<std::uint64_t> KeyOf(const config::HashKey& key, const http::Request& request,
                                   const route::SeenAs& seen) {
  using Kind = config::HashKey::Kind;
  const auto unless_empty = [](std::string_view text) {
    return text.empty() ? std::nullopt : std::optional(backend::HashOf(text));
  };
  switch (key.kind) {
    case Kind::kClient:
      return unless_empty(AddressOf(seen.client));
    case Kind::kPath:
      return unless_empty(request.target.path);
    case Kind::kHost:
      return unless_empty(seen.host);
    case Kind::kHeader: {
      const std::string* value = request.headers.Find(key.name);
      return unless_empty(value != nullptr ? std::string_view(*value) : std::string_view());
    }
    case Kind::kCookie:
      return unless_empty(CookieValue(request.headers, key.name));
    case Kind::kQuery:
      return unless_empty(http::QueryValue(request.target.query, key.name).value_or(""));
  }
  return {};
}

// Removes the next cookie from the front of a list; an empty name and value at its end.
std::pair<std::string_view, std::string_view> NextCookie(std::string_view& list) {
  const std::size_t end = list.find(';');
  const std::string_view pair = Trim(list.substr(0, end));
  list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return {pair, {}};
  return {Trim(pair.substr(0, equals)), Trim(pair.substr(equals + 1))};
}

std::string Without(std::string_view cookies, std::string_view name) {
  std::string left;
  while (!cookies.empty()) {
    const std::size_t end = cookies.find(';');
    const std::string_view pair = Trim(cookies.substr(0, end));
    if (NextCookie(cookies).first == name || pair.empty()) continue;
    left.append(left.empty() ? "" : "; ").append(pair);
  }
  return left;
}

std::string_view NameOf(config::Sticky::SameSite same_site) {
  switch (same_site) {
    case config::Sticky::SameSite::kLax:
      break;
    case config::Sticky::SameSite::kStrict:
      return "Strict";
    case config::Sticky::SameSite::kNone:
      return "None";
  }
  return "Lax";
}

}  // namespace

backend::Wish WishOf(const backend::BackendRecord& backend, const http::Request& request,
                     const route::SeenAs& seen) {
  backend::Wish wish;
  const config::Backend& settings = *backend.config;
  if (settings.balance == config::Balance::kHash) wish.key = KeyOf(settings.hash, request, seen);
  if (backend.sticky)
    wish.server = backend.sticky->Find(CookieValue(request.headers, settings.sticky->cookie));
  return wish;
}

std::string_view CookieValue(const http::Headers& headers, std::string_view name) {
  for (const http::Header& header : headers) {
    if (!EqualsIgnoreCase(header.name, "cookie")) continue;
    std::string_view list = header.value;
    while (!list.empty()) {
      const auto [cookie, value] = NextCookie(list);
      if (cookie == name) return value;
    }
  }
  return {};
}

void RemoveCookie(http::Headers& headers, std::string_view name) {
  headers.Filter([&](http::Header& header) {
    if (!EqualsIgnoreCase(header.name, "cookie") || header.value.find(name) == std::string::npos)
      return true;
    header.value = Without(header.value, name);
    return !header.value.empty();
  });
}

std::optional<std::string> StickyCookie(const backend::BackendRecord& backend, std::size_t server,
                                        const backend::Wish& wish, bool secure) {
  if (!backend.sticky || wish.server == server) return {};
  const config::Sticky& sticky = *backend.config->sticky;
  using Secure = config::Sticky::Secure;
  const bool only_tls = sticky.secure == Secure::kYes || (sticky.secure == Secure::kAuto && secure);
  std::string cookie =
      fmt::format("{}={}; Path={}; HttpOnly; SameSite={}", sticky.cookie,
                  backend.sticky->Of(server), sticky.path, NameOf(sticky.same_site));
  if (sticky.max_age.count() != 0)
    cookie += fmt::format("; Max-Age={}", sticky.max_age.count() / 1000);
  if (only_tls) cookie += "; Secure";
  return cookie;
}

}  // namespace upgate::upgrade
