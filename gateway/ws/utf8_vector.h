#pragma once

#include <cstddef>

namespace upgate::ws {

// Below this many bytes the call to SkipValidUtf8 costs more than it saves.
inline constexpr std::ptrdiff_t kVectorUtf8Minimum = 16;

// Skips complete characters of valid UTF-8, 32 bytes at a time if the processor supports AVX2. `at`
// must be at the start of a character, and so is the result. May stop anywhere before `end`, at the
// latest at an invalid byte: it only accelerates, and the caller does the validation.
const unsigned char* SkipValidUtf8(const unsigned char* at, const unsigned char* end);

}  // namespace upgate::ws
