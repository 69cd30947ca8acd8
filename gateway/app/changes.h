#pragma once

#include <string>
#include <vector>

#include "gateway/admin/control.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// What differs between two configurations, by name: listeners, backends, servers, routes.
std::vector<admin::Change> ChangesBetween(const upgrade::Generation& before,
                                          const upgrade::Generation& now);

// The keys that only take effect when the process starts, and differ from those it started with.
std::vector<std::string> NeedingRestart(const config::Config& started, const config::Config& now);

}  // namespace upgate::app
