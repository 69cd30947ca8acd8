#include "gateway/ws/hixie_codec.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/support/fake_loop.h"
#include "tests/support/ws_client.h"

namespace upgate::ws::hixie_codec_test {
namespace {

using namespace std::string_literals;
using config::Dialect;
using test::ParsedFrame;

std::string HixieText(std::string_view text) {
  return "\0"s + std::string(text) + "\xff";
}
const std::string kHixieClose = "\xff\0"s;

// ---- from the client

struct Read {
  std::vector<ParsedFrame> frames;
  bool closed = false;

  std::vector<std::pair<std::uint8_t, std::string>> Messages() const {
    return test::Messages(frames);
  }
  int CloseCode() const {
    return frames.empty() || frames.back().opcode != test::kClose
               ? 0
               : frames.back().close_code().value_or(1005);
  }
};

Read DecodeInChunks(std::string_view wire, std::size_t chunk, Dialect dialect = Dialect::kHixie76,
                    bool end = false) {
  test::FixedEntropy entropy;
  HixieDecoder decoder(dialect, entropy);
  std::string frames;
  while (!wire.empty()) {
    const std::string_view piece = wire.substr(0, chunk);
    wire.remove_prefix(piece.size());
    decoder.Decode(AsBytes(piece), frames);
  }
  if (end) decoder.End(frames);
  Read read{test::TakeFrames(frames), decoder.closed()};
  EXPECT_EQ(frames, "") << "frames are complete";
  for (const ParsedFrame& frame : read.frames) EXPECT_TRUE(frame.masked);
  return read;
}

class HixieDecoderTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, HixieDecoderTest, 1, 2, 3, 7, 4096);

TEST_EACH(HixieDecoderTest, TextsOfEverySize) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 70000}) {
    const std::string text(size, 'x');
    const Read read = DecodeInChunks(HixieText(text) + HixieText("n\xc3\xa4"
                                                                 "chste"),
                                     GetParam());
    ASSERT_EQ(read.Messages().size(), 2u) << size;
    EXPECT_EQ(read.Messages()[0], (std::pair{std::uint8_t{test::kText}, text}));
    EXPECT_EQ(read.Messages()[1].second,
              "n\xc3\xa4"
              "chste");
    EXPECT_FALSE(read.closed);
  }
}

TEST(HixieDecoderTest, ATextIsPassedOnAsItArrives) {
  test::FixedEntropy entropy;
  HixieDecoder decoder(Dialect::kHixie76, entropy);
  std::string frames;
  decoder.Decode(AsBytes("\0"s), frames);
  EXPECT_EQ(frames, "");
  decoder.Decode(AsBytes("one"), frames);
  EXPECT_EQ(test::TakeFrames(frames),
            (std::vector{ParsedFrame{
                .opcode = test::kText, .fin = false, .masked = true, .payload = "one"}}));
  decoder.Decode(AsBytes("two"), frames);
  EXPECT_EQ(test::TakeFrames(frames),
            (std::vector{ParsedFrame{
                .opcode = test::kContinuation, .fin = false, .masked = true, .payload = "two"}}));
  decoder.Decode(AsBytes("\xff"), frames);
  EXPECT_EQ(test::TakeFrames(frames),
            (std::vector{ParsedFrame{
                .opcode = test::kContinuation, .fin = true, .masked = true, .payload = ""}}));
}

TEST_EACH(HixieDecoderTest, ReservedFramesArePassedOver) {
  const std::string before = HixieText("a");
  const std::string after = HixieText("b");
  for (const std::string& reserved :
       {"\x01 anything \0 but\xff"s, "\x7f\xff"s, "\x80\0"s, "\x80\x03\xff\0\xff"s,
        "\xff\x02\0\xff"s, "\xff\x80\x81\x01\0"s + std::string(128, '\xff'),
        "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01x"s}) {
    std::string wire = before + reserved + after;
    const Read read = DecodeInChunks(wire, GetParam());
    ASSERT_EQ(read.Messages().size(), 2u) << testing::PrintToString(reserved);
    EXPECT_EQ(read.Messages()[1].second, "b");
    EXPECT_EQ(read.frames.front().payload, "a");
  }
}

TEST_EACH(HixieDecoderTest, TheClosingHandshakeIsClose1000AndNothingFollows) {
  for (const std::string& close : {kHixieClose, "\xff\x80\0"s}) {
    const Read read =
        DecodeInChunks(HixieText("bye") + close + HixieText("late") + kHixieClose, GetParam());
    EXPECT_TRUE(read.closed);
    ASSERT_EQ(read.Messages().size(), 1u);
    EXPECT_EQ(read.CloseCode(), 1000);
  }
}

TEST_EACH(HixieDecoderTest, In75ThoseBytesAreAReservedFrameAndTheEndOfTheConnectionIsTheClose) {
  const Read read = DecodeInChunks(kHixieClose + HixieText("x"), GetParam(), Dialect::kHixie75);
  EXPECT_FALSE(read.closed);
  EXPECT_EQ(read.Messages().size(), 1u);
  EXPECT_EQ(DecodeInChunks(HixieText("x"), GetParam(), Dialect::kHixie75, true).CloseCode(), 1000);
  for (const std::string& cut : {"\0half"s, "\x01half"s, "\x80"s, "\x80\x05xx"s}) {
    EXPECT_EQ(DecodeInChunks(cut, GetParam(), Dialect::kHixie75, true).CloseCode(), 0)
        << testing::PrintToString(cut);
  }
  EXPECT_EQ(DecodeInChunks(HixieText("x"), GetParam(), Dialect::kHixie76, true).CloseCode(), 0);
}

TEST_EACH(HixieDecoderTest, LengthsHave63Bits) {
  const std::string largest = "\x80"s + std::string(8, '\xff') + "\x7f";
  EXPECT_FALSE(DecodeInChunks(largest + std::string(1000, 'x'), GetParam()).closed);
  const Read read = DecodeInChunks(
      HixieText("a") + "\x80\x81" + std::string(8, '\x80') + "\0"s + HixieText("b"), GetParam());
  EXPECT_TRUE(read.closed);
  EXPECT_EQ(read.CloseCode(), 1002);
  EXPECT_EQ(read.frames.back().close_reason(), "a frame length of more than 63 bits");
  EXPECT_EQ(read.Messages().size(), 1u);
}

TEST(HixieDecoderTest, PongsAndClosesOfOursStandBetweenFrames) {
  test::FixedEntropy entropy;
  HixieDecoder decoder(Dialect::kHixie76, entropy);
  std::string frames;
  decoder.Decode(AsBytes("\0half"s), frames);
  decoder.Pong(AsBytes("p"), frames);
  const ProtocolError error{1003, "why"};
  decoder.Close(error, frames);
  decoder.Close(error, frames);
  decoder.Decode(AsBytes("rest\xff"), frames);
  const auto read = test::TakeFrames(frames);
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[1], (ParsedFrame{.opcode = test::kPong, .masked = true, .payload = "p"}));
  EXPECT_EQ(read[2].close_code(), 1003);
  EXPECT_EQ(read[2].close_reason(), "why");
}

TEST(HixieDecoderTest, EveryFrameHasAMaskOfItsOwn) {
  test::FixedEntropy entropy;
  HixieDecoder decoder(Dialect::kHixie76, entropy);
  std::string frames;
  decoder.Decode(AsBytes(HixieText("same") + HixieText("same")), frames);
  ASSERT_EQ(frames.size(), 20u);
  EXPECT_NE(frames.substr(2, 4), frames.substr(12, 4));
  EXPECT_NE(frames.substr(2, 4), std::string(4, '\0'));
}

// ---- to the client

struct Written {
  std::string wire;
  std::string pings;  // followed by a comma each
  int error = 0;
  bool ended = false;
  bool told = false;
};

Written EncodeInChunks(std::string frames, std::size_t chunk, Dialect dialect = Dialect::kHixie76) {
  HixieEncoder encoder(dialect);
  Written written;
  MutableBytes rest = std::as_writable_bytes(std::span(frames));
  while (!rest.empty()) {
    const MutableBytes piece = rest.first(std::min(chunk, rest.size()));
    rest = rest.subspan(piece.size());
    const auto encoded = encoder.Encode(piece, written.wire);
    if (encoded.ping) written.pings += *encoded.ping + ",";
    if (encoded.error != nullptr) {
      EXPECT_EQ(written.error, 0) << "told once";
      written.error = encoded.error->close_code;
    }
    EXPECT_FALSE(encoded.told && !encoded.ended);
    written.ended |= encoded.ended;
    written.told |= encoded.told;
  }
  return written;
}

class HixieEncoderTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerWrite, HixieEncoderTest, 1, 2, 3, 7, 100000);

TEST_EACH(HixieEncoderTest, TextsOfEverySize) {
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536}) {
    const std::string text(size, 'x');
    EXPECT_EQ(EncodeInChunks(test::ServerFrame(test::kText, text) +
                                 test::ServerFrame(test::kText, "\xe2\x82\xac"),
                             GetParam())
                  .wire,
              HixieText(text) + HixieText("\xe2\x82\xac"));
  }
}

TEST_EACH(HixieEncoderTest, FragmentsAreOneText) {
  const std::string frames =
      test::ServerFrame(test::kText, "one ", false) + test::ServerFrame(test::kPing, "p") +
      test::ServerFrame(test::kContinuation, "", false) + test::ServerFrame(test::kPong, "q") +
      test::ServerFrame(test::kContinuation, "two");
  const Written written = EncodeInChunks(frames, GetParam());
  EXPECT_EQ(written.wire, HixieText("one two"));
  EXPECT_EQ(written.pings, "p,");
  EXPECT_FALSE(written.ended);
}

TEST_EACH(HixieEncoderTest, OfManyPingsAtOnceTheLastOneCounts) {
  const Written written = EncodeInChunks(
      test::ServerFrame(test::kPing, "a") + test::ServerFrame(test::kPing, std::string(125, 'b')),
      GetParam());
  EXPECT_EQ(written.wire, "");
  EXPECT_TRUE(written.pings.ends_with(std::string(125, 'b').append(",")));
}

TEST_EACH(HixieEncoderTest, ACloseIsTheClosingHandshakeAndNothingFollows) {
  const std::string frames = test::ServerFrame(test::kText, "x") +
                             test::ServerFrame(test::kClose, test::CloseBody(1001, "going")) +
                             test::ServerFrame(test::kText, "late");
  const Written written = EncodeInChunks(frames, GetParam());
  EXPECT_EQ(written.wire, HixieText("x") + kHixieClose);
  EXPECT_TRUE(written.ended);
  EXPECT_TRUE(written.told);
  const Written in75 = EncodeInChunks(frames, GetParam(), Dialect::kHixie75);
  EXPECT_EQ(in75.wire, HixieText("x"));
  EXPECT_TRUE(in75.ended);
  EXPECT_FALSE(in75.told);
}

TEST_EACH(HixieEncoderTest, WithinATextThereIsNoClosingHandshake) {
  const Written written = EncodeInChunks(
      test::ServerFrame(test::kText, "half", false) + test::ServerFrame(test::kClose, ""),
      GetParam());
  EXPECT_EQ(written.wire, "\0half"s);
  EXPECT_TRUE(written.ended);
  EXPECT_FALSE(written.told);
}

TEST_EACH(HixieEncoderTest, AfterABinaryMessageOnlyTheCloseIsWritten) {
  const std::string frames =
      test::ServerFrame(test::kText, "x") + test::ServerFrame(test::kBinary, "\xff\0"s) +
      test::ServerFrame(test::kBinary, "again") + test::ServerFrame(test::kText, "y");
  const Written written =
      EncodeInChunks(frames + test::ServerFrame(test::kClose, test::CloseBody(1003)), GetParam());
  EXPECT_EQ(written.error, 1003);
  EXPECT_EQ(written.wire, HixieText("x") + kHixieClose);
  EXPECT_TRUE(written.told);
}

TEST_EACH(HixieEncoderTest, NoPayloadCanPassForTheEndOfAFrame) {
  for (const std::string& text : {"\xff\0"s, "abc\xff"s, "\xc3"s}) {
    const Written written = EncodeInChunks(
        test::ServerFrame(test::kText, text) + test::ServerFrame(test::kText, "y"), GetParam());
    EXPECT_EQ(written.error, 1007);
    EXPECT_TRUE(written.ended);
    EXPECT_FALSE(written.told);
    EXPECT_EQ(written.wire.find('\xff'), std::string::npos);
  }
}

TEST_EACH(HixieEncoderTest, BrokenFramesEndIt) {
  for (const std::string& frames : {test::TextFrame("masked"), "\xc1\x01x"s, "\x83\0"s,
                                    test::ServerFrame(test::kContinuation, "x")}) {
    const Written written =
        EncodeInChunks(frames + test::ServerFrame(test::kText, "y"), GetParam());
    EXPECT_EQ(written.error, 1002);
    EXPECT_TRUE(written.ended);
    EXPECT_EQ(written.wire, "");
  }
}

}  // namespace
}  // namespace upgate::ws::hixie_codec_test
