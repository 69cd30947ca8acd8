#include <gtest/gtest.h>

#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

constexpr std::array<std::byte, 4> kMask = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

// The header in front of the payload.
std::string Encode(const FrameHeader& header) {
  std::string buffer(kMaxHeader + 1, '#');
  std::byte* const payload = std::as_writable_bytes(std::span(buffer)).data() + kMaxHeader;
  const std::size_t size = EncodeHeaderBefore(header, payload);
  EXPECT_EQ(size, HeaderSize(header));
  EXPECT_EQ(buffer.substr(0, kMaxHeader - size), std::string(kMaxHeader - size, '#'));
  EXPECT_EQ(buffer.back(), '#');
  return buffer.substr(kMaxHeader - size, size);
}

FrameHeader Header(Opcode opcode, std::uint64_t length) {
  FrameHeader header;
  header.opcode = opcode;
  header.length = length;
  return header;
}

TEST(EncodeHeader, UsesTheShortestFormOfALength) {
  EXPECT_EQ(Encode(Header(Opcode::kText, 0)), "\x81\x00"s);
  EXPECT_EQ(Encode(Header(Opcode::kBinary, 125)), "\x82\x7d");
  EXPECT_EQ(Encode(Header(Opcode::kBinary, 126)), "\x82\x7e\x00\x7e"s);
  EXPECT_EQ(Encode(Header(Opcode::kBinary, 65535)), "\x82\x7e\xff\xff");
  EXPECT_EQ(Encode(Header(Opcode::kBinary, 65536)), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(Encode(Header(Opcode::kBinary, 0x7123456789abcdef)),
            "\x82\x7f\x71\x23\x45\x67\x89\xab\xcd\xef");
}

TEST(EncodeHeader, WritesFlagsAndMask) {
  FrameHeader header = Header(Opcode::kContinuation, 5);
  header.fin = false;
  EXPECT_EQ(Encode(header), "\x00\x05"s);
  header.rsv1 = true;
  header.opcode = Opcode::kText;
  EXPECT_EQ(Encode(header), "\x41\x05");
  header.mask = kMask;
  EXPECT_EQ(Encode(header), "\x41\x85\x01\x02\x03\x04");
  header.length = 65536;
  EXPECT_EQ(Encode(header).size(), kMaxHeader);
}

TEST(EncodeHeader, IsReadBackByADecoder) {
  for (const std::uint64_t length : {0, 1, 125, 126, 65535, 65536}) {
    const std::string payload(length, 'x');
    FrameHeader header = Header(Opcode::kBinary, length);
    const Decoded plain = DecodeInChunks(Encode(header) + payload, 4096, Role::kClient);
    ASSERT_EQ(plain.frames.size(), 1u);
    EXPECT_EQ(plain.frames[0].payload, payload);
    header.mask.emplace();
    const Decoded masked = DecodeInChunks(Encode(header) + payload, 4096, Role::kServer);
    ASSERT_EQ(masked.frames.size(), 1u);
    EXPECT_EQ(masked.frames[0].payload, payload);
  }
}

}  // namespace
}  // namespace upgate::ws
