#include "gateway/route/origin.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "gateway/base/text.h"
#include "gateway/route/authority.h"

namespace upgate::route {
namespace {

struct Origin {
  std::string scheme;  // lower case
  Authority authority;
};

bool IsSchemeCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// The serialization of an origin that is not "null": scheme://host[:port] and nothing behind it
// (RFC 6454, section 7.1).
std::optional<Origin> ParseOrigin(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return {};
  std::string scheme = ToLower(text.substr(0, colon));
  if (scheme[0] < 'a' || scheme[0] > 'z' || !std::ranges::all_of(scheme, IsSchemeCharacter)) {
    return {};
  }
  auto authority = ParseAuthority(text.substr(colon + 3), DefaultPort(scheme));
  if (!authority) return {};
  return Origin{std::move(scheme), std::move(*authority)};
}

// Clients that are not browsers name themselves by the address they call, ws:// and all.
std::string_view AsHttp(std::string_view scheme) {
  if (scheme == "ws") return "http";
  if (scheme == "wss") return "https";
  return scheme;
}

bool IsSame(const Origin& origin, const SeenAs& seen) {
  const std::string host = CanonicalHost(seen.host) + (seen.rooted ? "." : "");
  return AsHttp(origin.scheme) == seen.scheme && origin.authority.port == seen.port &&
         origin.authority.host == host;
}

bool IsBelow(std::string_view host, std::string_view domain) {
  return host.size() > domain.size() + 1 && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

bool Names(const config::OriginPattern& pattern, const Origin& origin) {
  using Kind = config::OriginPattern::Kind;
  const Authority& at = origin.authority;
  if (pattern.kind != Kind::kExact && pattern.kind != Kind::kSubdomains) return false;
  if (pattern.scheme != origin.scheme || pattern.port != at.port) return false;
  return pattern.kind == Kind::kExact ? CanonicalHost(pattern.host) == at.host
                                      : IsBelow(at.host, pattern.host);
}

bool Lists(const config::Cors& cors, config::OriginPattern::Kind kind) {
  return std::ranges::any_of(cors.allow_origins,
                             [&](const auto& pattern) { return pattern.kind == kind; });
}

http::Headers CorsHeaders(std::string_view origin, bool credentials, const config::Cors& cors) {
  http::Headers headers;
  headers.Add("Access-Control-Allow-Origin", origin);
  if (credentials) headers.Add("Access-Control-Allow-Credentials", "true");
  if (!cors.allow_headers.empty()) {
    headers.Add("Access-Control-Allow-Headers",
                fmt::format("{}", fmt::join(cors.allow_headers, ", ")));
  }
  if (!cors.expose_headers.empty()) {
    headers.Add("Access-Control-Expose-Headers",
                fmt::format("{}", fmt::join(cors.expose_headers, ", ")));
  }
  return headers;
}

OriginVerdict Refuse(std::string reason) {
  return {.allowed = false, .reason = std::move(reason), .headers = {}, .vary = true};
}

// "null" and all that cannot be told from it: an origin that equals no other, not even itself.
OriginVerdict JudgeOpaque(std::string_view sent, bool repeated, const config::Cors* cors) {
  if (cors != nullptr && Lists(*cors, config::OriginPattern::Kind::kNull)) {
    return {
        .allowed = true, .reason = {}, .headers = CorsHeaders("null", false, *cors), .vary = true};
  }
  if (repeated) return Refuse("the Origin header is repeated");
  if (sent == "null") return Refuse("the origin 'null' is not allowed");
  return Refuse("the Origin header is malformed");
}

}  // namespace

OriginVerdict JudgeOrigin(const http::Request& request, const SeenAs& seen,
                          const config::Cors* cors, bool require_origin, std::string_view field) {
  OriginVerdict passes;
  passes.vary = cors != nullptr;
  const std::string* sent = request.headers.Find(field);
  if (sent == nullptr) return require_origin ? Refuse("an Origin header is required") : passes;

  const bool repeated = request.headers.Count(field) > 1;
  const auto origin = repeated ? std::nullopt : ParseOrigin(*sent);
  if (!origin) return JudgeOpaque(*sent, repeated, cors);
  if (IsSame(*origin, seen)) return passes;

  const bool named =
      cors != nullptr && std::ranges::any_of(cors->allow_origins, [&](const auto& pattern) {
        return Names(pattern, *origin);
      });
  if (!named && (cors == nullptr || !Lists(*cors, config::OriginPattern::Kind::kAny))) {
    return Refuse(fmt::format("the origin '{}' is not allowed", Printable(*sent)));
  }
  const bool anybody = !named && !cors->allow_credentials;
  passes.headers =
      CorsHeaders(anybody ? "*" : std::string_view(*sent), cors->allow_credentials, *cors);
  return passes;
}

}  // namespace upgate::route
