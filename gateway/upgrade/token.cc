#include "gateway/upgrade/token.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/http/cookies.h"
#include "gateway/plugin/resolver.h"
#include "gateway/ws/handshake.h"

namespace upgate::upgrade {
namespace {

using config::TokenPlace;

std::string TokenOfCookie(const http::Headers& headers, std::string_view name) {
  std::string_view value = http::CookieValue(headers, name).value_or("");
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
    value = value.substr(1, value.size() - 2);
  return std::string(value);
}

std::string TokenOfPath(std::string_view path, const config::PathPattern& pattern) {
  if (pattern.kind == config::PathPattern::Kind::kPrefix && path.starts_with(pattern.text))
    path.remove_prefix(pattern.text.size());
  if (path.starts_with('/')) path.remove_prefix(1);
  return std::string(path);
}

std::optional<std::string> TokenAt(const TokenPlace& place, const http::Request& request,
                                   const config::Route& route, const route::SeenAs& seen) {
  switch (place.kind) {
    case TokenPlace::Kind::kQuery:
      return http::QueryValue(request.target.query, place.name);
    case TokenPlace::Kind::kPath:
      return TokenOfPath(request.target.path, route.path);
    case TokenPlace::Kind::kHost:
      return seen.host;
    case TokenPlace::Kind::kCookie:
      return TokenOfCookie(request.headers, place.name);
    case TokenPlace::Kind::kHeader:
      // A field that is repeated has no one value.
      if (request.headers.Count(place.name) != 1) return {};
      return *request.headers.Find(place.name);
  }
  return {};
}

bool StandsIn(const config::Route& route, TokenPlace::Kind kind) {
  return std::ranges::any_of(route.resolver->from,
                             [kind](const TokenPlace& place) { return place.kind == kind; });
}

bool IsTokenParameter(const std::string& name, const config::Resolver& resolver) {
  return std::ranges::any_of(resolver.from, [&](const TokenPlace& place) {
    return place.kind == TokenPlace::Kind::kQuery && place.name == name;
  });
}

}  // namespace

std::optional<std::string> TokenOf(const http::Request& request, const config::Route& route,
                                   const route::SeenAs& seen) {
  for (const TokenPlace& place : route.resolver->from) {
    auto token = TokenAt(place, request, route, seen);
    if (!token || token->empty()) continue;
    if (token->size() > plugin::kMaxToken || std::ranges::any_of(*token, IsControl)) return {};
    return token;
  }
  return {};
}

std::string WithoutTokens(std::string_view target, const config::Resolver& resolver) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::string(target);
  std::string kept;
  for (std::string_view rest = target.substr(mark + 1); !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const auto read = http::QueryParameters(pair);
    if (!read.empty() && IsTokenParameter(read.front().first, resolver)) continue;
    kept += kept.empty() ? '?' : '&';
    kept += pair;
  }
  return std::string(target.substr(0, mark)) + kept;
}

session::Asked AskedBy(const http::Request& request, const config::Route& route,
                       const route::SeenAs& seen) {
  const config::Route* const only = &route;
  return AskedBy(request, std::span(&only, 1), seen);
}

session::Asked AskedBy(const http::Request& request, std::span<const config::Route* const> routes,
                       const route::SeenAs& seen) {
  std::string_view host = seen.host;
  std::string_view path = request.target.path;
  std::string_view origin = ws::OriginSent(request);
  for (const config::Route* route : routes) {
    if (!route->resolver) continue;
    if (StandsIn(*route, TokenPlace::Kind::kPath)) path = route->path.written;
    if (!StandsIn(*route, TokenPlace::Kind::kHost)) continue;
    if (ToLower(origin).contains(seen.host)) origin = {};
    host = {};
  }
  return {host, path, origin};
}

void HideTokens(std::span<const config::Route* const> routes, http::Exchange& exchange) {
  std::string_view path;
  bool host = false;
  for (const config::Route* route : routes) {
    if (!route->resolver) continue;
    if (StandsIn(*route, TokenPlace::Kind::kPath)) path = route->path.written;
    host |= StandsIn(*route, TokenPlace::Kind::kHost);
  }
  exchange.HideFromLog(path, host);
}

std::string PeerAddressOf(const http::Exchange& exchange, const route::SeenAs& seen) {
  const SocketAddress peer = exchange.client_address();
  const auto* tcp = std::get_if<IpPort>(&peer);
  if (ToString(peer) != seen.client) return seen.client;
  return tcp != nullptr ? tcp->ip.ToString() : std::string();
}

std::string BackendNameOf(const config::Route& route) {
  if (route.resolver) return route.resolver->backend.name;
  return route.backend.value_or("");
}

}  // namespace upgate::upgrade
