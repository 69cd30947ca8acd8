#include "tests/conformance/utf8.h"

#include <utility>

namespace upgate::conformance {

bool Utf8Reader::Take(unsigned byte) {
  if (left_ > 0) {
    const bool good = byte >= low_ && byte <= high_;
    low_ = 0x80;
    high_ = 0xbf;
    --left_;
    return good;
  }
  if (byte < 0x80) return true;
  if (byte < 0xc2 || byte > 0xf4) return false;
  left_ = byte < 0xe0 ? 1 : (byte < 0xf0 ? 2 : 3);
  if (byte == 0xe0) low_ = 0xa0;   // overlong forms
  if (byte == 0xed) high_ = 0x9f;  // surrogates
  if (byte == 0xf0) low_ = 0x90;   // overlong forms
  if (byte == 0xf4) high_ = 0x8f;  // beyond U+10FFFF
  return true;
}

std::size_t Utf8Reader::TakeAll(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && Take(static_cast<unsigned char>(bytes[taken]))) ++taken;
  return taken;
}

bool IsUtf8(std::string_view text) {
  Utf8Reader reader;
  return reader.TakeAll(text) == text.size() && reader.complete();
}

std::string Utf8Of(unsigned code_point) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  const auto tail = [&](int shift) { return byte(0x80 | (code_point >> shift & 0x3f)); };
  if (code_point < 0x80) return {byte(code_point)};
  if (code_point < 0x800) return {byte(0xc0 | code_point >> 6), tail(0)};
  if (code_point < 0x10000) return {byte(0xe0 | code_point >> 12), tail(6), tail(0)};
  return {byte(0xf0 | code_point >> 18), tail(12), tail(6), tail(0)};
}

}  // namespace upgate::conformance
