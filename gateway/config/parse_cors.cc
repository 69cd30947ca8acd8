#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr Millis kMaxAge = std::chrono::hours(720);

std::vector<OriginPattern> ParseOrigins(const Field& field) {
  std::vector<OriginPattern> origins;
  for (const Field& item : field.RequiredItems("one origin")) {
    // The unquoted word null is YAML's null, and means the origin of that name.
    if (item.value().kind == Value::Kind::kNull && item.value().scalar == "null") {
      origins.push_back({OriginPattern::Kind::kNull, "", "", 0});
    } else if (auto origin = item.Maybe<OriginPattern>()) {
      origins.push_back(std::move(*origin));
    }
  }
  return origins;
}

std::vector<std::string> ParseTokens(const Field& field) {
  std::vector<std::string> tokens;
  for (Token& token : field.List<Token>()) tokens.push_back(std::move(token.text));
  return tokens;
}

}  // namespace

// Methods are case-sensitive (RFC 9110, section 9.1), so "get" would never match.
std::vector<std::string> ParseMethods(const Field& field) {
  constexpr std::array<std::string_view, 9> kKnown{"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  std::vector<std::string> methods;
  for (const Field& item : field.Items()) {
    const auto token = item.Maybe<Token>();
    if (!token) continue;
    const auto known = std::ranges::find_if(
        kKnown, [&](auto name) { return EqualsIgnoreCase(name, token->text); });
    if (known != kKnown.end() && *known != token->text) {
      item.Refuse({"is not a method", fmt::format("did you mean {}?", *known)}, "");
    }
    methods.push_back(token->text);
  }
  return methods;
}

std::optional<Cors> ParseCors(Field field) {
  if (!field.present()) return {};
  Cors cors;
  cors.allow_origins = ParseOrigins(field["allow_origins"]);
  cors.allow_methods = ParseMethods(field["allow_methods"]);
  cors.allow_headers = ParseTokens(field["allow_headers"]);
  cors.expose_headers = ParseTokens(field["expose_headers"]);
  cors.allow_credentials = field["allow_credentials"].Optional(cors.allow_credentials);
  const bool anybody = std::ranges::any_of(cors.allow_origins, [](const OriginPattern& origin) {
    return origin.kind == OriginPattern::Kind::kAny;
  });
  if (cors.allow_credentials && anybody) {
    field["allow_credentials"].Error(
        "cannot be combined with allow_origins: \"*\": every page could then act on behalf of its "
        "visitors; list the origins by name, or remove it");
  }
  cors.allow_private_network = field["allow_private_network"].Optional(cors.allow_private_network);
  cors.max_age = field["max_age"].Maybe<Millis>({Millis{0}, kMaxAge});
  field.RejectUnknownKeys();
  return cors;
}

}  // namespace upgate::config
