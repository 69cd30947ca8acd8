#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace upgate {

// Objects keep the order of their members. Reading and writing are functions here because their
// templates take a compiler seconds in each file that instantiates them.
using Json = nlohmann::ordered_json;

// JSON text (RFC 8259): one line without spaces, or with line breaks and `indent` spaces per level.
// Invalid UTF-8, which names from files and clients may contain, is replaced by U+FFFD.
std::string DumpJson(const Json& json, int indent = -1);
// The shortest digits that are read as the same number, with a point or an exponent: 100.0, 1e+20.
std::string NumberToJson(double number);

// A discarded value (is_discarded()) if `text` is not JSON, is nested deeper than `max_depth`, or
// has an object with more than `max_members`; see JsonText::Read. Objects search their members one
// by one, so that making one takes time by the square of their number.
Json ParseJson(std::string_view text, std::size_t max_depth = 64, std::size_t max_members = 1024);

}  // namespace upgate
