#include "gateway/ws/close.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/ws/wire.h"

namespace upgate::ws {
namespace {

std::string Body(unsigned code, std::string_view reason = "") {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 255)} += reason;
}

std::string Encoded(std::uint16_t code, std::string_view reason) {
  return std::string(AsText(EncodeClose(code, reason).view()));
}

TEST(Close, EveryCodeIsJudgedAsTheTableSays) {
  struct Range {
    unsigned from, to;
  };
  constexpr Range kSendable[] = {{1000, 1003}, {1007, 1014}, {3000, 4999}};
  for (unsigned code = 0; code < 65536; ++code) {
    bool sendable = false;
    for (const Range& range : kSendable) sendable |= code >= range.from && code <= range.to;
    ASSERT_EQ(IsSendable(static_cast<std::uint16_t>(code)), sendable) << code;
    const auto parsed = ParseClose(AsBytes(Body(code)));
    ASSERT_EQ(parsed.has_value(), sendable) << code;
    if (parsed) {
      ASSERT_EQ(parsed->code, code);
    } else {
      ASSERT_EQ(parsed.error().close_code, 1002);
    }
  }
}

TEST(Close, AnEmptyBodyHasNoStatus) {
  const auto close = ParseClose({});
  ASSERT_TRUE(close);
  EXPECT_EQ(close->code, close_code::kNoStatus);
  EXPECT_EQ(close->reason, "");
}

TEST(Close, AReasonIsText) {
  const auto close = ParseClose(AsBytes(Body(4000, "tsch\u00fcss")));
  ASSERT_TRUE(close);
  EXPECT_EQ(close->code, 4000);
  EXPECT_EQ(close->reason, "tsch\u00fcss");
}

TEST(Close, ABodyOfOneByteIsRejected) {
  const auto close = ParseClose(AsBytes("\x03"));
  ASSERT_FALSE(close);
  EXPECT_EQ(close.error().close_code, 1002);
}

TEST(Close, AReasonThatIsNotUtf8IsRejected) {
  for (const std::string_view reason : {"\xff"sv, "cut \xe2\x82"sv, "\xed\xa0\x80"sv}) {
    const auto close = ParseClose(AsBytes(Body(1000, reason)));
    ASSERT_FALSE(close);
    EXPECT_EQ(close.error().close_code, 1007);
  }
}

TEST(Close, FramesAreEncoded) {
  EXPECT_EQ(Encoded(1000, ""), "\x88\x02\x03\xe8");
  EXPECT_EQ(Encoded(1001, "bye"),
            "\x88\x05\x03\xe9"
            "bye");
}

TEST(Close, CodesThatMayNotBeSentGiveAnEmptyBody) {
  for (const std::uint16_t code :
       std::initializer_list<std::uint16_t>{0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
    EXPECT_EQ(Encoded(code, "why"), "\x88\x00"s) << code;
  }
}

TEST(Close, WhatClientsTakeForAFaultBecomes1011) {
  const auto corrected = [](std::string_view body, std::uint16_t clients) {
    CloseFrame frame;
    frame.bytes[0] = std::byte{0x88};
    frame.bytes[1] = static_cast<std::byte>(body.size());
    frame.size += body.size();
    std::ranges::copy(AsBytes(body), frame.bytes.begin() + 2);
    CorrectForClient(frame, clients);
    return std::string(AsText(frame.view()));
  };
  const auto frame_of = [](std::string_view body) {
    return std::string("\x88") + static_cast<char>(body.size()) + std::string(body);
  };
  for (unsigned code = 0; code < 65536; ++code) {
    const std::string body = Body(code) + "why\xff";
    const bool stays = IsForClients(static_cast<std::uint16_t>(code));
    EXPECT_EQ(corrected(body, 0), frame_of(stays ? body : Body(1011) + "why\xff")) << code;
    EXPECT_EQ(corrected(body, 1014),
              frame_of(stays || code == 1014 ? body : Body(1011) + "why\xff"))
        << code;
  }
  EXPECT_EQ(corrected("", 0), frame_of(""));
  for (const std::string_view one : {"\x03", "x"})
    EXPECT_EQ(corrected(one, 0), frame_of(Body(1011)));
}

TEST(Close, ReasonsAreCutBetweenCharacters) {
  const std::string x(121, 'x');
  EXPECT_EQ(Encoded(1000, x + "yz"), "\x88\x7d\x03\xe8" + x + "yz");
  EXPECT_EQ(Encoded(1000, x + "yz-"), "\x88\x7d\x03\xe8" + x + "yz");
  EXPECT_EQ(Encoded(1000, x + "\u20ac"), "\x88\x7b\x03\xe8" + x);
  EXPECT_EQ(Encoded(1000, x + "\u00e9" + "tail"), "\x88\x7d\x03\xe8" + x + "\u00e9");
}

TEST(Close, FramesAreReadBack) {
  const Decoded got = DecodeInChunks(Encoded(1011, "lost"), 4096, Role::kClient);
  ASSERT_EQ(got.frames.size(), 1u);
  const auto close = ParseClose(AsBytes(got.frames[0].payload));
  ASSERT_TRUE(close);
  EXPECT_EQ(close->code, 1011);
  EXPECT_EQ(close->reason, "lost");
}

}  // namespace
}  // namespace upgate::ws
