#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace upgate::config {

// Looks up an environment variable; nullptr if it is not set.
using Environment = const char* (*)(const char* name);

// Expands environment variables in a scalar: `${NAME}`, and `${NAME:-default}` for one that is
// unset or empty. `$${` stands for a literal `${`. Expanded text is not expanded again. The error
// is a message without values.
std::expected<std::string, std::string> ExpandEnvironment(std::string_view text,
                                                          Environment environment);

}  // namespace upgate::config
