#pragma once

#include <cstdint>
#include <string>

namespace upgate {

// "2026-01-02T03:04:05Z" (RFC 3339) for seconds since 1970, of years up to 9999.
std::string UtcTime(std::int64_t unix_seconds);

}  // namespace upgate
