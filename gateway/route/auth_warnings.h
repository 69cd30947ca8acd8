#pragma once

#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::route {

// Warnings for configuration checks about who gets in: settings that are valid, but let in more
// clients than was probably meant, or some never, or show secrets. Looks at the modes of files
// that authenticators name. Unsorted; not for the data path.
std::vector<config::ConfigError> AuthWarnings(const config::Config& config);

}  // namespace upgate::route
