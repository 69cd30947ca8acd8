#pragma once

#include <string>
#include <string_view>

#include "gateway/config/value.h"

namespace upgate::config {

// True for the name of a setting that holds a secret: "password", "api_key", "AuthToken".
bool IsSecretName(std::string_view name);

// `text` with "***" for the user information of every URL in it (RFC 3986, section 3.2.1).
std::string WithoutUserInfo(std::string_view text);

// A value with "***" for everything in it that may be a secret; `is_secret`: for all of it.
Value Masked(Value value, bool is_secret = false);

}  // namespace upgate::config
