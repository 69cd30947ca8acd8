#pragma once

#include <optional>
#include <string_view>

#include "gateway/base/json.h"

namespace upgate::plugins {

// A JSON object from a peer; nullopt if it is anything else, or is nested more deeply than any
// token needs.
std::optional<Json> ReadObject(std::string_view text);

}  // namespace upgate::plugins
