#include "gateway/upgrade/server_choice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/cookies.h"

namespace upgate::upgrade {
namespace {

std::optional<std::uint64_t> KeyOf(const config::HashKey& key, const http::Request& request,
                                   const route::SeenAs& seen) {
  using Kind = config::HashKey::Kind;
  const auto unless_empty = [](std::string_view text) {
    return text.empty() ? std::nullopt : std::optional(backend::HashOf(text));
  };
  switch (key.kind) {
    case Kind::kClient:
      return unless_empty(route::WithoutPort(seen.client));
    case Kind::kPath:
      return unless_empty(request.target.path);
    case Kind::kHost:
      return unless_empty(seen.host);
    case Kind::kHeader: {
      const std::string* value = request.headers.Find(key.name);
      return unless_empty(value != nullptr ? std::string_view(*value) : std::string_view());
    }
    case Kind::kCookie:
      return unless_empty(http::CookieValue(request.headers, key.name).value_or(""));
    case Kind::kQuery:
      return unless_empty(http::QueryValue(request.target.query, key.name).value_or(""));
  }
  return {};
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
  if (!backend.sticky) return wish;
  // Another site of the same domain may have set one that goes before ours.
  constexpr std::size_t kMostCookies = 4;
  for (const std::string_view value :
       http::CookieValues(request.headers, settings.sticky->cookie, kMostCookies)) {
    if (!wish.server) wish.server = backend.sticky->Find(value);
  }
  return wish;
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
