#include "gateway/ws/message_assembler.h"

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

FramePart Part(std::string& bytes, bool begin, bool end, Opcode opcode = Opcode::kText) {
  FramePart part;
  part.opcode = opcode;
  part.frame_begin = part.message_begin = begin;
  part.frame_end = part.message_end = end;
  part.payload = std::as_writable_bytes(std::span(bytes));
  return part;
}

TEST(MessageAssembler, AMessageInOnePartIsNotCopied) {
  MessageAssembler assembler;
  std::string bytes = "hello";
  const auto message = assembler.Add(Part(bytes, true, true, Opcode::kBinary));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->opcode, Opcode::kBinary);
  EXPECT_EQ(static_cast<void*>(message->payload.data()), bytes.data());
  EXPECT_EQ(message->payload.size(), 5u);
  EXPECT_EQ(message->storage.capacity(), 0u);
  EXPECT_EQ(assembler.buffered(), 0u);
}

TEST(MessageAssembler, PartsAreJoinedAndTheirBufferLeavesWithTheMessage) {
  MessageAssembler assembler;
  std::string pieces[] = {"", "one ", "", "two ", "three"};
  std::size_t expected = 0;
  for (std::size_t i = 0; i + 1 < std::size(pieces); ++i) {
    EXPECT_FALSE(assembler.Add(Part(pieces[i], i == 0, false)));
    expected += pieces[i].size();
    EXPECT_EQ(assembler.buffered(), expected);
  }
  const auto message = assembler.Add(Part(pieces[4], false, true));
  for (std::string& piece : pieces) piece.assign(piece.size(), '?');
  ASSERT_TRUE(message);
  EXPECT_EQ(AsText(message->payload), "one two three");
  EXPECT_EQ(message->payload.data(), message->storage.data());
  EXPECT_EQ(assembler.buffered(), 0u);

  std::string next = "next";
  EXPECT_EQ(AsText(assembler.Add(Part(next, true, true))->payload), "next");
}

TEST(MessageAssembler, AMovedMessageKeepsItsBytes) {
  MessageAssembler assembler;
  std::string a = "a", b = "b";
  EXPECT_FALSE(assembler.Add(Part(a, true, false)));
  auto message = assembler.Add(Part(b, false, true));
  ASSERT_TRUE(message);
  const Message moved = std::move(*message);
  EXPECT_EQ(AsText(moved.payload), "ab");
}

TEST(MessageAssembler, OnlyWhatHasArrivedIsKept) {
  MessageAssembler assembler;
  FrameDecoder decoder(Role::kServer, std::uint64_t{1} << 40);
  std::string wire = "\x82\xff\0\0\0\x7f\xff\xff\xff\xff\0\0\0\0abc"s;
  MutableBytes input = std::as_writable_bytes(std::span(wire));
  const auto part = decoder.Next(input);
  ASSERT_TRUE(part && *part);
  EXPECT_FALSE(assembler.Add(**part));
  EXPECT_EQ(assembler.buffered(), 3u);
}

class AssemblerOverDecoder : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, AssemblerOverDecoder, 1, 2, 3, 7, 4096);

TEST_EACH(AssemblerOverDecoder, MessagesAndControlFramesComeOutWhole) {
  const std::string big(300, 'B');
  std::string wire = ClientFrame(0x01, "Hel") + ClientFrame(0x89, "ping") +
                     ClientFrame(0x80, "lo") + ClientFrame(0x82, "") + ClientFrame(0x82, big) +
                     ClientFrame(0x88, "\x03\xe8");
  FrameDecoder decoder(Role::kServer, 1000);
  MessageAssembler data, control;
  std::vector<std::string> whole;
  for (std::size_t at = 0; at < wire.size(); at += GetParam()) {
    MutableBytes input =
        std::as_writable_bytes(std::span(wire).subspan(at, std::min(GetParam(), wire.size() - at)));
    for (auto part = decoder.Next(input); part && *part; part = decoder.Next(input)) {
      MessageAssembler& assembler = IsControl((*part)->opcode) ? control : data;
      if (const auto message = assembler.Add(**part)) whole.emplace_back(AsText(message->payload));
    }
  }
  EXPECT_EQ(whole, (std::vector<std::string>{"ping", "Hello", "", big, "\x03\xe8"}));
}

}  // namespace
}  // namespace upgate::ws
