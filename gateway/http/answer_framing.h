#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace upgate::http {

// Slips of servers in the framing fields of a response head that can be read in one way only. Both
// take a whole head that a FieldScanner has passed (so each line is "name:value CR LF", without
// folding), and return it without the slip, or nothing where there is nothing to change.

// Without Content-Length and Transfer-Encoding. For 1xx heads, which end at their empty line
// whatever their fields say (RFC 9112, section 6.3): there these fields mean nothing, and nobody
// behind us should have to know that.
std::optional<std::string> WithoutFraming(std::string_view head);

// With one Content-Length in place of several that all have the same value, in fields of their own
// or as a list in one (RFC 9110, section 8.6). Values are compared as they are written. Nothing,
// too, where they differ, or one is empty or no number.
std::optional<std::string> WithOneLength(std::string_view head);

}  // namespace upgate::http
