#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace upgate::plugins {

// An object in JSON from a stranger. nullopt where it is anything else, has a name twice (which
// other readers may understand differently), or is nested more deeply than any token needs.
std::optional<nlohmann::json> ReadObject(std::string_view text);

}  // namespace upgate::plugins
