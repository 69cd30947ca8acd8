#include "plugins/jwt/claims.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "plugins/auth/places.h"

namespace upgate::plugins {
namespace {

using plugin::AuthReason;

constexpr double kLatest = 253'402'300'799;  // the year 9999
constexpr std::size_t kMostClaims = 64;
constexpr std::size_t kLongestClaim = 4096;

std::unexpected<TokenFault> Fault(AuthReason reason, std::string why) {
  return std::unexpected(TokenFault{reason, std::move(why)});
}

// A NumericDate in milliseconds; nullopt if it is not there.
std::expected<std::optional<std::int64_t>, TokenFault> DateOf(JsonValue claims, const char* name) {
  const auto found = claims.Find(name);
  if (!found) return std::nullopt;
  const double seconds = found->is_number() ? found->number() : -1;
  if (!std::isfinite(seconds) || seconds < 0)
    return Fault(AuthReason::kMalformed, fmt::format("the token's {} is no date", name));
  return static_cast<std::int64_t>(std::min(seconds, kLatest) * 1000);
}

// A primitive value. Numbers have many forms (1e2, 100.0): only one of them is compared and shown.
std::string TextOf(JsonValue value) {
  return value.is_real() ? NumberToJson(value.number()) : std::string(value.text());
}

bool IsOneOf(const std::vector<std::string>& wanted, std::string_view value) {
  return std::ranges::find(wanted, value) != wanted.end();
}

// True if a claim is one of the wanted values, or a list that has one of them. `scope` is a list
// separated by spaces (RFC 8693, section 4.2).
bool HasOneOf(JsonValue claim, const std::vector<std::string>& wanted, bool is_scope) {
  if (claim.is_array()) {
    for (const JsonValue item : claim) {
      if (item.is_primitive() && IsOneOf(wanted, TextOf(item))) return true;
    }
    return false;
  }
  if (!claim.is_primitive() || claim.is_null()) return false;
  const std::string text = TextOf(claim);
  if (!is_scope) return IsOneOf(wanted, text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (IsOneOf(wanted, word)) return true;
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  return false;
}

// By its whole name, or step by step into objects: "realm_access.roles".
std::optional<JsonValue> FindClaim(JsonValue claims, std::string_view name) {
  if (const auto whole = claims.Find(name)) return whole;
  std::optional<JsonValue> at = claims;
  while (at && !name.empty()) {
    const std::string_view step = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(name.size(), step.size() + 1));
    at = at->Find(step);
  }
  return at;
}

std::expected<std::optional<std::int64_t>, TokenFault> CheckTimes(JsonValue claims,
                                                                  const ClaimRules& rules,
                                                                  std::int64_t unix_s) {
  const std::int64_t now = unix_s * 1000;
  const std::int64_t leeway = rules.leeway.count();
  const auto ends = DateOf(claims, "exp");
  if (!ends) return ends;
  for (const char* name : {"nbf", "iat"}) {
    const auto begins = DateOf(claims, name);
    if (!begins) return begins;
    if (*begins && **begins > now + leeway)
      return Fault(AuthReason::kNotYetValid, fmt::format("the token's {} is yet to come", name));
  }
  if (!*ends && rules.require_exp)
    return Fault(AuthReason::kMalformed, "the token has no exp, which require_exp asks for");
  if (!*ends) return std::nullopt;
  if (now >= **ends + leeway) return Fault(AuthReason::kExpired, "the token's exp is over");
  return **ends + leeway;
}

std::expected<void, TokenFault> CheckParties(JsonValue claims, const ClaimRules& rules) {
  const auto fits = [&](const char* name, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return true;
    const auto found = claims.Find(name);
    return found && HasOneOf(*found, wanted, false);
  };
  const auto issuer = claims.Find("iss");
  if (issuer && !issuer->is_string())
    return Fault(AuthReason::kMalformed, "the token's iss is no text");
  if (!fits("iss", rules.issuers))
    return Fault(AuthReason::kForeign, "the token is of another issuer");
  if (!fits("aud", rules.audiences))
    return Fault(AuthReason::kForeign, "the token is for another audience");
  return {};
}

std::map<std::string, std::string, std::less<>> ShownClaims(JsonValue claims) {
  std::map<std::string, std::string, std::less<>> shown;
  for (const JsonValue value : claims) {
    if (shown.size() >= kMostClaims) break;
    std::string text;
    if (value.is_array()) {
      for (const JsonValue item : value) {
        if (item.is_primitive()) text.append(text.empty() ? "" : ",").append(TextOf(item));
      }
    } else if (value.is_primitive() && !value.is_null()) {
      text = TextOf(value);
    }
    if (!text.empty() && text.size() <= kLongestClaim) shown.emplace(value.name(), std::move(text));
  }
  return shown;
}

}  // namespace

std::expected<std::shared_ptr<const plugin::Identity>, TokenFault> CheckClaims(
    JsonValue claims, const ClaimRules& rules, std::int64_t unix_s) {
  const auto ends = CheckTimes(claims, rules, unix_s);
  if (!ends) return std::unexpected(ends.error());
  if (auto parties = CheckParties(claims, rules); !parties)
    return std::unexpected(std::move(parties.error()));
  const auto user = FindClaim(claims, rules.user);
  auto identity = std::make_shared<plugin::Identity>();
  if (user && user->is_primitive() && !user->is_null()) identity->user = TextOf(*user);
  if (!IsUserName(identity->user)) {
    return Fault(AuthReason::kMalformed,
                 "the user's name in the token is too long or has control characters");
  }
  for (const auto& [name, values] : rules.require) {
    const auto claim = FindClaim(claims, name);
    if (!claim || !HasOneOf(*claim, values, name == "scope" || name == "scp"))
      return std::unexpected(TokenFault{AuthReason::kForbidden,
                                        fmt::format("the token's {} is not as required", name),
                                        identity->user});
  }
  identity->claims = ShownClaims(claims);
  identity->ends_unix_ms = *ends;
  return identity;
}

}  // namespace upgate::plugins
