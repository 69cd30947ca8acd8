#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/error.h"

namespace upgate::admin {

// The shortest token that is accepted, in characters.
inline constexpr std::size_t kShortestToken = 16;

// The tokens in a text: one per line; empty lines and lines that begin with '#' are skipped. The
// error is a message that quotes none of them.
std::expected<std::vector<std::string>, std::string> ParseTokens(std::string_view text);

// Reads a file of tokens.
std::expected<std::vector<std::string>, config::ConfigError> ReadTokenFile(
    const config::FilePath& file);

}  // namespace upgate::admin
