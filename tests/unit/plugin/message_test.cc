#include "gateway/plugin/message.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/ws/frame.h"
#include "tests/support/cases.h"

namespace upgate::plugin {
namespace {

class MessageOfSize : public TestOfCase<std::size_t> {};

// A client's decoder accepts the frame.
TEST_EACH(MessageOfSize, IsOneWholeFrame) {
  std::string payload(GetParam(), 'x');
  if (!payload.empty()) payload.back() = 'y';
  const Message message(MessageKind::kBinary, AsBytes(payload));
  EXPECT_EQ(AsText(message.payload()), payload);

  std::string wire(AsText(message.frame()));
  MutableBytes input = std::as_writable_bytes(std::span(wire));
  ws::FrameDecoder decoder(ws::Role::kClient, 1 << 20);
  const auto part = decoder.Next(input);
  ASSERT_TRUE(part && *part);
  EXPECT_EQ((*part)->opcode, ws::Opcode::kBinary);
  EXPECT_TRUE((*part)->message_end);
  EXPECT_EQ(AsText((*part)->payload), payload);
  EXPECT_TRUE(input.empty());
}

INSTANTIATE_CASES(Sizes, MessageOfSize, 0, 1, 125, 126, 127, 65535, 65536, 100000);

TEST(MessageTest, CopiesShareTheirBytes) {
  const Message message(MessageKind::kText, AsBytes("Hello"));
  const Message copy = message;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.kind(), MessageKind::kText);
  EXPECT_EQ(copy.frame().data(), message.frame().data());
}

TEST(MessageTest, IsCompressedOnceForEachWindowAndLevel) {
  const std::string payload(1000, 'm');
  const Message message(MessageKind::kText, AsBytes(payload));
  ws::Deflater deflater(15, 3);
  EXPECT_FALSE(message.FindCompressed(15, 3));
  const Bytes frame = message.Compress(deflater);
  EXPECT_LT(frame.size(), 100u);
  EXPECT_EQ(frame[0], std::byte{0xc1});
  const Message copy = message;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.FindCompressed(15, 3)->data(), frame.data());
  deflater.Reset();
  EXPECT_EQ(copy.Compress(deflater).data(), frame.data());
  EXPECT_FALSE(message.FindCompressed(9, 3));
  EXPECT_FALSE(message.FindCompressed(15, 9));
  ws::Deflater narrow(9, 3);
  EXPECT_NE(message.Compress(narrow).data(), frame.data());
  EXPECT_EQ(message.FindCompressed(15, 3)->data(), frame.data());
}

TEST(MessageTest, WhatGetsNoSmallerIsKnownToStayAsItIs) {
  const Message message(MessageKind::kBinary, AsBytes("a"));
  ws::Deflater deflater(15, 3);
  EXPECT_TRUE(message.Compress(deflater).empty());
  EXPECT_TRUE(message.FindCompressed(15, 3)->empty());
}

TEST(MessageTest, TextIsWholeUtf8) {
  EXPECT_TRUE(IsUtf8({}));
  EXPECT_TRUE(IsUtf8(AsBytes("t\xc3\xa4xt")));
  EXPECT_FALSE(IsUtf8(AsBytes("t\xc3")));
  EXPECT_FALSE(IsUtf8(AsBytes("\xed\xa0\x80")));
}

}  // namespace
}  // namespace upgate::plugin
