#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace upgate::ws {

// The bits of a frame header (RFC 6455, section 5.2), for the code in this folder that reads or
// writes headers.

inline constexpr unsigned kFin = 0x80;
inline constexpr unsigned kRsv1 = 0x40;
inline constexpr unsigned kReserved = 0x70;
inline constexpr unsigned kOpcodeBits = 0x0f;
inline constexpr unsigned kMaskBit = 0x80;
inline constexpr unsigned kLengthBits = 0x7f;
inline constexpr unsigned kLength16 = 126;
inline constexpr unsigned kLength64 = 127;

inline unsigned At(const std::byte* header, std::size_t i) {
  return std::to_integer<unsigned>(header[i]);
}

template <class Word>
Word LoadBigEndian(const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  if constexpr (std::endian::native == std::endian::big) return word;
  if constexpr (sizeof word == 2) return __builtin_bswap16(word);
  return static_cast<Word>(__builtin_bswap64(word));
}

inline std::size_t LengthEnd(unsigned second) {
  const unsigned length = second & kLengthBits;
  return length < kLength16 ? 2 : (length == kLength16 ? 4 : 10);
}

inline std::size_t SizeOfHeader(unsigned second) {
  return LengthEnd(second) + ((second & kMaskBit) != 0 ? 4 : 0);
}

inline std::uint64_t PayloadLength(const std::byte* header) {
  const unsigned length = At(header, 1) & kLengthBits;
  if (length < kLength16) return length;
  if (length == kLength16) return LoadBigEndian<std::uint16_t>(header + 2);
  return LoadBigEndian<std::uint64_t>(header + 2);
}

}  // namespace upgate::ws
