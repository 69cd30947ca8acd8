#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/bytes.h"

namespace upgate::ws {

// XORs `data` in place with the mask, starting at mask[phase] (RFC 6455, section 5.3). Returns the
// phase for the bytes that follow. `phase` is 0 to 3. Any alignment; vectorized.
std::uint8_t Mask(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase);

// Reference implementation for the tests, one byte at a time.
std::uint8_t MaskScalar(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase);

}  // namespace upgate::ws
