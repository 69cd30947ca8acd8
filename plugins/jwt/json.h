#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "gateway/base/json.h"

namespace upgate::plugins {

// A JSON object from a peer; nullopt if it is anything else, or is nested more deeply than any
// token needs, or has an object with more than `most` members.
std::optional<Json> ReadObject(std::string_view text, std::size_t most = 1024);

}  // namespace upgate::plugins
