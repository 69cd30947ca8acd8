#include "gateway/ws/mask.h"

#include <bit>
#include <cstring>

namespace upgate::ws {
namespace {

// The mask as a word in memory order, rotated by `bytes`.
std::uint32_t Rotate(std::uint32_t key, std::size_t bytes) {
  const int bits = static_cast<int>(bytes & 3) * 8;
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

template <class Word>
[[gnu::always_inline]] inline Word LoadXor(const std::byte* from, Word key) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word ^ key;
}

// For sizeof(Word) to twice that many bytes. Both ends are read before either is written, so they
// may overlap.
template <class Word>
[[gnu::always_inline]] inline void MaskEnds(std::byte* data, std::size_t size, Word head_key,
                                            Word tail_key) {
  std::byte* const tail_at = data + size - sizeof(Word);
  const Word head = LoadXor(data, head_key);
  const Word tail = LoadXor(tail_at, tail_key);
  std::memcpy(data, &head, sizeof head);
  std::memcpy(tail_at, &tail, sizeof tail);
}

std::uint64_t Twice(std::uint32_t key) {
  return std::uint64_t{key} << 32 | key;
}

void MaskTiny(std::byte* data, std::size_t size, std::uint32_t key) {
  std::array<std::byte, 4> mask;
  std::memcpy(mask.data(), &key, sizeof key);
  for (std::size_t i = 0; i < size; ++i) data[i] ^= mask[i];
}

using Vector16 [[gnu::vector_size(16)]] = std::uint32_t;

// Vectors are passed by reference: the calling convention for vectors by value depends on the
// caller's instruction set.
template <class Vector>
[[gnu::always_inline]] inline void MaskVector(std::byte* at, const Vector& keys) {
  Vector v;
  std::memcpy(&v, at, sizeof v);
  v ^= keys;
  std::memcpy(at, &v, sizeof v);
}

// For at least one vector of bytes. The last vector is read before the loop can write to it, so it
// may overlap the one before.
template <class Vector>
[[gnu::always_inline]] inline void MaskVectors(std::byte* data, std::size_t size,
                                               std::uint32_t key) {
  constexpr std::size_t kStep = sizeof(Vector);
  const Vector keys = Vector{} + key;
  std::byte* const last = data + size - kStep;
  Vector tail;
  std::memcpy(&tail, last, kStep);
  tail ^= Vector{} + Rotate(key, size);
  for (; static_cast<std::size_t>(last - data) >= 4 * kStep; data += 4 * kStep) {
    MaskVector(data, keys);
    MaskVector(data + kStep, keys);
    MaskVector(data + 2 * kStep, keys);
    MaskVector(data + 3 * kStep, keys);
  }
  for (; data < last; data += kStep) MaskVector(data, keys);
  std::memcpy(last, &tail, kStep);
}

#if defined(__x86_64__)
using Vector32 [[gnu::vector_size(32)]] = std::uint32_t;

[[gnu::target("avx2")]] void MaskAvx2(std::byte* data, std::size_t size, std::uint32_t key) {
  MaskVectors<Vector32>(data, size, key);
}
#endif

}  // namespace

std::uint8_t Mask(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase) {
  const std::size_t size = data.size();
  std::uint32_t key = 0;
  std::memcpy(&key, mask.data(), sizeof key);
  key = Rotate(key, phase);
  if (size < 4) {
    MaskTiny(data.data(), size, key);
  } else if (size < 8) {
    MaskEnds<std::uint32_t>(data.data(), size, key, Rotate(key, size));
  } else if (size < 16) {
    MaskEnds<std::uint64_t>(data.data(), size, Twice(key), Twice(Rotate(key, size)));
#if defined(__x86_64__)
  } else if (size >= 128 && __builtin_cpu_supports("avx2")) {
    MaskAvx2(data.data(), size, key);
#endif
  } else {
    MaskVectors<Vector16>(data.data(), size, key);
  }
  return static_cast<std::uint8_t>((phase + size) & 3);
}

std::uint8_t MaskScalar(MutableBytes data, std::array<std::byte, 4> mask, std::uint8_t phase) {
  for (std::byte& byte : data) {
    byte ^= mask[phase];
    phase = static_cast<std::uint8_t>((phase + 1) & 3);
  }
  return phase;
}

}  // namespace upgate::ws
