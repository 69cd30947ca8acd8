#pragma once

#include <memory>

#include "gateway/plugin/service.h"

namespace upgate::plugins {

// Redirects clients, whatever their method. Options: `to`, a URL or a path with placeholders
// (redirect/location.h), and `status`: 301, 302, 303, 307 or 308, the default, which preserves
// method and body (RFC 9110, section 15.4). A WebSocket handshake gets the same response, but
// browsers do not follow it.
std::unique_ptr<plugin::Service> MakeRedirect(plugin::ServiceSetup setup);

}  // namespace upgate::plugins
