#pragma once

#include <memory>

#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Certificates of clients, which the listener has verified. Options: subjects, sans, issuers, user.
std::unique_ptr<plugin::AuthCheck> MakeClientCertificateAuth(plugin::AuthSetup setup);

}  // namespace upgate::plugins
