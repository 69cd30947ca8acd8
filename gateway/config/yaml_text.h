#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/config/error.h"

namespace upgate::config {

// What is looked at in the text itself, because the YAML library lets it pass or says it badly.

// Line and column (in bytes) of an offset.
Mark MarkAt(std::string_view text, std::size_t offset);

// The first thing that no configuration file may hold: octets that are not UTF-8, or control
// characters.
std::optional<ConfigError> FindBadCharacter(std::string_view text);

// Whether a scalar that begins at `offset` is quoted and its quote is never closed.
bool IsUnclosedQuote(std::string_view text, std::size_t offset);

// What to do about a syntax error at `mark`, of which yaml-cpp says `complaint`, with "; " in
// front, or nothing where it cannot be guessed.
std::string_view SyntaxHint(std::string_view text, Mark mark, std::string_view complaint);

// `mark` with a column of at most one behind the end of its line: the YAML library counts the end
// of the text as a character.
Mark OnItsLine(std::string_view text, Mark mark);

}  // namespace upgate::config
