#pragma once

#include <string_view>

namespace upgate::config {

// What a key of nginx, HAProxy, Envoy or websockify is called here, or what to do without it: a
// clause for a message. Empty for every other key. `of` is the path of the map that the key stands
// in, such as "listeners[0].tls"; the same key means different things in different places.
std::string_view HintForForeignKey(std::string_view of, std::string_view key);

}  // namespace upgate::config
