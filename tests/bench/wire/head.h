#pragma once

#include <string_view>

namespace upgate::bench {

// The value of a field in an HTTP head whose lines all end with CR LF; empty if there is none.
// `name` must be lower case.
std::string_view HeaderField(std::string_view head, std::string_view name);

}  // namespace upgate::bench
