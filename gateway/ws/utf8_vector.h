#pragma once

#include <cstddef>

namespace upgate::ws {

// Below this many bytes SkipValidUtf8 is not worth its call.
inline constexpr std::ptrdiff_t kVectorUtf8Minimum = 16;

// Past whole characters of valid UTF-8, 32 bytes at a time where the processor can; `at` is where a
// character begins, and so is the result. May stop anywhere short of `end`, at a wrong byte at the
// latest: an accelerator that leaves the verdict to its caller.
const unsigned char* SkipValidUtf8(const unsigned char* at, const unsigned char* end);

}  // namespace upgate::ws
