#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace upgate::config {

// Looks up an environment variable; nullptr when it is not set.
using Environment = const char* (*)(const char* name);

// Puts environment variables into a scalar: `${NAME}`, and `${NAME:-default}` for one that is not
// set or empty. `$${` stands for a literal `${`. What is put in is not looked at again. On failure
// what is wrong, as a message; it holds no values.
std::expected<std::string, std::string> PutEnvironmentIn(std::string_view text,
                                                         Environment environment);

}  // namespace upgate::config
