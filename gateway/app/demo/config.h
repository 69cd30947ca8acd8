#pragma once

#include <cstdint>
#include <string>

#include "gateway/app/commands.h"
#include "gateway/app/demo/backends.h"

namespace upgate::app {

// Names of files in the demo's folder, besides its configuration.
inline constexpr const char* kDemoCertificate = "demo.crt";
inline constexpr const char* kDemoKey = "demo.key";
inline constexpr const char* kDemoSite = "site";  // served to every client

// The configuration of the demo, in the form that its page displays: a comment, one line per
// backend and one block per route. Paths are relative to the demo's folder.
std::string DemoConfig(const DemoSettings& settings, const DemoAddresses& servers);

// The demo's greeting: what to open and what to try, with the actual ports. The last line contains
// "Ctrl-C".
std::string DemoGreeting(const DemoSettings& settings, std::uint16_t port, std::uint16_t tls_port);

}  // namespace upgate::app
