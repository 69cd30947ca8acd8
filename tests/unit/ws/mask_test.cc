#include "gateway/ws/mask.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace upgate::ws::mask_test {
namespace {

constexpr std::array<std::byte, 4> kMask = {std::byte{0x37}, std::byte{0xfa}, std::byte{0x21},
                                            std::byte{0x3d}};

std::vector<std::byte> Pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + 7);
  return bytes;
}

TEST(Mask, EqualsTheScalarOneAtEveryAlignmentLengthAndPhase) {
  constexpr std::size_t kGuard = 40;
  for (std::size_t offset = 0; offset < 32; ++offset) {
    for (std::size_t size = 0; size <= 130; ++size) {
      for (std::uint8_t phase = 0; phase < 4; ++phase) {
        std::vector<std::byte> expected = Pattern(offset + size + kGuard);
        std::vector<std::byte> got = expected;
        const auto next = MaskScalar(std::span(expected).subspan(offset, size), kMask, phase);
        ASSERT_EQ(Mask(std::span(got).subspan(offset, size), kMask, phase), next);
        ASSERT_EQ(next, (phase + size) % 4);
        ASSERT_EQ(got, expected) << offset << ' ' << size << ' ' << int{phase};
      }
    }
  }
}

TEST(Mask, EqualsTheScalarOneForLongRuns) {
  for (std::size_t size = 131; size < 700; ++size) {
    std::vector<std::byte> expected = Pattern(size);
    std::vector<std::byte> got = expected;
    MaskScalar(expected, kMask, size & 3);
    Mask(got, kMask, size & 3);
    ASSERT_EQ(got, expected) << size;
  }
}

TEST(Mask, IsTheSameInPieces) {
  std::vector<std::byte> whole = Pattern(300);
  Mask(whole, kMask, 0);
  for (std::size_t piece = 1; piece < 140; ++piece) {
    std::vector<std::byte> pieces = Pattern(300);
    std::uint8_t phase = 0;
    for (std::size_t at = 0; at < pieces.size(); at += piece) {
      phase =
          Mask(std::span(pieces).subspan(at, std::min(piece, pieces.size() - at)), kMask, phase);
    }
    ASSERT_EQ(pieces, whole) << piece;
  }
}

TEST(Mask, ScalarIsTheFormulaOfTheStandard) {
  std::string text = "Hello";
  MaskScalar(std::as_writable_bytes(std::span(text)), kMask, 0);
  EXPECT_EQ(text, "\x7f\x9f\x4d\x51\x58");
}

}  // namespace
}  // namespace upgate::ws::mask_test
