#pragma once

#include <string>
#include <vector>

#include "gateway/admin/control.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// The differences between two generations, by name: listeners, backends, servers, routes.
std::vector<admin::Change> ChangesBetween(const upgrade::Generation& before,
                                          const upgrade::Generation& now);

// Keys that take effect only at a start, and whose values differ from those that the process
// started with.
std::vector<std::string> NeedingRestart(const config::Config& started, const config::Config& now);

}  // namespace upgate::app
