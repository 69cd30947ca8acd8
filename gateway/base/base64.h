#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"

namespace upgate {

// RFC 4648, section 4: the standard alphabet, padded.
std::string Base64Encode(Bytes bytes);
// Appends instead of allocating anew.
void Base64Encode(Bytes bytes, std::string& out);

// Strict: length a multiple of four, padding only at the end, the bits under the padding zero,
// nothing else. Nothing on anything that is not so.
std::optional<std::string> Base64Decode(std::string_view text);

// Decodes one base64 text that arrives in pieces. `Feed` appends what is complete to `out` and
// keeps at most three characters; false once a group of four holds a character that may not stand
// there, and from then on until `Finish`, which says whether the text was right and whole and makes
// the decoder ready for the next one. As strict as Base64Decode.
class Base64Stream {
 public:
  bool Feed(std::string_view text, std::string& out);
  bool Finish();

 private:
  enum class State : unsigned char { kOpen, kPadded, kBroken };

  char pending_[4] = {};
  unsigned char count_ = 0;
  State state_ = State::kOpen;
};

}  // namespace upgate
