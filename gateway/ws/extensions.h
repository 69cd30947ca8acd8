#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upgate::ws {

// One extension of a Sec-WebSocket-Extensions field (RFC 6455, section 9.1).
struct Extension {
  struct Parameter {
    std::string name;
    std::optional<std::string> value;  // without quotes
  };
  std::string name;
  std::vector<Parameter> parameters;  // in order; names may repeat
};

// Parses all elements of the field, in order. Returns nullopt on a syntax error (a quoted value
// must be a token too) or for more than 32 elements or parameters.
std::optional<std::vector<Extension>> ParseExtensions(std::string_view field);

}  // namespace upgate::ws
