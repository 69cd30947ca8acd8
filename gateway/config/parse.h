#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/environment.h"

namespace upgate::config {

// Parses and checks a whole configuration. `file` names it in messages and is what relative paths
// of files start from; files themselves are not opened. On failure every error that was found, in
// file order, at most 100 of them.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Parse(
    std::string_view text, const std::string& file, Environment environment);

// What a file says, right or wrong.
struct Draft {
  std::shared_ptr<const Config> config;  // as far as it was understood; parts with errors may be
                                         // empty. nullptr: nothing was, or there are more errors
  std::vector<ConfigError> errors;       // in file order, at most 100 of them
};

// As Parse and Load, but what is right is kept beside the errors.
Draft ParseDraft(std::string_view text, const std::string& file, Environment environment);
Draft LoadDraft(const std::string& file);

// Reads `file`, a regular one or "-" for standard input, and parses it with the process's
// environment. A file that cannot be read is one error without a mark.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Load(
    const std::string& file);

}  // namespace upgate::config
