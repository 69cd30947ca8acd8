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
    std::optional<std::string> value;  // without its quotes
  };
  std::string name;
  std::vector<Parameter> parameters;  // in their order; a name may be there twice
};

// Reads all the elements of the field, in order. Nothing when it breaks the grammar (a quoted value
// must be a token too) or has more than 32 elements or parameters.
std::optional<std::vector<Extension>> ParseExtensions(std::string_view field);

}  // namespace upgate::ws
