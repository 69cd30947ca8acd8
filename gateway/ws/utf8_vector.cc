#include "gateway/ws/utf8_vector.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace upgate::ws {

#if defined(__x86_64__)
namespace {

// The lookup method of J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction Per
// Byte" (2021): three of the four nibbles of two adjacent bytes determine the possible errors. A
// bit is an error if all three tables have it.
constexpr std::uint8_t kTooShort = 1 << 0;   // a first byte without its continuation
constexpr std::uint8_t kTooLong = 1 << 1;    // ASCII and a continuation
constexpr std::uint8_t kOverlong3 = 1 << 2;  // E0 80..9F
constexpr std::uint8_t kTooLarge = 1 << 3;   // F4 90..BF, F5..FF 90..BF
constexpr std::uint8_t kSurrogate = 1 << 4;  // ED A0..BF
constexpr std::uint8_t kOverlong2 = 1 << 5;  // C0, C1
constexpr std::uint8_t kOverlong4 = 1 << 6;  // F0 80..8F; and F5..FF 80..8F, too large
constexpr std::uint8_t kTwoConts = 1 << 7;   // not an error in the third or fourth byte
constexpr std::uint8_t kCarry = kTooShort | kTooLong | kTwoConts;
constexpr std::uint8_t kLarge = kCarry | kTooLarge | kOverlong4;
constexpr std::uint8_t kSecond = kTooLong | kOverlong2 | kTwoConts;

// Possible errors by the high nibble of the first of two adjacent bytes, by its low nibble, and by
// the high nibble of the second.
constexpr std::uint8_t ByFirstHigh(unsigned half) {
  if (half < 0x8) return kTooLong;
  if (half < 0xc) return kTwoConts;
  if (half == 0xc) return kTooShort | kOverlong2;
  if (half == 0xd) return kTooShort;
  if (half == 0xe) return kTooShort | kOverlong3 | kSurrogate;
  return kTooShort | kTooLarge | kOverlong4;
}

constexpr std::uint8_t ByFirstLow(unsigned half) {
  if (half == 0x0) return kCarry | kOverlong3 | kOverlong2 | kOverlong4;
  if (half == 0x1) return kCarry | kOverlong2;
  if (half < 0x4) return kCarry;
  if (half == 0x4) return kCarry | kTooLarge;
  return half == 0xd ? kLarge | kSurrogate : kLarge;
}

constexpr std::uint8_t BySecondHigh(unsigned half) {
  if (half < 0x8 || half > 0xb) return kTooShort;
  if (half == 0x8) return kSecond | kOverlong3 | kOverlong4;
  if (half == 0x9) return kSecond | kOverlong3 | kTooLarge;
  return kSecond | kSurrogate | kTooLarge;
}

struct alignas(16) Table {
  std::uint8_t of[16];
};

constexpr Table MakeTable(std::uint8_t (*errors)(unsigned half)) {
  Table table{};
  for (unsigned half = 0; half < 16; ++half) table.of[half] = errors(half);
  return table;
}

constexpr Table kFirstHigh = MakeTable(ByFirstHigh);
constexpr Table kFirstLow = MakeTable(ByFirstLow);
constexpr Table kSecondHigh = MakeTable(BySecondHigh);

constexpr std::ptrdiff_t kBlock = sizeof(__m256i);

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i LookUp(const Table& table,
                                                                  __m256i halves) {
  const auto* at = reinterpret_cast<const __m128i*>(table.of);
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128(at)), halves);
}

// True if `block` is valid after `before`; its last character may be incomplete.
[[gnu::target("avx2"), gnu::always_inline]] inline bool IsValid(__m256i before, __m256i block) {
  const __m256i low = _mm256_set1_epi8(0x0f);
  const __m256i middle = _mm256_permute2x128_si256(before, block, 0x21);
  const __m256i back1 = _mm256_alignr_epi8(block, middle, 15);
  const __m256i back2 = _mm256_alignr_epi8(block, middle, 14);
  const __m256i back3 = _mm256_alignr_epi8(block, middle, 13);
  const __m256i first_high = _mm256_and_si256(_mm256_srli_epi16(back1, 4), low);
  const __m256i first_low = _mm256_and_si256(back1, low);
  const __m256i second_high = _mm256_and_si256(_mm256_srli_epi16(block, 4), low);
  const __m256i wrong = _mm256_and_si256(
      _mm256_and_si256(LookUp(kFirstHigh, first_high), LookUp(kFirstLow, first_low)),
      LookUp(kSecondHigh, second_high));
  // The top bit is set where a third or fourth byte must be: two continuations are valid there, and
  // only there.
  const __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(0xe0 - 0x80));
  const __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(0xf0 - 0x80));
  const __m256i later = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(-0x80));
  const __m256i error = _mm256_xor_si256(later, wrong);
  return _mm256_testz_si256(error, error) != 0;
}

// Number of bytes before `end` that belong to a character not fully validated yet: 0 to 3. Includes
// a last byte that cannot begin a character, because only the next block would reject it.
std::ptrdiff_t OpenAtEnd(const unsigned char* begin, const unsigned char* end) {
  const std::ptrdiff_t most = std::min<std::ptrdiff_t>(end - begin, 3);
  for (std::ptrdiff_t back = 1; back <= most; ++back) {
    const unsigned char byte = end[-back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back <= (byte >= 0xf0 ? 3 : (byte >= 0xe0 ? 2 : 1)) ? back : 0;
  }
  return 0;
}

[[gnu::target("avx2")]] const unsigned char* SkipAvx2(const unsigned char* begin,
                                                      const unsigned char* end) {
  const unsigned char* at = begin;
  __m256i before = _mm256_setzero_si256();
  for (; end - at >= kBlock; at += kBlock) {
    const __m256i block = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    if (!IsValid(before, block)) return at - OpenAtEnd(begin, at);
    before = block;
  }
  // The rest up to its last complete character, padded with zeros.
  const unsigned char* const last = end - OpenAtEnd(begin, end);
  if (last > at) {
    alignas(kBlock) unsigned char filled[kBlock] = {};
    std::memcpy(filled, at, static_cast<std::size_t>(last - at));
    const __m256i block = _mm256_load_si256(reinterpret_cast<const __m256i*>(filled));
    if (IsValid(before, block)) return last;
  }
  return at - OpenAtEnd(begin, at);
}

}  // namespace

const unsigned char* SkipValidUtf8(const unsigned char* at, const unsigned char* end) {
  return __builtin_cpu_supports("avx2") ? SkipAvx2(at, end) : at;
}
#else
const unsigned char* SkipValidUtf8(const unsigned char* at, const unsigned char*) {
  return at;
}
#endif

}  // namespace upgate::ws
