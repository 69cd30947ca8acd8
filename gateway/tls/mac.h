#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace upgate::tls {

// HMAC-SHA256 (RFC 2104), for values that clients keep and must not be able to make.
std::array<std::byte, 32> HmacSha256(std::string_view key, std::string_view data);

// Whether two secrets are the same; takes the same time wherever they differ.
bool AreEqualSecrets(std::string_view a, std::string_view b);
// Overwrites a secret that is not needed any more.
void Wipe(std::string& secret);

// 32 unpredictable bytes: a key for HmacSha256. Aborts where the system has none to give.
std::string RandomKey();

}  // namespace upgate::tls
