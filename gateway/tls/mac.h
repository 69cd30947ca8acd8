#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace upgate::tls {

// HMAC-SHA256 (RFC 2104), for values that clients keep and must not be able to make.
std::array<std::byte, 32> HmacSha256(std::string_view key, std::string_view data);

// 32 unpredictable bytes: a key for HmacSha256. Aborts where the system has none to give.
std::string RandomKey();

}  // namespace upgate::tls
