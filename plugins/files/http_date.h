#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace upgate::plugins::files {

// Seconds since 1970 of an HTTP-date in any of its three forms (RFC 9110, section 5.6.7); nothing
// for anything else. A year of two digits is the nearest one that is not more than 50 years after
// `now`.
std::optional<std::int64_t> ParseHttpDate(std::string_view text, std::int64_t now);

}  // namespace upgate::plugins::files
