#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/error.h"

namespace upgate::config {

// Checks on the text itself, for errors that the YAML library accepts or reports poorly.

// Line and column (in bytes) of an offset.
Mark MarkAt(std::string_view text, std::size_t offset);

// The first character not allowed in a configuration file: invalid UTF-8 or a control character.
std::optional<ConfigError> FindBadCharacter(std::string_view text);

// True if a scalar that begins at `offset` has an unclosed quote.
bool IsUnclosedQuote(std::string_view text, std::size_t offset);

// A hint, starting with "; ", for a syntax error at `mark` that yaml-cpp reports as `complaint`;
// empty if there is none.
std::string_view SyntaxHint(std::string_view text, Mark mark, std::string_view complaint);

// `mark` with its column limited to one past the end of its line: the YAML library counts the end
// of the text as a character.
Mark OnItsLine(std::string_view text, Mark mark);

}  // namespace upgate::config
