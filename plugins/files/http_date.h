#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace upgate::plugins::files {

// Parses an HTTP-date in any of its three formats (RFC 9110, section 5.6.7) to seconds since 1970;
// nullopt if invalid. A two-digit year is the nearest one that is not more than 50 years after
// `now`.
std::optional<std::int64_t> ParseHttpDate(std::string_view text, std::int64_t now);

}  // namespace upgate::plugins::files
