#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/bytes.h"

namespace upgate::ws {

// Checks a text that arrives in pieces for UTF-8 (RFC 3629): no surrogates, no overlong forms,
// nothing past U+10FFFF. Four bytes of state. ASCII is passed over 8 to 32 bytes at a time.
class Utf8Checker {
 public:
  // False at the first byte that cannot belong to a valid text; the checker is dead then.
  bool Feed(Bytes piece);
  // Whether the text may end here: no character is half done.
  bool complete() const { return need_ == 0; }
  void Reset() { *this = {}; }

 private:
  std::uint8_t need_ = 0;    // continuation bytes still to come
  std::uint8_t low_ = 0x80;  // bounds of the next one
  std::uint8_t high_ = 0xbf;
};

// How many bytes at the end of `piece` are the beginning of a character that goes on: 0 to 3. For
// cutting text at code-point boundaries; `piece` is valid UTF-8 so far.
std::size_t PartialCharacter(Bytes piece);

// The longest prefix of at most `limit` bytes that ends on a code-point boundary.
std::string_view CutText(std::string_view text, std::size_t limit);

}  // namespace upgate::ws
