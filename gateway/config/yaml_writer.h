#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/value.h"

namespace upgate::config {

// For building a Value to be written. A member or item without anything in it is written, too.

// Plain text where a quoted one would mean something else: numbers, durations, true and false.
Value PlainValue(std::string text);
// Text in quotes; what looks like an environment variable stays text.
Value TextValue(std::string_view text);
Value ListOf(std::vector<Value> items);
// Appends a member to a map.
void Add(Value& map, std::string_view key, Value value);

// A map as YAML in block style that ParseYaml reads as the same: scalars are written as they are
// (`written`, where there is one, so that environment variables stay variables), absent values are
// left out.
std::string WriteYaml(const Value& map);

}  // namespace upgate::config
