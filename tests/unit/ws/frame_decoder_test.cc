#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr unsigned kText = 1;
constexpr unsigned kBinary = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kPing = 9;

Frame Whole(Opcode opcode, std::string payload) {
  return {opcode, std::move(payload), true, true, true};
}

class FrameDecoderTest : public TestOfCase<std::size_t> {
 protected:
  Decoded Decode(std::string_view wire, std::uint64_t max_message = 1 << 20) {
    return DecodeInChunks(wire, GetParam(), Role::kServer, max_message);
  }
  Decoded DecodeFromServer(std::string_view wire) {
    return DecodeInChunks(wire, GetParam(), Role::kClient);
  }
  // Expects this error from the decoder, after `good_frames` valid frames.
  void ExpectError(std::string_view wire, int code, std::size_t good_frames = 0) {
    const Decoded got = Decode(wire);
    EXPECT_EQ(got.code(), code) << testing::PrintToString(wire);
    std::size_t whole = 0;
    for (const Frame& frame : got.frames) whole += frame.whole ? 1 : 0;
    EXPECT_EQ(whole, good_frames);
    if (got.error) {
      EXPECT_LE(got.error->reason.size(), 123u);
      EXPECT_FALSE(got.error->reason.empty());
    }
  }
};

INSTANTIATE_CASES(BytesPerRead, FrameDecoderTest, 1, 2, 3, 7, 4096);

// The examples of RFC 6455, section 5.7.

TEST_EACH(FrameDecoderTest, UnmaskedTextOfAServer) {
  EXPECT_THAT(DecodeFromServer("\x81\x05\x48\x65\x6c\x6c\x6f").frames,
              ElementsAre(Whole(Opcode::kText, "Hello")));
}

TEST_EACH(FrameDecoderTest, MaskedText) {
  EXPECT_THAT(Decode("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").frames,
              ElementsAre(Whole(Opcode::kText, "Hello")));
}

TEST_EACH(FrameDecoderTest, FragmentedTextOfAServer) {
  EXPECT_THAT(DecodeFromServer("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f").frames,
              ElementsAre(Frame{Opcode::kText, "Hel", true, false, true},
                          Frame{Opcode::kText, "lo", false, true, true}));
}

TEST_EACH(FrameDecoderTest, PingAndMaskedPong) {
  EXPECT_THAT(DecodeFromServer("\x89\x05\x48\x65\x6c\x6c\x6f").frames,
              ElementsAre(Whole(Opcode::kPing, "Hello")));
  EXPECT_THAT(Decode("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58").frames,
              ElementsAre(Whole(Opcode::kPong, "Hello")));
}

TEST_EACH(FrameDecoderTest, BinaryWithEachFormOfLength) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 128, 256, 65535, 65536, 70000}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
    EXPECT_THAT(Decode(ClientFrame(kFinBit | kBinary, payload)).frames,
                ElementsAre(Whole(Opcode::kBinary, payload)));
    EXPECT_THAT(DecodeFromServer(ServerFrame(kFinBit | kBinary, payload)).frames,
                ElementsAre(Whole(Opcode::kBinary, payload)));
  }
}

TEST_EACH(FrameDecoderTest, FramesFollowOneAnother) {
  EXPECT_THAT(Decode(ClientFrame(0x81, "one") + ClientFrame(0x82, "", "abcd") +
                     ClientFrame(0x89, "two", "\xff\0\xff\0"sv) + ClientFrame(0x81, "three"))
                  .frames,
              ElementsAre(Whole(Opcode::kText, "one"), Whole(Opcode::kBinary, ""),
                          Whole(Opcode::kPing, "two"), Whole(Opcode::kText, "three")));
}

TEST_EACH(FrameDecoderTest, ControlFramesStandBetweenFragments) {
  EXPECT_THAT(
      Decode(ClientFrame(kText, "a") + ClientFrame(0x89, "ping") + ClientFrame(0, "") +
             ClientFrame(0x8a, "") + ClientFrame(0x80, "b") + ClientFrame(0x88, "\x03\xe8"))
          .frames,
      ElementsAre(Frame{Opcode::kText, "a", true, false, true}, Whole(Opcode::kPing, "ping"),
                  Frame{Opcode::kText, "", false, false, true}, Whole(Opcode::kPong, ""),
                  Frame{Opcode::kText, "b", false, true, true}, Whole(Opcode::kClose, "\x03\xe8")));
}

TEST_EACH(FrameDecoderTest, FramesThatAreNotMaskedAsTheirSenderMustAreRejected) {
  ExpectError("\x81\x05Hello", 1002);
  ExpectError("\x88\x00"s, 1002);
  EXPECT_EQ(DecodeFromServer(ClientFrame(0x81, "Hello")).code(), 1002);
}

TEST_EACH(FrameDecoderTest, ReservedBitsAreRejected) {
  for (const unsigned bits : {0x10, 0x20, 0x40, 0x50, 0x70}) {
    for (const unsigned first : {0x01, 0x81, 0x82, 0x88, 0x89, 0x8a}) {
      ExpectError(ClientFrame(0x81, "ok") + ClientFrame(first | bits, "x"), 1002, 1);
    }
    ExpectError(ClientFrame(0x01, "ok") + ClientFrame(0x80 | bits, "x"), 1002, 1);
  }
}

// RFC 7692, section 6: RSV1 on the first frame says that the whole message is compressed.
TEST_EACH(FrameDecoderTest, CompressedMessagesAreHandedOutAsTheyCame) {
  const std::string bad_text = "\xff\xfe";
  const Decoded got = DecodeInChunks(ClientFrame(0xc1, bad_text) + ClientFrame(0x41, "a") +
                                         ClientFrame(0x89, "ping") + ClientFrame(0, "b") +
                                         ClientFrame(0x80, "c") + ClientFrame(0x81, "plain"),
                                     GetParam(), Role::kServer, 1 << 20, Extensions::kDeflate);
  EXPECT_FALSE(got.error);
  EXPECT_THAT(got.frames, ElementsAre(Frame{Opcode::kText, bad_text, true, true, true, true},
                                      Frame{Opcode::kText, "a", true, false, true, true},
                                      Whole(Opcode::kPing, "ping"),
                                      Frame{Opcode::kText, "b", false, false, true, true},
                                      Frame{Opcode::kText, "c", false, true, true, true},
                                      Whole(Opcode::kText, "plain")));
}

TEST_EACH(FrameDecoderTest, WithCompressionTheOtherRulesHold) {
  const auto code = [](std::string_view wire, std::uint64_t max_message = 1 << 20) {
    return DecodeInChunks(wire, GetParam(), Role::kServer, max_message, Extensions::kDeflate)
        .code();
  };
  for (const unsigned first : {0xc8, 0xc9, 0xca}) EXPECT_EQ(code(ClientFrame(first, "")), 1002);
  EXPECT_EQ(code(ClientFrame(0x41, "a") + ClientFrame(0xc0, "b")), 1002);
  EXPECT_EQ(code(ClientFrame(0x01, "a") + ClientFrame(0xc0, "b")), 1002);
  EXPECT_EQ(code(ClientFrame(0x01, "a") + ClientFrame(0xc1, "b")), 1002);
  for (const unsigned first : {0x91, 0xa1, 0xd1, 0xe1, 0xf1})
    EXPECT_EQ(code(ClientFrame(first, "")), 1002);
  EXPECT_EQ(code(ClientFrame(0xc3, "")), 1002);
  EXPECT_EQ(code(ClientFrame(0x81, "\xff")), 1007);
  EXPECT_EQ(code(ClientFrame(0x82, std::string(101, 'x')), 100), 1009);
  EXPECT_EQ(code(ClientFrame(0xc2, std::string(101, 'x')), 100), 0) << "the overhead of deflate";
  EXPECT_EQ(code(ClientFrame(0xc2, std::string(200, 'x')), 100), 1009);
  EXPECT_EQ(
      code(ClientFrame(0x42, std::string(100, 'x')) + ClientFrame(0x80, std::string(100, 'x')),
           100),
      1009);
}

TEST_EACH(FrameDecoderTest, ReservedOpcodesAreRejected) {
  for (const unsigned opcode : {3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf}) {
    ExpectError(ClientFrame(kFinBit | opcode, "x"), 1002);
    ExpectError(ClientFrame(opcode, ""), 1002);
  }
}

TEST_EACH(FrameDecoderTest, ControlFramesAreShortAndWhole) {
  for (const unsigned opcode : {0x8, 0x9, 0xa}) {
    ExpectError(ClientFrame(opcode, "data"), 1002);
    ExpectError(ClientFrame(kFinBit | opcode, std::string(126, 'x')), 1002);
    ExpectError(ClientFrame(kFinBit | opcode, std::string(65536, 'x')), 1002);
    EXPECT_THAT(
        Decode(ClientFrame(kFinBit | opcode, std::string(125, 'x'))).frames,
        ElementsAre(Whole(Opcode{static_cast<std::uint8_t>(opcode)}, std::string(125, 'x'))));
  }
}

TEST_EACH(FrameDecoderTest, LengthsNotInTheirShortestFormAreRejected) {
  ExpectError("\x82\xfe\x00\x7d"s, 1002);
  ExpectError("\x82\xfe\x00\x00"s, 1002);
  ExpectError("\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"s, 1002);
  ExpectError("\x82\xff\x00\x00\x00\x00\x00\x00\x00\x05"s, 1002);
  ExpectError("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s, 1002);
  ExpectError("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, 1002);
}

TEST_EACH(FrameDecoderTest, ContinuationNeedsAMessage) {
  ExpectError(ClientFrame(0x80, "x"), 1002);
  ExpectError(ClientFrame(0x00, "x"), 1002);
  ExpectError(ClientFrame(0x81, "x") + ClientFrame(0x80, "y"), 1002, 1);
  ExpectError(ClientFrame(0x01, "x") + ClientFrame(0x80, "y") + ClientFrame(0x80, "z"), 1002, 2);
}

TEST_EACH(FrameDecoderTest, NewMessageInsideAMessageIsRejected) {
  for (const unsigned first : {0x01, 0x81, 0x02, 0x82}) {
    ExpectError(ClientFrame(kText, "x") + ClientFrame(first, "y"), 1002, 1);
    ExpectError(ClientFrame(kBinary, "x") + ClientFrame(0x89, "") + ClientFrame(first, "y"), 1002,
                2);
  }
}

TEST_EACH(FrameDecoderTest, MessageSizeIsLimitedByTheHeaderAlone) {
  EXPECT_EQ(Decode(ClientFrame(0x82, std::string(100, 'x')), 100).code(), 0);
  // Only the headers.
  EXPECT_EQ(Decode("\x82\xe5", 100).code(), 1009);
  EXPECT_EQ(Decode("\x82\xfe\x00\x7e"s, 100).code(), 1009);
  EXPECT_EQ(Decode("\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01"s).code(), 1009);
  EXPECT_EQ(Decode("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s).code(), 1009);
}

TEST_EACH(FrameDecoderTest, MessageSizeIsTheSumOfItsFragments) {
  const std::string open = ClientFrame(kBinary, std::string(60, 'x'));
  EXPECT_EQ(Decode(open + ClientFrame(0x89, std::string(100, 'p')) +
                       ClientFrame(0x80, std::string(40, 'y')),
                   100)
                .code(),
            0);
  EXPECT_EQ(Decode(open + "\x80\xa9", 100).code(), 1009);
  // The sum would overflow.
  EXPECT_EQ(
      Decode(open + "\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff", ~std::uint64_t{0} >> 1).code(),
      1009);
  // The limit applies to each message separately.
  EXPECT_EQ(Decode(open + ClientFrame(0x80, std::string(40, 'y')) + open, 100).code(), 0);
}

TEST_EACH(FrameDecoderTest, AMessageThatIsTooBigIsToldWithItsSizeAndTheLimit) {
  const auto told = [](std::string_view wire, Extensions extensions = Extensions::kNone) {
    const auto got = DecodeInChunks(wire, GetParam(), Role::kServer, 100, extensions);
    return got.error ? ReasonOf(*got.error) : "";
  };
  EXPECT_EQ(told(ClientFrame(0x82, std::string(101, 'x'))),
            "the message is too big: at least 101 bytes, the limit is 100");
  EXPECT_EQ(told(ClientFrame(0x02, std::string(60, 'x')) + ClientFrame(0x89, "ping") +
                 ClientFrame(0x00, std::string(30, 'x')) + "\x80\xe5"),
            "the message is too big: at least 191 bytes, the limit is 100");
  EXPECT_EQ(told(ClientFrame(0x42, std::string(100, 'x')) + ClientFrame(0x80, std::string(99, 'x')),
                 Extensions::kDeflate),
            "the message is too big: at least 199 bytes, the limit is 100");
  EXPECT_EQ(told(ClientFrame(0x83, "x")), "a reserved opcode");
}

TEST_EACH(FrameDecoderTest, ZeroMessageSizeAllowsEmptyMessages) {
  EXPECT_THAT(Decode(ClientFrame(0x82, "") + ClientFrame(0x89, "p"), 0).frames,
              ElementsAre(Whole(Opcode::kBinary, ""), Whole(Opcode::kPing, "p")));
  EXPECT_EQ(Decode(ClientFrame(0x82, "x"), 0).code(), 1009);
}

TEST_EACH(FrameDecoderTest, TextAcrossFragmentsAndPings) {
  const std::string text = "\u041f\u20ac\U0001f600";
  std::string wire = ClientFrame(kText, text.substr(0, 1));
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    wire += ClientFrame(0x89, "\xff\xfe") + ClientFrame(0, text.substr(i, 1));
  }
  wire += ClientFrame(0x80, text.substr(text.size() - 1)) + ClientFrame(0x81, "next");
  const Decoded got = Decode(wire);
  EXPECT_EQ(got.code(), 0);
  std::string joined;
  for (const Frame& frame : got.frames) {
    if (frame.opcode == Opcode::kText) joined += frame.payload;
  }
  EXPECT_EQ(joined, text + "next");
}

TEST_EACH(FrameDecoderTest, TextThatIsNotUtf8IsRejected) {
  for (const std::string_view bad :
       {"\x80"sv, "\xc0\xaf"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv, "\xff"sv, "\xe2\x82x"sv}) {
    ExpectError(ClientFrame(0x81, std::string("fine ") += bad), 1007);
    ExpectError(ClientFrame(kText, "fine") + ClientFrame(0x80, bad), 1007, 1);
    EXPECT_EQ(Decode(ClientFrame(0x82, bad)).code(), 0);
  }
}

TEST_EACH(FrameDecoderTest, TextThatEndsInsideACharacterIsRejected) {
  for (const std::string_view cut : {"\xc3"sv, "\xe2\x82"sv, "\xf0\x9f\x98"sv}) {
    ExpectError(ClientFrame(0x81, cut), 1007);
    ExpectError(ClientFrame(kText, cut) + ClientFrame(0x80, ""), 1007, 1);
    // The message is not complete yet.
    EXPECT_EQ(Decode(ClientFrame(kText, cut)).code(), 0);
  }
}

TEST_EACH(FrameDecoderTest, PayloadOfALargeTextIsUnmaskedAtEveryPhase) {
  std::string text;
  while (text.size() < 20000) text += "caf\u00e9 \u2615 ";
  EXPECT_THAT(Decode(ClientFrame(0x81, text)).frames, ElementsAre(Whole(Opcode::kText, text)));
}

TEST_EACH(FrameDecoderTest, PartialFramesShowWhatHasArrived) {
  const std::string wire = ClientFrame(0x82, "abcdef");
  EXPECT_THAT(Decode(std::string_view(wire).substr(0, 9)).frames,
              ElementsAre(Frame{Opcode::kBinary, "abc", true, false, false}));
  EXPECT_THAT(Decode(std::string_view(wire).substr(0, 6)).frames, IsEmpty());
}

// The wrong byte is the last one that the decoder needs.
struct Earliest {
  std::string wire;
  int code;
};

TEST(FrameDecoder, TellsAtTheFirstWrongByte) {
  const Earliest cases[] = {
      {"\xc1", 1002},
      {"\x83", 1002},
      {"\x09", 1002},
      {"\x80", 1002},
      {ClientFrame(1, "x") + "\x82", 1002},
      {"\x81\x05", 1002},
      {"\x89\xfe", 1002},
      {"\x82\xfe\x00\x7d"s, 1002},
      {"\x82\xff\x80", 1002},
      {"\x82\xff\x00\x00\x00\x00\x00\x00"s, 1002},
      {"\x82\xff\x01", 1009},
      {"\x82\xff\x00\x00\x00\x00\x01"s, 1009},
      {"\x82\xff\x00\x00\x00\x00\x00\x20"s, 1009},
      {ClientFrame(0x81, "ok\xff").substr(0, 9), 1007},
      {ClientFrame(0x81, "\xe2\x82"), 1007},
  };
  for (const Earliest& each : cases) {
    const Decoded got = DecodeInChunks(each.wire + "\x81\x81", 1);
    EXPECT_EQ(got.code(), each.code) << testing::PrintToString(each.wire);
    EXPECT_EQ(got.given, each.wire.size()) << testing::PrintToString(each.wire);
    EXPECT_EQ(DecodeInChunks(each.wire, 4096).code(), each.code);
  }
}

TEST(FrameDecoder, WithholdsThePartWithTheWrongByte) {
  const Decoded got = DecodeInChunks(ClientFrame(0x81, "fine\xff"), 4096);
  EXPECT_EQ(got.code(), 1007);
  EXPECT_THAT(got.frames, IsEmpty());
}

// The model: section 5.2 as a list of errors in the first two bytes.
int ModelOfTwoBytes(unsigned first, unsigned second, bool in_message, bool must_mask,
                    unsigned limit) {
  const bool fin = first >= 128;
  const unsigned rsv = first / 16 % 8;
  const unsigned opcode = first % 16;
  const unsigned length = second % 128;
  const bool known =
      opcode == 0 || opcode == 1 || opcode == 2 || opcode == 8 || opcode == 9 || opcode == 10;
  if (rsv != 0 || !known) return 1002;
  if (opcode > 7 && (!fin || length > 125)) return 1002;
  if (opcode == 0 && !in_message) return 1002;
  if ((opcode == 1 || opcode == 2) && in_message) return 1002;
  if ((second >= 128) != must_mask) return 1002;
  if (opcode < 8 && length < 126 && length > limit) return 1009;
  return 0;
}

TEST(FrameDecoder, EveryPairOfFirstBytesIsJudgedAsTheModelDoes) {
  constexpr unsigned kLimit = 100;
  for (const Role role : {Role::kServer, Role::kClient}) {
    const bool server = role == Role::kServer;
    for (const bool in_message : {false, true}) {
      const std::string before =
          !in_message ? "" : (server ? ClientFrame(2, "") : ServerFrame(2, ""));
      for (unsigned pair = 0; pair < 65536; ++pair) {
        const std::string wire =
            before + static_cast<char>(pair >> 8) + static_cast<char>(pair & 255);
        const int expected = ModelOfTwoBytes(pair >> 8, pair & 255, in_message, server, kLimit);
        for (const std::size_t chunk : {1, 64}) {
          ASSERT_EQ(DecodeInChunks(wire, chunk, role, kLimit).code(), expected)
              << std::hex << pair << " in message: " << in_message;
        }
        // With the complete header, and more, in one read.
        if (expected != 0) {
          ASSERT_EQ(DecodeInChunks(wire + std::string(16, '\0'), 64, role, kLimit).code(), expected)
              << std::hex << pair;
        }
      }
    }
  }
}

}  // namespace
}  // namespace upgate::ws
