#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "gateway/config/field.h"
#include "plugins/auth/places.h"
#include "plugins/jwt/verifier.h"

namespace upgate::plugins {

// The options of the authenticator `jwt`, without the keys themselves.
struct JwtOptions {
  TokenPlaces places;
  JwtRules rules;
  bool has_secret = false;  // keys are a secret, in a file
  std::string keys;         // as written: a file, or a URL
};

// Reads all options, adds errors, and reports unknown keys.
JwtOptions ParseJwtOptions(config::Field& options);

}  // namespace upgate::plugins
