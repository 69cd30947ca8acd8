#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/bytes.h"

namespace upgate {

// RFC 4648, section 4: the standard alphabet, padded.
std::string Base64Encode(Bytes bytes);
// Appends to `out`.
void Base64Encode(Bytes bytes, std::string& out);

// Strict: the length must be a multiple of four, padding only at the end, the unused bits before
// the padding zero, no other characters. nullopt otherwise.
std::optional<std::string> Base64Decode(std::string_view text);

// RFC 4648, section 5: the alphabet for URLs, without padding.
std::string Base64UrlEncode(Bytes bytes);
// As strict: no padding, no other
// characters, the unused bits zero.
std::optional<std::string> Base64UrlDecode(std::string_view text);

// Decodes one base64 text that arrives in pieces. `Feed` appends complete groups to `out` and keeps
// at most three characters; it returns false once a group of four is invalid, and from then on
// until `Finish`. `Finish` returns whether the text was valid and complete, and resets the decoder
// for the next text. As strict as Base64Decode.
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
