#pragma once

#include <cstdint>
#include <string>

#include "gateway/app/commands.h"
#include "gateway/app/demo_backends.h"

namespace upgate::app {

// Names of what stands in the demo's folder, beside its configuration.
inline constexpr const char* kDemoCertificate = "demo.crt";
inline constexpr const char* kDemoKey = "demo.key";
inline constexpr const char* kDemoSite = "site";  // what everybody may read

// The configuration of the demo, as its page shows it: a comment, then one row for each backend and
// one block for each route. Paths start from the demo's folder.
std::string DemoConfig(const DemoSettings& settings, const DemoAddresses& servers);

// What the demo says once it serves: what to open and what to try, on ports that are known now. The
// last line has "Ctrl-C".
std::string DemoGreeting(const DemoSettings& settings, std::uint16_t port, std::uint16_t tls_port);

}  // namespace upgate::app
