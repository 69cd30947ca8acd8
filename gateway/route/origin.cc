#include "gateway/route/origin.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "gateway/base/host_name.h"
#include "gateway/base/text.h"
#include "gateway/route/authority.h"

namespace upgate::route {
namespace {

// Limit for client-supplied text in a reason.
constexpr std::size_t kMostShown = 100;

struct Origin {
  std::string scheme;  // lower case
  Authority authority;
};

bool IsSchemeCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// Parses the serialization of an origin other than "null": scheme://host[:port] and nothing else
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

// Clients other than browsers send the address that they connect to as Origin, including ws://.
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

// `origin`: the parsed form of `sent`, if it can be parsed.
bool Names(const config::OriginPattern& pattern, std::string_view sent,
           const std::optional<Origin>& origin) {
  using Kind = config::OriginPattern::Kind;
  if (pattern.kind == Kind::kText) return pattern.host == sent;
  if (!origin || (pattern.kind != Kind::kExact && pattern.kind != Kind::kSubdomains)) return false;
  const Authority& at = origin->authority;
  if (pattern.scheme != origin->scheme) return false;
  if (!pattern.any_port && pattern.port != at.port) return false;
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
    headers.Add("Access-Control-Allow-Headers", Join(cors.allow_headers, ", "));
  }
  if (!cors.expose_headers.empty()) {
    headers.Add("Access-Control-Expose-Headers", Join(cors.expose_headers, ", "));
  }
  return headers;
}

OriginVerdict Refuse(std::string reason) {
  return {.allowed = false, .reason = std::move(reason), .headers = {}, .vary = true};
}

// A page of the gateway's own site is refused if the gateway does not know its public origin.
std::string NotAllowed(std::string_view sent, const SeenAs& seen) {
  return fmt::format(
      "the origin '{}' is not allowed; seen as {}; is a proxy missing in trusted_proxies?",
      Printable(sent, kMostShown), Printable(OriginOf(seen), kMostShown));
}

// "null" and everything equivalent: an opaque origin, which equals no other, not even itself.
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

OriginVerdict CheckOrigin(const http::Request& request, const SeenAs& seen,
                          const config::Cors* cors, bool require_origin, std::string_view field) {
  OriginVerdict passes;
  passes.vary = cors != nullptr;
  const std::string* sent = request.headers.Find(field);
  if (sent == nullptr) return require_origin ? Refuse("an Origin header is required") : passes;

  // A repeated Origin is ambiguous, whatever its values are.
  if (request.headers.Count(field) > 1) return JudgeOpaque(*sent, true, cors);
  const auto origin = ParseOrigin(*sent);
  if (origin && IsSame(*origin, seen)) return passes;

  const bool named =
      cors != nullptr && std::ranges::any_of(cors->allow_origins, [&](const auto& pattern) {
        return Names(pattern, *sent, origin);
      });
  const bool anybody = cors != nullptr && Lists(*cors, config::OriginPattern::Kind::kAny);
  if (named || (anybody && origin && cors->allow_credentials)) {
    passes.headers = CorsHeaders(*sent, cors->allow_credentials, *cors);
    return passes;
  }
  // What everybody may use without credentials may also be used by clients without a valid origin.
  if (anybody && !cors->allow_credentials) {
    passes.headers = CorsHeaders("*", false, *cors);
    return passes;
  }
  return origin ? Refuse(NotAllowed(*sent, seen)) : JudgeOpaque(*sent, false, cors);
}

std::string OriginOf(const SeenAs& seen) {
  std::string host = HostInUrl(seen.host);
  if (seen.rooted) host += '.';
  if (seen.port != DefaultPort(seen.scheme)) host += ":" + std::to_string(seen.port);
  return fmt::format("{}://{}", seen.scheme, host);
}

}  // namespace upgate::route
