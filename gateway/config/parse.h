#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/environment.h"

namespace upgate::config {

// Parses and validates a whole configuration. `file` is its name in messages and the base of
// relative file paths; the files themselves are not opened. On failure returns all errors in file
// order, at most 100.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Parse(
    std::string_view text, const std::string& file, Environment environment);

// The contents of a file, valid or not.
struct Draft {
  // The valid parts; parts with errors may be empty. nullptr if nothing was valid, or there are
  // more errors than are reported.
  std::shared_ptr<const Config> config;
  std::vector<ConfigError> errors;  // in file order, at most 100
};

// Like Parse and Load, but keep the valid parts together with the errors.
Draft ParseDraft(std::string_view text, const std::string& file, Environment environment);
Draft LoadDraft(const std::string& file);

// Reads `file`, a regular file or "-" for standard input, and parses it with the process's
// environment. An unreadable file is one error without a mark.
std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Load(
    const std::string& file);

}  // namespace upgate::config
