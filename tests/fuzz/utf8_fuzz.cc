// UTF-8: the checker agrees with a simple implementation of RFC 3629, in one piece (with vector
// code) and in many, and text is split between characters. Input: a seed for the splits, the number
// of letters in front, the text.

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/ws/utf8.h"
#include "gateway/ws/utf8_vector.h"
#include "tests/fuzz/fuzz.h"

namespace upgate::ws {
namespace {

using fuzz::Require;

// The length that the lead byte of `text` announces; 0: not a lead byte.
std::size_t ClaimedLength(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  if (first >= 0xc0 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf8) return 4;
  return 0;
}

// Whether a complete character is valid by RFC 3629.
bool IsCharacter(std::string_view text) {
  if (text.size() == 1) return true;
  auto value = static_cast<std::uint32_t>(text[0]) & (0xffu >> (text.size() + 1));
  for (const char c : text.substr(1)) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) return false;
    value = value << 6 | (static_cast<unsigned char>(c) & 0x3f);
  }
  const std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return value >= least[text.size()] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

// Whether some bytes after `text`, a truncated character, make it valid.
bool CanBecomeCharacter(std::string_view text, std::size_t length) {
  std::string lowest(text);
  std::string highest(text);
  lowest.resize(length, '\x80');
  highest.resize(length, '\xbf');
  if (IsCharacter(lowest) || IsCharacter(highest)) return true;
  // If the lowest second byte is overlong and the highest is out of range, or both are surrogates,
  // one in between may be valid.
  for (int second = 0x80; text.size() == 1 && second <= 0xbf; ++second) {
    lowest[1] = static_cast<char>(second);
    if (IsCharacter(lowest)) return true;
  }
  return false;
}

struct Verdict {
  std::size_t good = 0;     // bytes of complete characters at the front
  std::size_t partial = 0;  // bytes of an incomplete character after them
  bool right = false;       // whether there is nothing else
};

Verdict ReadPlainly(std::string_view text) {
  Verdict verdict;
  while (!text.empty()) {
    const std::size_t length = ClaimedLength(text);
    if (length == 0) return verdict;
    if (text.size() < length) {
      if (!CanBecomeCharacter(text, length)) return verdict;
      verdict.partial = text.size();
      break;
    }
    if (!IsCharacter(text.substr(0, length))) return verdict;
    verdict.good += length;
    text.remove_prefix(length);
  }
  verdict.right = true;
  return verdict;
}

bool FeedInPieces(Utf8Checker& checker, std::string_view text, fuzz::Cuts cuts) {
  while (!text.empty()) {
    if (!checker.Feed(AsBytes(cuts.TakeFrom(text)))) return false;
  }
  return true;
}

void RunOne(std::uint8_t cut, const std::string& text) {
  const Verdict verdict = ReadPlainly(text);
  for (const std::uint32_t seed : {0u, cut + 1u}) {
    Utf8Checker checker;
    Require(FeedInPieces(checker, text, fuzz::Cuts(seed)) == verdict.right);
    if (verdict.right) Require(checker.complete() == (verdict.partial == 0));
  }
  const auto* begin = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* skipped = SkipValidUtf8(begin, begin + text.size());
  Require(skipped >= begin && skipped <= begin + verdict.good);
  Require(ReadPlainly(std::string_view(text).substr(0, static_cast<std::size_t>(skipped - begin)))
              .partial == 0);
  if (!verdict.right) return;
  Require(PartialCharacter(AsBytes(text)) == verdict.partial);
  const std::string_view whole = std::string_view(text).substr(0, verdict.good);
  const std::string_view front = CutText(whole, cut);
  Require(whole.starts_with(front) && front.size() <= cut &&
          front.size() + 3 >= std::min<std::size_t>(whole.size(), cut));
  Require(ReadPlainly(front).partial == 0);
}

}  // namespace
}  // namespace upgate::ws

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t cut = input.Byte();
  const std::size_t letters = input.Byte() % 80;
  upgate::ws::RunOne(cut, std::string(letters, 'x') + std::string(input.Rest()));
  return 0;
}
