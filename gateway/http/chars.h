#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace upgate::http {

namespace detail {
constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kTokenTable = MakeTokenTable();

// True if one of the 8 bytes is a control character: below 0x20 or 0x7f.
constexpr bool HasControl(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = 0x80 * kOnes;
  const std::uint64_t delete_is_zero = word ^ (0x7f * kOnes);
  const std::uint64_t low = (word - 0x20 * kOnes) & ~word;
  const std::uint64_t deletes = (delete_is_zero - kOnes) & ~delete_is_zero;
  return ((low | deletes) & kHighBits) != 0;
}
}  // namespace detail

// tchar of RFC 9110, section 5.6.2.
constexpr bool IsTokenChar(char c) {
  return detail::kTokenTable[static_cast<unsigned char>(c)];
}

// Number of leading characters that are allowed in a token.
constexpr std::size_t TokenCharsAtFront(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && IsTokenChar(text[size])) ++size;
  return size;
}

constexpr bool IsToken(std::string_view text) {
  bool all = true;  // checking every character is cheaper than stopping early
  for (const char c : text) all &= IsTokenChar(c);
  return all && !text.empty();
}

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// The value of a hexadecimal digit, or -1 for any other character.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Allowed in a field value: everything except control characters other than tab (RFC 9110, section
// 5.5).
constexpr bool IsFieldChar(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

// Number of leading characters that are allowed in a field value.
inline std::size_t FieldCharsAtFront(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size()) {
    std::uint64_t word = 0;
    if (text.size() - size >= sizeof word) {
      std::memcpy(&word, text.data() + size, sizeof word);
      if (!detail::HasControl(word)) {
        size += sizeof word;
        continue;
      }
    }
    // A tab, an invalid character, or the last few characters.
    const std::size_t stop = std::min(text.size(), size + sizeof word);
    while (size < stop && IsFieldChar(text[size])) ++size;
    if (size < stop) break;
  }
  return size;
}

// Number of leading characters that are ASCII.
inline std::size_t AsciiCharsAtFront(std::string_view text) {
  std::size_t size = 0;
  for (std::uint64_t word = 0; text.size() - size >= sizeof word; size += sizeof word) {
    std::memcpy(&word, text.data() + size, sizeof word);
    if ((word & 0x8080808080808080) != 0) break;
  }
  while (size < text.size() && static_cast<unsigned char>(text[size]) < 0x80) ++size;
  return size;
}

inline bool AreFieldChars(std::string_view text) {
  return FieldCharsAtFront(text) == text.size();
}

}  // namespace upgate::http
