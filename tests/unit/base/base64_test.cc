#include "gateway/base/base64.h"

#include <algorithm>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate {
namespace {

using namespace std::string_view_literals;

struct Vector {
  std::string_view plain;
  std::string_view encoded;
};
// RFC 4648, section 10, and the first and last characters of the alphabet.
constexpr Vector kVectors[] = {{"", ""},
                               {"f", "Zg=="},
                               {"fo", "Zm8="},
                               {"foo", "Zm9v"},
                               {"foob", "Zm9vYg=="},
                               {"fooba", "Zm9vYmE="},
                               {"foobar", "Zm9vYmFy"},
                               {"\0"sv, "AA=="},
                               {"\xff\xff\xff"sv, "////"},
                               {"\xfb\xef\xbe"sv, "++++"}};

constexpr std::string_view kWrong[] = {
    "Z",      "Zg",    "Zg=",   "Z===", "====", "=",        "Zg==Zg==",   "Zg===", "Zm=v",
    "Zh==",  // nonzero bits under the padding
    "Zm9=",  // the same
    "Zm9v\n", "Zm9 v", " Zm9v", "Zm9-", "Zm9_", "Zm9v====", "\xc3\xa4==", "Zg==A"};

TEST(Base64Test, EncodesTheVectors) {
  for (const auto& [plain, encoded] : kVectors) EXPECT_EQ(Base64Encode(AsBytes(plain)), encoded);
}

TEST(Base64Test, EncodingAppends) {
  std::string out = "x";
  Base64Encode(AsBytes("f"), out);
  EXPECT_EQ(out, "xZg==");
}

TEST(Base64Test, DecodesTheVectors) {
  for (const auto& [plain, encoded] : kVectors) EXPECT_EQ(Base64Decode(encoded), plain) << encoded;
}

TEST(Base64Test, RefusesEverythingElse) {
  for (const auto text : kWrong) EXPECT_FALSE(Base64Decode(text)) << text;
}

TEST(Base64Test, EveryOctetComesBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t length = 0; length <= all.size(); ++length) {
    const std::string_view part = std::string_view(all).substr(0, length);
    EXPECT_EQ(Base64Decode(Base64Encode(AsBytes(part))), part);
  }
}

class Base64StreamTest : public TestOfCase<std::size_t> {
 protected:
  // Decodes a text in pieces; returns "-" if it is refused.
  std::string Decode(std::string_view text) {
    std::string out;
    bool good = true;
    for (std::size_t i = 0; i < text.size(); i += GetParam())
      good = stream_.Feed(text.substr(i, GetParam()), out) && good;
    return stream_.Finish() && good ? out : "-";
  }

  Base64Stream stream_;
};

TEST_EACH(Base64StreamTest, DecodesTextsOneAfterAnother) {
  for (const auto& [plain, encoded] : kVectors) EXPECT_EQ(Decode(encoded), plain) << encoded;
}

TEST_EACH(Base64StreamTest, RefusesWhatTheWholeDecoderRefusesAndStartsAfresh) {
  for (const auto text : kWrong) {
    EXPECT_EQ(Decode(text), "-") << text;
    EXPECT_EQ(Decode("Zm9v"), "foo") << "after " << text;
  }
}

INSTANTIATE_CASES(CharactersPerPiece, Base64StreamTest, 1, 2, 3, 4, 5, 4096);

TEST(Base64StreamTest, GivesOutWhatIsComplete) {
  Base64Stream stream;
  std::string out;
  EXPECT_TRUE(stream.Feed("Zm9vYm", out));
  EXPECT_EQ(out, "foo");
  EXPECT_TRUE(stream.Feed("Fy", out));
  EXPECT_EQ(out, "foobar");
  EXPECT_TRUE(stream.Finish());
}

TEST(Base64StreamTest, StaysBrokenUntilFinish) {
  Base64Stream stream;
  std::string out;
  EXPECT_FALSE(stream.Feed("Zm9!", out));
  EXPECT_FALSE(stream.Feed("Zm9v", out));
  EXPECT_EQ(out, "");
  EXPECT_FALSE(stream.Finish());
  EXPECT_TRUE(stream.Feed("Zm9v", out));
  EXPECT_TRUE(stream.Finish());
}

// Section 5: another alphabet, and no padding.
TEST(Base64Url, IsAsTheOtherWithItsOwnAlphabet) {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    std::string text = Base64Encode(AsBytes(bytes));
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    text.erase(std::min(text.size(), text.find('=')));
    EXPECT_EQ(Base64UrlEncode(AsBytes(bytes)), text) << i;
    EXPECT_EQ(Base64UrlDecode(text), bytes) << i;
    bytes += static_cast<char>(i * 91 + 251);
  }
  EXPECT_EQ(Base64UrlDecode("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64Url, RefusesWhatIsNotOfIt) {
  for (const std::string_view text :
       {"A", "AAAAA", "Zg==", "Zm8=", "+AAA", "/AAA", "A+", "AA=A", " AAA", "AAA\n", "AA\xff\xff",
        // Bits that belong to no byte.
        "Zh", "Zm9", "AAAAZh", "AB", "AAB"})
    EXPECT_EQ(Base64UrlDecode(text), std::nullopt) << text;
  EXPECT_EQ(Base64UrlDecode(std::string_view("A\0AA", 4)), std::nullopt);
}

}  // namespace
}  // namespace upgate
