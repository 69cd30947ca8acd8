#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/json_text.h"
#include "gateway/plugin/auth.h"
#include "gateway/plugin/credentials.h"

namespace upgate::plugins {

// Why a token is not accepted; `why` is for the log and repeats nothing of the token.
struct TokenFault {
  plugin::AuthReason reason;
  std::string why;
  std::string user = {};  // of a token whose signature is good, as far as it is known
};

// A JWT (RFC 7519) in JWS compact serialization, taken apart but not verified. Anything that is not
// exactly in the form of the standard is refused, as is any extension (`crit`).
struct JwtParts {
  tls::SignatureAlgorithm algorithm;
  std::optional<std::string> key_id;
  std::string payload;  // the claims, not read yet

  static std::expected<JwtParts, TokenFault> Read(std::string_view token);
  // An object. To be called once somebody has signed them: before that anybody can have as much
  // read as a request can hold.
  std::expected<JsonText, TokenFault> Claims() const;
};

}  // namespace upgate::plugins
