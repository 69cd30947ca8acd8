#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"

namespace upgate::config {

// Looks up an environment variable; nullptr when it is not set.
using Environment = const char* (*)(const char* name);

// Parses and checks a whole configuration. `file` names it in messages and is what relative paths of files start from;
// files themselves are not opened. On failure every error that was found, in file order.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Parse(std::string_view text, const std::string& file,
                                                                            Environment environment);

// Reads `file` and parses it with the process's environment. A file that cannot be read is one error without a mark.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Load(const std::string& file);

}  // namespace upgate::config
