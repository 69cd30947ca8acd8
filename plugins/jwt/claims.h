#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/json_text.h"
#include "gateway/plugin/auth.h"
#include "plugins/jwt/token.h"

namespace upgate::plugins {

// What the claims of a token with a good signature must be (RFC 7519, section 4.1).
struct ClaimRules {
  std::vector<std::string> issuers;    // iss is one of these; empty: anything
  std::vector<std::string> audiences;  // aud has one of these; empty: anything
  io::Millis leeway{30'000};           // for clocks that differ
  bool require_exp = false;            // otherwise a token without exp is good for ever
  // Claims, and the values of which they have one. A name with dots reaches into objects.
  std::vector<std::pair<std::string, std::vector<std::string>>> require;
  std::string user = "sub";  // the claim with the user's name
};

// Checks the claims, an object, at a time in seconds since 1970, and says whom they are about.
std::expected<std::shared_ptr<const plugin::Identity>, TokenFault> CheckClaims(
    JsonValue claims, const ClaimRules& rules, std::int64_t unix_s);

}  // namespace upgate::plugins
