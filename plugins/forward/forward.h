#pragma once

#include <memory>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Asks an HTTP service about each request, as auth_request of nginx does. Options: url, tls,
// headers, set, user_header, timeout, cache, on_error, recheck.
std::unique_ptr<plugin::AuthCheck> MakeForwardAuth(plugin::AuthSetup setup);

}  // namespace upgate::plugins
