#include "gateway/ws/tunnel_encoding.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

using config::Encoding;

TEST(ParseEncoding, KnowsThreeNames) {
  EXPECT_EQ(ParseEncoding("binary"), Encoding::kBinary);
  EXPECT_EQ(ParseEncoding("text"), Encoding::kText);
  EXPECT_EQ(ParseEncoding("Base64"), Encoding::kBase64);
  for (const std::string_view other : {"", "auto", "base64 ", "utf8", "binary,text"}) {
    EXPECT_FALSE(ParseEncoding(other)) << other;
  }
}

// Client to backend: the bytes for the backend from a client's frames, or the close code.
struct Unpacked {
  std::string bytes;
  int code = 0;
};

Unpacked Unpack(Encoding encoding, std::string wire, std::size_t chunk) {
  Unpacked result;
  FrameDecoder decoder(Role::kServer, 1 << 20);
  FrameUnpacker unpacker(encoding);
  std::string scratch;
  for (std::size_t at = 0; at < wire.size(); at += chunk) {
    MutableBytes input =
        std::as_writable_bytes(std::span(wire).subspan(at, std::min(chunk, wire.size() - at)));
    scratch.clear();
    scratch.reserve(FrameUnpacker::ScratchSize(input.size()));
    const char* const kept = scratch.data();
    std::vector<Bytes> slices;
    for (auto part = decoder.Next(input); part && *part; part = decoder.Next(input)) {
      if (IsControl((*part)->opcode)) continue;
      const auto bytes = unpacker.Unpack(**part, scratch);
      if (!bytes) {
        result.code = bytes.error().close_code;
        return result;
      }
      slices.push_back(*bytes);
    }
    EXPECT_EQ(scratch.data(), kept) << "views of one read stay valid together";
    for (const Bytes slice : slices) Append(result.bytes, slice);
  }
  return result;
}

class FrameUnpackerTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, FrameUnpackerTest, 1, 2, 3, 7, 4096);

TEST_EACH(FrameUnpackerTest, BinaryTakesThePayloadOfBothKinds) {
  const Unpacked got =
      Unpack(Encoding::kBinary, ClientFrame(0x81, "text ") + ClientFrame(0x82, "\xff"), GetParam());
  EXPECT_EQ(got.bytes, "text \xff");
  EXPECT_EQ(got.code, 0);
}

TEST_EACH(FrameUnpackerTest, TextTakesTextOnly) {
  EXPECT_EQ(Unpack(Encoding::kText, ClientFrame(0x81, "\u20ac"), GetParam()).bytes, "\u20ac");
  const Unpacked got =
      Unpack(Encoding::kText, ClientFrame(0x81, "a") + ClientFrame(0x82, "b"), GetParam());
  EXPECT_EQ(got.code, 1003);
  EXPECT_EQ(Unpack(Encoding::kText, ClientFrame(0x82, ""), GetParam()).code, 1003);
}

TEST_EACH(FrameUnpackerTest, EachMessageIsOneBase64Text) {
  const Unpacked got =
      Unpack(Encoding::kBase64,
             ClientFrame(0x81, "AAECAw==") + ClientFrame(0x81, "") + ClientFrame(0x01, "SGV") +
                 ClientFrame(0x89, "!") + ClientFrame(0x00, "") + ClientFrame(0x80, "sbG8="),
             GetParam());
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.bytes, "\x00\x01\x02\x03Hello"s);
}

TEST_EACH(FrameUnpackerTest, InvalidBase64IsRejected) {
  for (const std::string_view wrong : {"AAE", "A", "AA=A", "=AAA", "AAAA=", "AA==AAAA", "A\nAA",
                                       "AA*A", "AB==", "AAE =", "\u20ac"}) {
    EXPECT_EQ(Unpack(Encoding::kBase64, ClientFrame(0x81, wrong), GetParam()).code, 1007) << wrong;
  }
  // A base64 group does not continue in the next message.
  EXPECT_EQ(
      Unpack(Encoding::kBase64, ClientFrame(0x81, "AA") + ClientFrame(0x81, "AA"), GetParam()).code,
      1007);
  EXPECT_EQ(Unpack(Encoding::kBase64, ClientFrame(0x82, "AAAA"), GetParam()).code, 1003);
}

// Backend to client: the payloads of the frames for the client.
struct Packed {
  std::vector<Frame> frames;
  int code = 0;      // of Pack
  int end_code = 0;  // of Finish
  std::string joined() const {
    std::string all;
    for (const Frame& frame : frames) all += frame.payload;
    return all;
  }
};

Packed Pack(Encoding encoding, std::string_view stream, std::size_t chunk) {
  Packed result;
  FramePacker packer(encoding);
  std::string wire, scratch;
  for (std::size_t at = 0; at < stream.size(); at += chunk) {
    // A separate buffer with exactly the required headroom.
    std::string read(FramePacker::kHeadroom, '#');
    read += stream.substr(at, chunk);
    const auto frame = packer.Pack(
        std::as_writable_bytes(std::span(read)).subspan(FramePacker::kHeadroom), scratch);
    if (!frame) {
      result.code = frame.error().close_code;
      break;
    }
    Append(wire, *frame);
  }
  const auto end = packer.Finish();
  if (!end) result.end_code = end.error().close_code;
  Decoded decoded = DecodeInChunks(wire, 4096, Role::kClient);
  EXPECT_EQ(decoded.code(), 0);
  for (const Frame& frame : decoded.frames) EXPECT_TRUE(frame.message_begin && frame.message_end);
  result.frames = std::move(decoded.frames);
  return result;
}

class FramePackerTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, FramePackerTest, 1, 2, 3, 4, 5, 7, 125, 126, 65536);

std::string Bytes256() {
  std::string all;
  for (int i = 0; i < 70000; ++i) all += static_cast<char>(i * 131 >> 3);
  return all;
}

TEST_EACH(FramePackerTest, BinaryIsTheBytesAsTheyCome) {
  const std::string all = Bytes256().substr(0, 600 * GetParam());
  const Packed got = Pack(Encoding::kBinary, all, GetParam());
  EXPECT_EQ(got.joined(), all);
  EXPECT_EQ(got.frames.size(), (all.size() + GetParam() - 1) / GetParam());
  for (const Frame& frame : got.frames) ASSERT_EQ(frame.opcode, Opcode::kBinary);
}

TEST_EACH(FramePackerTest, TextIsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 3000) text += "a\u00e9\u20ac\U0001f600 plain ascii ";
  const Packed got = Pack(Encoding::kText, text, GetParam());
  EXPECT_EQ(got.code, 0);
  EXPECT_EQ(got.end_code, 0);
  EXPECT_EQ(got.joined(), text);
  for (const Frame& frame : got.frames) {
    ASSERT_EQ(frame.opcode, Opcode::kText);
    ASSERT_FALSE(frame.payload.empty());
  }
}

TEST_EACH(FramePackerTest, TextOfABackendHasToBeUtf8) {
  for (const std::string_view wrong : {"fine\xff"sv, "fine\xe2\x82x"sv, "fine\xed\xa0\x80"sv}) {
    const Packed got = Pack(Encoding::kText, wrong, GetParam());
    EXPECT_EQ(got.code, 1007);
    EXPECT_TRUE("fine"sv.starts_with(got.joined()));
  }
  for (const std::string_view cut : {"fine\xc3"sv, "fine\xe2\x82"sv, "fine\xf0\x9f\x98"sv}) {
    const Packed got = Pack(Encoding::kText, cut, GetParam());
    EXPECT_EQ(got.code, 0);
    EXPECT_EQ(got.end_code, 1007);
    EXPECT_EQ(got.joined(), "fine");
  }
}

TEST_EACH(FramePackerTest, Base64FramesAreWholeTexts) {
  const std::string all = Bytes256().substr(0, 200 * GetParam());
  const Packed got = Pack(Encoding::kBase64, all, GetParam());
  std::string joined;
  for (const Frame& frame : got.frames) {
    ASSERT_EQ(frame.opcode, Opcode::kText);
    const auto bytes = Base64Decode(frame.payload);
    ASSERT_TRUE(bytes);
    joined += *bytes;
  }
  EXPECT_EQ(joined, all);
}

TEST(FramePacker, SendsNothingForHalfACharacter) {
  FramePacker packer(Encoding::kText);
  std::string scratch, read(FramePacker::kHeadroom, '#');
  read += "\xe2\x82";
  const auto frame =
      packer.Pack(std::as_writable_bytes(std::span(read)).subspan(FramePacker::kHeadroom), scratch);
  ASSERT_TRUE(frame);
  EXPECT_TRUE(frame->empty());
  EXPECT_EQ(packer.Finish().error().close_code, 1007);
}

TEST(TextCutter, PutsWhatItKeptInFront) {
  TextCutter cutter;
  std::string first = "###ab\xe2\x82", second = "###\xac!";
  const auto tail = [](std::string& s) { return std::as_writable_bytes(std::span(s)).subspan(3); };
  EXPECT_EQ(AsText(*cutter.Cut(tail(first))), "ab");
  EXPECT_EQ(cutter.carried(), 2u);
  EXPECT_FALSE(cutter.Finish());
  const auto text = cutter.Cut(tail(second));
  EXPECT_EQ(AsText(*text), "\u20ac!");
  EXPECT_EQ(reinterpret_cast<char*>(text->data()), second.data() + 1);
  EXPECT_TRUE(cutter.Finish());
}

}  // namespace
}  // namespace upgate::ws
