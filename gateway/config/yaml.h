#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/config/environment.h"
#include "gateway/config/error.h"
#include "gateway/config/value.h"

namespace upgate::config {

// Turns a text that holds one YAML document into a tree, with environment variables put into its
// values (not into its keys) after parsing, so that a value cannot change the structure. An empty
// document is a null at 1:1.
//
// Text, depth, number of values and what aliases expand to are bounded. `errors` takes what is
// wrong; the tree comes back nevertheless when only single values or keys are (a variable that is
// not set, a repeated key), so that the rest can be checked too.
std::optional<Value> ParseYaml(std::string_view text, Environment environment,
                               std::vector<ConfigError>& errors);

// The most bytes that a text may have.
inline constexpr std::size_t kMaxText = 4 * 1024 * 1024;

}  // namespace upgate::config
