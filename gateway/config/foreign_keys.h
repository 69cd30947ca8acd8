#pragma once

#include <string_view>

namespace upgate::config {

// The equivalent here of a key of nginx, HAProxy, Envoy or websockify, or advice if there is none,
// as a clause for a message. Empty for every other key. `of` is the path of the map that contains
// the key, such as "listeners[0].tls"; the same key means different things in different places.
std::string_view HintForForeignKey(std::string_view of, std::string_view key);

// Where this program has a key of that name, as in "a route's limits"; empty if it has none, or in
// too many places.
std::string_view PlaceOfKey(std::string_view key);

}  // namespace upgate::config
