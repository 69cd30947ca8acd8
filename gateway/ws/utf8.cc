#include "gateway/ws/utf8.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "gateway/ws/utf8_vector.h"

namespace upgate::ws {
namespace {

// What may follow a first byte: the number of bytes, and the bounds of the first of them. The
// bounds exclude overlong forms, surrogates and everything above U+10FFFF (RFC 3629, section 4).
struct Lead {
  std::uint8_t need;  // kNone: cannot begin a character
  std::uint8_t low;
  std::uint8_t high;
};
constexpr std::uint8_t kNone = 0xff;

constexpr Lead LeadOf(unsigned byte) {
  if (byte < 0x80) return {0, 0, 0};
  if (byte < 0xc2 || byte > 0xf4) return {kNone, 0, 0};
  if (byte < 0xe0) return {1, 0x80, 0xbf};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte < 0xf0) return {2, 0x80, 0xbf};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  return {3, 0x80, 0xbf};
}

constexpr auto kLeads = [] {
  std::array<Lead, 256> leads{};
  for (unsigned i = 0; i < leads.size(); ++i) leads[i] = LeadOf(i);
  return leads;
}();

using Byte = unsigned char;

bool IsContinuation(Byte byte) {
  return (byte & 0xc0) == 0x80;
}

bool HasHighBit(const Byte* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return (word & 0x8080808080808080) != 0;
}

// Skips the ASCII bytes at the front of the range.
const Byte* SkipAscii(const Byte* at, const Byte* end) {
  while (end - at >= 32) {
    std::uint64_t word[4];
    std::memcpy(word, at, sizeof word);
    if (((word[0] | word[1] | word[2] | word[3]) & 0x8080808080808080) != 0) break;
    at += 32;
  }
  while (end - at >= 8 && !HasHighBit(at)) at += 8;
  while (at != end && *at < 0x80) ++at;
  return at;
}

// Checks the rest of a complete character that begins at `at`.
bool IsCharacter(const Byte* at, const Lead& lead) {
  if (at[1] < lead.low || at[1] > lead.high) return false;
  if (lead.need == 1) return true;
  if (!IsContinuation(at[2])) return false;
  return lead.need == 2 || IsContinuation(at[3]);
}

}  // namespace

bool Utf8Checker::Feed(Bytes piece) {
  const Byte* at = reinterpret_cast<const Byte*>(piece.data());
  const Byte* const end = at + piece.size();
  for (;;) {
    for (; need_ > 0; --need_) {
      if (at == end) return true;
      if (*at < low_ || *at > high_) return false;
      ++at;
      low_ = 0x80;
      high_ = 0xbf;
    }
    at = SkipAscii(at, end);
    if (end - at >= kVectorUtf8Minimum) at = SkipValidUtf8(at, end);
    // Characters that are completely in `piece` need no state.
    while (at != end && *at >= 0x80) {
      const Lead& lead = kLeads[*at];
      if (lead.need == kNone) return false;
      if (end - at <= lead.need) {
        need_ = lead.need;
        low_ = lead.low;
        high_ = lead.high;
        ++at;
        break;
      }
      if (!IsCharacter(at, lead)) return false;
      at += lead.need + 1;
    }
    if (at == end) return true;
  }
}

std::size_t PartialCharacter(Bytes piece) {
  const std::size_t most = std::min<std::size_t>(piece.size(), 3);
  for (std::size_t back = 1; back <= most; ++back) {
    const auto byte = std::to_integer<Byte>(piece[piece.size() - back]);
    if (IsContinuation(byte)) continue;
    const Lead& lead = kLeads[byte];
    return lead.need != kNone && lead.need >= back ? back : 0;
  }
  return 0;
}

std::string_view CutText(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t cut = limit;
  while (cut > 0 && limit - cut < 3 && IsContinuation(static_cast<Byte>(text[cut]))) --cut;
  return text.substr(0, cut);
}

}  // namespace upgate::ws
