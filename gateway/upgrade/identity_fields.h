#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/upgrade/generation.h"

namespace upgate::upgrade {

// The names, in the form of http::AsVariable, of the fields by which servers learn from the gateway
// who a client is, on whatever route: those that are set to something of the user or the
// client, those that authenticators set, and those of certificates where a route asks for them.
// Servers behind any route may trust them, so no client can set them on any.
//
// Authorization and Cookie are not among them: they are how clients authenticate.
std::vector<std::string> IdentityFieldsOf(const Generation& generation);

}  // namespace upgate::upgrade
