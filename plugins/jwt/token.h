#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "gateway/base/json.h"
#include "gateway/plugin/auth.h"
#include "gateway/plugin/credentials.h"

namespace upgate::plugins {

// Why a token is not accepted; `why` is for the log and repeats nothing of the token.
struct TokenFault {
  plugin::AuthReason reason;
  std::string why;
};

// A JWT (RFC 7519) in JWS compact serialization, taken apart but not verified. Anything that is not
// exactly in the form of the standard is refused, as is any extension (`crit`).
struct JwtParts {
  tls::SignatureAlgorithm algorithm;
  std::optional<std::string> key_id;
  Json claims;  // an object

  static std::expected<JwtParts, TokenFault> Read(std::string_view token);
};

}  // namespace upgate::plugins
