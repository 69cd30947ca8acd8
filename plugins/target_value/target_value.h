#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace upgate::plugins {

// The target in a value that something else keeps: "host:port" or a URL as it is, or a JSON object
// {"host": "…", "port": …}, {"host": "host:port"} or {"target": "…"}. Surrounding spaces and line
// ends do not count. The error says what is wrong and repeats nothing of the value.
std::expected<std::string, std::string> TargetOfValue(std::string_view value);

// The same where only JSON will do.
std::expected<std::string, std::string> TargetOfJson(std::string_view json);

}  // namespace upgate::plugins
