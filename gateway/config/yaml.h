#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/config/environment.h"
#include "gateway/config/error.h"
#include "gateway/config/value.h"

namespace upgate::config {

// Parses a text with one YAML document into a tree. Environment variables are expanded in values
// (not in keys) after parsing, so that a value cannot change the structure. An empty document is a
// null at 1:1.
//
// Text size, depth, number of values and expansion of aliases are limited. Errors are added to
// `errors`; the tree is returned nevertheless if only single values or keys are invalid (an unset
// variable, a repeated key), so that the rest can be checked too.
std::optional<Value> ParseYaml(std::string_view text, Environment environment,
                               std::vector<ConfigError>& errors);

// Maximum size of a text in bytes.
inline constexpr std::size_t kMaxText = 4 * 1024 * 1024;

}  // namespace upgate::config
