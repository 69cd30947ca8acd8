#pragma once

#include <string>
#include <string_view>

namespace upgate::conformance {

// UTF-8 a byte at a time, by the bounds of the Unicode standard's table of well-formed sequences
// (section 3.9, table 3-7).
class Utf8Reader {
 public:
  // False at the first byte that no continuation can make valid.
  bool Take(unsigned byte);
  // Not inside a character.
  bool complete() const { return left_ == 0; }

 private:
  unsigned left_ = 0;    // bytes of the character still to come
  unsigned low_ = 0x80;  // bounds of the next one
  unsigned high_ = 0xbf;
};

bool IsUtf8(std::string_view text);

// The UTF-8 of a code point; of surrogates and numbers beyond U+10FFFF what it would be.
std::string Utf8Of(unsigned code_point);

}  // namespace upgate::conformance
