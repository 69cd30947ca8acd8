#pragma once

#include <array>
#include <cstddef>

#include "gateway/base/bytes.h"

namespace upgate::tls {

// For the WebSocket handshake only, where the standard and a draft require them; not for security.
std::array<std::byte, 20> Sha1(Bytes data);
std::array<std::byte, 16> Md5(Bytes data);

// For keys of caches of secrets.
std::array<std::byte, 32> Sha256(Bytes data);

}  // namespace upgate::tls
