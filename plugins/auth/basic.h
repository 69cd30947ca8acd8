#pragma once

#include <memory>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Users and passwords (RFC 7617) from a file that htpasswd(1) writes. Options: file, realm.
// Passwords are hashed on another thread; what was right is remembered for a minute, and failures
// are answered late and limited by address.
std::unique_ptr<plugin::AuthCheck> MakeBasicAuth(plugin::AuthSetup setup);

}  // namespace upgate::plugins
