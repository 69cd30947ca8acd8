#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upgate::http {

// Repairs of unambiguous mistakes in the framing fields of a response head. Both functions take a
// complete head that a FieldScanner has accepted (so each line is "name:value CR LF", without
// folding) and return the repaired head, or nullopt if there is nothing to repair.

// Removes Content-Length and Transfer-Encoding. For 1xx heads, which end at their empty line
// whatever their fields say (RFC 9112, section 6.3): the fields mean nothing there, and removing
// them spares later recipients that special case.
std::optional<std::string> WithoutFraming(std::string_view head);

// Merges several Content-Length values that are all equal, in separate fields or in one list, into
// one field (RFC 9110, section 8.6). Values are compared as text. Also nullopt if the values
// differ, or if one is empty or not a number.
std::optional<std::string> MergeContentLengths(std::string_view head);

}  // namespace upgate::http
