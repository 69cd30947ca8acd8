#pragma once

#include <expected>
#include <string>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::app {

// The key in a file: all of it, without white space around it; 16 bytes or more. The error quotes
// nothing of it.
std::expected<std::string, config::ConfigError> ReadSecretFile(const config::FilePath& file);

}  // namespace upgate::app
