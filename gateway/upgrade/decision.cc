#include "gateway/upgrade/decision.h"

#include <algorithm>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/route/readings.h"
#include "gateway/session/compression.h"
#include "gateway/ws/extensions.h"
#include "gateway/ws/tunnel_encoding.h"

namespace upgate::upgrade {
namespace {

using stats::HandshakeOutcome;

// The subprotocol names by which older clients request an encoding, as far as the route allows it.
std::vector<std::string> EncodingSubprotocols(config::Encoding encoding) {
  switch (encoding) {
    case config::Encoding::kAuto:
      return {"binary", "base64"};
    case config::Encoding::kBinary:
      return {"binary"};
    case config::Encoding::kBase64:
      return {"base64"};
    case config::Encoding::kText:
      return {};
  }
  return {};
}

// Chooses the subprotocol, or returns the 400 for a client that has none in common with the route.
// A client that requests none gets none; names that are not tokens are ignored. A route without a
// list still accepts the names by which older clients request an encoding.
std::expected<std::string, http::Response> AgreeOnSubprotocol(const ws::Offer& offer,
                                                              const config::Route& route) {
  if (std::ranges::none_of(offer.subprotocols, http::IsToken)) return "";
  if (route.subprotocols.empty()) {
    if (route.plugin) return "";
    return ws::ChooseSubprotocol(offer, EncodingSubprotocols(route.encoding)).value_or("");
  }
  if (auto chosen = ws::ChooseSubprotocol(offer, route.subprotocols)) return *chosen;
  return std::unexpected(
      http::TextResponse(400, "none of the requested subprotocols is supported"));
}

// The encoding: that of the route or, if it is `auto`, the one requested by subprotocol or query.
// `plain` is the default.
std::expected<config::Encoding, http::Response> ChooseEncoding(const http::Request& request,
                                                               const config::Route& route,
                                                               std::string_view subprotocol,
                                                               config::Encoding plain) {
  if (route.encoding != config::Encoding::kAuto) return route.encoding;
  if (subprotocol == "base64") return config::Encoding::kBase64;
  const auto asked = http::QueryValue(request.target.query, "encoding");
  if (!asked) return plain;
  if (const auto encoding = ws::ParseEncoding(*asked)) return *encoding;
  return std::unexpected(http::TextResponse(400, "unknown encoding; it is binary, text or base64"));
}

std::expected<config::Encoding, http::Response> AgreeOnEncoding(const http::Request& request,
                                                                const config::Route& route,
                                                                std::string_view subprotocol,
                                                                config::Dialect dialect) {
  using enum config::Encoding;
  const bool has_binary = config::CarriesBinary(dialect);
  auto encoding = ChooseEncoding(request, route, subprotocol,
                                 has_binary || subprotocol == "binary" ? kBinary : kText);
  if (!encoding || has_binary || *encoding != kBinary) return encoding;
  return std::unexpected(http::TextResponse(
      400, fmt::format("{} has no binary messages{}", NameOf(dialect),
                       route.encoding == kAuto ? "; request the encoding text or base64"
                                               : ", which this route requires")));
}

// The client's offers must be well-formed even if none is accepted (RFC 6455, section 9.1).
std::expected<std::optional<ws::DeflateAgreement>, http::Response> AgreeOnCompression(
    const http::Request& request, const config::Route& route) {
  if (request.headers.Find("sec-websocket-extensions") == nullptr) return std::nullopt;
  const auto offers = ws::ParseExtensions(request.headers.Joined("sec-websocket-extensions"));
  if (!offers)
    return std::unexpected(http::TextResponse(400, "Sec-WebSocket-Extensions is malformed"));
  if (!route.compression) return std::nullopt;
  return ws::AgreeOnDeflate(*offers, session::WantedBy(*route.compression));
}

// True if WebSocket rules apply: a handshake, or any request on a WebSocket-only route (which then
// gets 426).
bool IsForWebSocket(const http::Request& request, config::DialectSet dialects,
                    const Behind& behind) {
  return !behind.serves_http || (behind.serves_websocket && ws::IsHandshake(request, dialects));
}

// Keeps the offers that the route lists, without duplicates.
void KeepListed(const std::vector<std::string>& listed, std::vector<std::string>& offered) {
  std::vector<std::string> kept;
  for (std::string& name : offered) {
    const auto has = [&](const auto& names) {
      return std::ranges::find(names, name) != names.end();
    };
    if (has(listed) && !has(kept)) kept.push_back(std::move(name));
  }
  offered = std::move(kept);
}

std::expected<Accepted, Answered> Admit(const http::Request& request, config::DialectSet dialects,
                                        const config::Route& route, const Behind& behind,
                                        const route::OriginVerdict& verdict) {
  const auto refuse = [](HandshakeOutcome outcome, http::Response response) {
    return std::unexpected(Answered{std::move(response), outcome});
  };
  auto offer = ws::ReadOffer(
      request, dialects, behind.ends_websocket ? ws::Answerer::kGateway : ws::Answerer::kServer);
  if (!offer) return refuse(HandshakeOutcome::kBadRequest, std::move(offer.error()));
  if (!verdict.allowed)
    return refuse(HandshakeOutcome::kForbiddenOrigin, http::TextResponse(403, verdict.reason));
  auto subprotocol = AgreeOnSubprotocol(*offer, route);
  if (!subprotocol) return refuse(HandshakeOutcome::kNoSubprotocol, std::move(subprotocol.error()));
  // A WebSocket server chooses itself, but only among the route's subprotocols.
  if (!route.subprotocols.empty()) KeepListed(route.subprotocols, offer->subprotocols);
  auto encoding = behind.carries_bytes
                      ? AgreeOnEncoding(request, route, *subprotocol, offer->dialect)
                      : config::Encoding::kBinary;
  if (!encoding) return refuse(HandshakeOutcome::kBadRequest, std::move(encoding.error()));
  std::optional<ws::DeflateAgreement> compression;
  if (behind.ends_websocket && offer->dialect == config::Dialect::kRfc6455) {
    auto agreed = AgreeOnCompression(request, route);
    if (!agreed) return refuse(HandshakeOutcome::kBadRequest, std::move(agreed.error()));
    compression = std::move(*agreed);
  }
  return Accepted{std::move(*offer), std::move(*subprotocol), *encoding, std::move(compression)};
}

// True if an ordinary request may have side effects in a service; like a WebSocket, it then needs
// an allowed origin.
bool ActsOnService(const http::Request& request, const config::Route& route) {
  return route.plugin && request.method != "GET" && request.method != "HEAD";
}

}  // namespace

Behind BehindRoute(const config::Route& route, const plugin::Service* service,
                   config::Relay relay) {
  if (service != nullptr) return {service->serves_http(), service->serves_websocket(), false, true};
  const bool bytes = relay == config::Relay::kBytes;
  return {relay == config::Relay::kHttp, true, bytes, bytes || route.enforce};
}

bool Decision::is_for_anybody() const {
  constexpr int kUpgradeRequired = 426;
  const auto* answered = std::get_if<Answered>(&what);
  return answered != nullptr && answered->response.status != kUpgradeRequired;
}

Decision Decide(const http::Request& request, const config::Listener& listener,
                const config::Route& route, const Behind& behind, const route::SeenAs& seen) {
  const config::Cors* cors = route.cors ? &*route.cors : nullptr;
  if (cors != nullptr && route::IsPreflight(request)) {
    return {.verdict = {},
            .fields = {},
            .what = Answered{route::AnswerPreflight(request, seen, *cors), {}}};
  }
  const config::DialectSet dialects = route.dialects.value_or(listener.dialects);
  const bool for_websocket = IsForWebSocket(request, dialects, behind);
  const std::string_view origin_field = for_websocket ? ws::OriginField(request) : "Origin";
  Decision decision{
      .verdict = route::CheckOrigin(request, seen, cors, route.require_origin, origin_field),
      .fields = {},
      .what = Ordinary{}};
  const route::OriginVerdict& verdict = decision.verdict;
  // For ordinary cross-origin requests, the browser enforces the same-origin policy, unless the
  // route has a policy of its own.
  const bool is_judged =
      for_websocket || cors != nullptr || route.require_origin || ActsOnService(request, route);
  if (!is_judged) return decision;

  decision.fields = verdict.headers;
  if (verdict.vary) decision.fields.Add("Vary", "Origin");
  if (for_websocket) {
    auto admitted = Admit(request, dialects, route, behind, verdict);
    if (admitted) {
      decision.what = std::move(*admitted);
    } else {
      decision.what = std::move(admitted.error());
    }
  } else if (!verdict.allowed) {
    decision.what = Answered{http::TextResponse(403, verdict.reason), {}};
  }
  return decision;
}

std::size_t ShareOf(std::string_view client, const std::vector<config::Share>& split) {
  const std::string name = route::WithoutPort(client);
  // FNV-1a, and a final mix, because neighbours differ in the last characters only.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  std::uint64_t total = 0;
  for (const config::Share& share : split) total += share.weight;
  std::uint64_t place = hash % total;
  for (std::size_t i = 0; i < split.size(); ++i) {
    if (place < split[i].weight) return i;
    place -= split[i].weight;
  }
  return 0;
}

std::string_view OtherUpgrade(const http::Request& request, const config::Route& route) {
  if (route.upgrades.empty() || request.version != http::Version::kHttp11 || request.has_body ||
      !request.headers.HasToken("connection", "upgrade"))
    return {};
  const std::string asked = request.headers.Joined("upgrade");
  std::string_view list = asked;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    for (const std::string& allowed : route.upgrades) {
      if (EqualsIgnoreCase(item, allowed)) return allowed;
    }
  }
  return {};
}

http::Response AnswerUnrouted(const route::Router& router, const route::Facts& facts,
                              bool ambiguous) {
  if (ambiguous) return http::TextResponse(400, route::kAmbiguous);
  const auto methods = router.OtherMethods(facts.seen.host, facts.request.target.path, facts);
  if (methods.empty()) return http::TextResponse(404, "no route for this host and path");
  http::Response answer = http::TextResponse(405, "this method is not served here");
  answer.headers.Add("Allow", Join(methods, ", "));
  return answer;
}

}  // namespace upgate::upgrade
