#include "tests/support/ws_client.h"

#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::test {
namespace {

using namespace std::string_literals;

// RFC 6455, section 5.7.
TEST(FrameTest, ExamplesOfTheStandard) {
  EXPECT_EQ(TextFrame("Hello"), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
  EXPECT_EQ(ServerFrame(kText, "Hello"), "\x81\x05Hello");
  EXPECT_EQ(ServerFrame(kText, "Hel", false), "\x01\x03Hel");
  EXPECT_EQ(ServerFrame(kPing, "Hello"), "\x89\x05Hello");
  EXPECT_EQ(ServerFrame(kBinary, std::string(256, 'x')),
            "\x82\x7e\x01\x00"s + std::string(256, 'x'));
  EXPECT_EQ(ServerFrame(kBinary, std::string(65536, 'x')),
            "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + std::string(65536, 'x'));
}

TEST(FrameTest, MalformedOnes) {
  EXPECT_EQ(Frame(kText, "a", {.rsv = 4, .mask = std::nullopt}),
            "\xc1\x01"
            "a");
  EXPECT_EQ(Frame(0xf, "", {.fin = false, .rsv = 7, .mask = std::nullopt}), "\x7f\x00"s);
  EXPECT_EQ(Frame(kText, "a", {.mask = std::nullopt, .length_form = LengthForm::k16}),
            "\x81\x7e\x00\x01"
            "a"s);
  EXPECT_EQ(Frame(kText, "a", {.mask = std::nullopt, .length_form = LengthForm::k64}),
            "\x81\x7f\0\0\0\0\0\0\0\1"
            "a"s);
  EXPECT_EQ(Frame(kText, "", {.mask = std::nullopt, .claimed_length = 1ull << 63}),
            "\x81\x7f\x80\0\0\0\0\0\0\0"s);
  EXPECT_EQ(Frame(kText, "", {.mask = std::nullopt, .claimed_length = 200}), "\x81\x7e\x00\xc8"s);
}

class FrameSizeTest : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(PayloadSizes, FrameSizeTest, 0, 1, 125, 126, 127, 65535, 65536, 70000);

TEST_EACH(FrameSizeTest, ParsesWhatItBuildsCutAnywhere) {
  std::string payload;
  for (std::size_t i = 0; i < GetParam(); ++i) payload.push_back(static_cast<char>(i * 31));
  const std::string wire = BinaryFrame(payload);
  for (std::size_t cut = 0; cut < wire.size(); cut += cut < 20 ? 1 : 4099) {
    std::string part = wire.substr(0, cut);
    EXPECT_TRUE(TakeFrames(part).empty()) << cut;
    EXPECT_EQ(part.size(), cut);
  }
  std::string bytes = wire + "\x8a";
  const auto frames = TakeFrames(bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], (ParsedFrame{.opcode = kBinary, .masked = true, .payload = payload}));
  EXPECT_EQ(bytes, "\x8a");
}

TEST(TakeFramesTest, LengthsThatAreNotInTheShortestForm) {
  for (const auto& options :
       {FrameOptions{.length_form = LengthForm::k16}, FrameOptions{.length_form = LengthForm::k64},
        FrameOptions{.claimed_length = 1ull << 63}}) {
    std::string bytes = PingFrame() + Frame(kText, "a", options);
    const auto frames = TakeFrames(bytes);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(frames[0].opcode, kPing);
    EXPECT_EQ(frames[1].opcode, kMalformed);
    EXPECT_EQ(bytes, Frame(kText, "a", options));
  }
}

TEST(TakeFramesTest, CloseCodeAndReason) {
  std::string bytes = ServerFrame(kClose, CloseBody(1001, "going")) + ServerFrame(kClose, "");
  const auto frames = TakeFrames(bytes);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].close_code(), 1001);
  EXPECT_EQ(frames[0].close_reason(), "going");
  EXPECT_FALSE(frames[1].close_code());
}

TEST(MessagesTest, FragmentsAreJoinedAroundControlFrames) {
  std::string bytes = Fragmented(kText, "abcdefg", 3);
  bytes.insert(Frame(kText, "abc", {.fin = false}).size(), PingFrame("!"));
  bytes += BinaryFrame("") + Frame(kText, "unfinished", {.fin = false});
  const auto frames = TakeFrames(bytes);
  EXPECT_EQ(frames.size(), 6u);
  EXPECT_EQ(Messages(frames),
            (std::vector<std::pair<std::uint8_t, std::string>>{{kText, "abcdefg"}, {kBinary, ""}}));
}

TEST(ResponseHeadTest, TakesOneHeadAndLeavesTheRest) {
  std::string bytes =
      "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nx-a:  b c "
      "\r\nX-Empty:\r\n"
      "Vary: a\r\nvary: b\r\n\r\n\x81\x01!";
  const std::string whole = bytes;
  const auto head = TakeResponseHead(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->version, "HTTP/1.1");
  EXPECT_EQ(head->status, 101);
  EXPECT_EQ(head->reason, "WebSocket Protocol Handshake");
  EXPECT_EQ(head->headers[0], (std::pair<std::string, std::string>("Upgrade", "WebSocket")));
  EXPECT_EQ(head->Get("X-A"), "b c");
  EXPECT_EQ(head->Get("x-empty"), "");
  EXPECT_FALSE(head->Get("Vary"));
  EXPECT_EQ(head->Count("Vary"), 2u);
  EXPECT_EQ(bytes, "\x81\x01!");
  for (std::size_t cut = 0; cut < whole.size() - 3; ++cut) {
    std::string part = whole.substr(0, cut);
    EXPECT_FALSE(TakeResponseHead(part)) << cut;
    EXPECT_EQ(part.size(), cut);
  }
}

TEST(ResponseHeadTest, UnsoundHeads) {
  for (const char* text :
       {"HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n"}) {
    std::string bytes = text;
    EXPECT_FALSE(TakeResponseHead(bytes)) << text;
    EXPECT_EQ(bytes, text);
  }
}

std::optional<std::string> Body(const std::string& headers, std::string& bytes, int status = 200) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "\r\n";
  return TakeBody(TakeResponseHead(text).value(), bytes);
}

TEST(TakeBodyTest, ByLength) {
  std::string bytes = "hello, next";
  EXPECT_EQ(Body("Content-Length: 5\r\n", bytes), "hello");
  EXPECT_EQ(bytes, ", next");
  EXPECT_FALSE(Body("Content-Length: 7\r\n", bytes));
  EXPECT_FALSE(Body("Content-Length: 1\r\nContent-Length: 1\r\n", bytes));
  EXPECT_FALSE(Body("Content-Length: -1\r\n", bytes));
  EXPECT_FALSE(Body("", bytes));
  EXPECT_EQ(Body("", bytes, 204), "");
  EXPECT_EQ(bytes, ", next");
}

TEST(TakeBodyTest, Chunked) {
  const std::string wire = "5\r\nhello\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  std::string bytes = wire + "rest";
  EXPECT_EQ(Body("Transfer-Encoding: chunked\r\n", bytes), "hello0123456789");
  EXPECT_EQ(bytes, "rest");
  for (std::size_t cut = 0; cut < wire.size(); ++cut) {
    std::string part = wire.substr(0, cut);
    EXPECT_FALSE(Body("Transfer-Encoding: chunked\r\n", part)) << cut;
    EXPECT_EQ(part.size(), cut);
  }
  std::string wrong = "5\r\nhelloX\r\n0\r\n\r\n";
  EXPECT_FALSE(Body("Transfer-Encoding: chunked\r\n", wrong));
}

TEST(UpgradeRequestTest, IsWholeAndTakesExtraLines) {
  const std::string request = UpgradeRequest("/a", "h", "Origin: x\r\n");
  EXPECT_TRUE(request.starts_with("GET /a HTTP/1.1\r\nHost: h\r\n"));
  EXPECT_TRUE(request.ends_with("\r\nOrigin: x\r\n\r\n"));
}

}  // namespace
}  // namespace upgate::test
