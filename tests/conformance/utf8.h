#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace upgate::conformance {

// Decodes UTF-8 byte by byte, with the bounds of the Unicode standard's table of well-formed
// sequences (section 3.9, table 3-7).
class Utf8Reader {
 public:
  // False at the first byte that no continuation can make valid.
  bool Take(unsigned byte);
  // Returns how many bytes Take() accepted, one after the other.
  std::size_t TakeAll(std::string_view bytes);
  // Not inside a character.
  bool complete() const { return left_ == 0; }

 private:
  unsigned left_ = 0;    // remaining bytes of the character
  unsigned low_ = 0x80;  // bounds of the next byte
  unsigned high_ = 0xbf;
};

bool IsUtf8(std::string_view text);

// The UTF-8 of a code point; surrogates and numbers beyond U+10FFFF are encoded likewise.
std::string Utf8Of(unsigned code_point);

}  // namespace upgate::conformance
