#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/bytes.h"

namespace upgate::ws {

// Validates UTF-8 (RFC 3629) text that arrives in pieces: no surrogates, no overlong forms, nothing
// above U+10FFFF. Four bytes of state. ASCII is skipped 8 to 32 bytes at a time.
class Utf8Checker {
 public:
  // Returns false at the first byte that cannot belong to valid text; the checker must not be used
  // then.
  bool Feed(Bytes piece);
  // True if the text may end here: no character is incomplete.
  bool complete() const { return need_ == 0; }
  void Reset() { *this = {}; }

 private:
  std::uint8_t need_ = 0;    // continuation bytes still to come
  std::uint8_t low_ = 0x80;  // bounds of the next continuation byte
  std::uint8_t high_ = 0xbf;
};

// Number of bytes at the end of `piece` that begin an incomplete character: 0 to 3. For splitting
// text at code-point boundaries; `piece` must be valid UTF-8 so far.
std::size_t PartialCharacter(Bytes piece);

// The longest prefix of at most `limit` bytes that ends on a code-point boundary.
std::string_view CutText(std::string_view text, std::size_t limit);

}  // namespace upgate::ws
