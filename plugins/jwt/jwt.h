#pragma once

#include <memory>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// JSON Web Tokens (RFC 7519) that an identity provider has signed. Options: keys or secret_file,
// algorithms, issuer, audience, leeway, from, require, user.
std::unique_ptr<plugin::AuthCheck> MakeJwtAuth(plugin::AuthSetup setup);

}  // namespace upgate::plugins
