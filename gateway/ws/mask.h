#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/bytes.h"

namespace upgate::ws {

// XORs `data` in place with the mask, whose first byte used is mask[phase] (RFC 6455, section 5.3).
// Returns the phase for the bytes that follow. `phase` is 0 to 3. Any alignment; vectorised.
std::uint8_t Mask(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase);

// One byte at a time; what Mask is checked against.
std::uint8_t MaskScalar(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase);

}  // namespace upgate::ws
