#include "gateway/http/message.h"

#include <string>

#include <gtest/gtest.h>

#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

TEST(CharsTest, EveryByteAtEveryPlaceOfAFieldValue) {
  for (const char filler : {'x', '\t', '\x80', '\xff'}) {
    for (int byte = 0; byte < 256; ++byte) {
      for (std::size_t at = 0; at < 20; ++at) {
        std::string text(20, filler);
        text[at] = static_cast<char>(byte);
        const std::size_t expected = IsFieldChar(text[at]) ? text.size() : at;
        ASSERT_EQ(FieldCharsAtFront(text), expected) << byte << " at " << at;
      }
    }
  }
  EXPECT_EQ(FieldCharsAtFront(""), 0u);
}

TEST(CharsTest, AByteThatIsNotATokenCharacterEndsAToken) {
  EXPECT_TRUE(IsToken("X-Forwarded-For"));
  EXPECT_EQ(TokenCharsAtFront("X-Forwarded-For: 1"), 15u);
  for (const std::string_view text : {"", "a b", " a", "a:", "caf\xe9", "a\n"}) {
    EXPECT_FALSE(IsToken(text)) << text;
  }
}

TEST(HeadersTest, NamesCompareWithoutCase) {
  const Headers headers{{"Content-Type", "text/plain"}, {"X-A", "1"}, {"x-a", "2"}};
  ASSERT_NE(headers.Find("content-type"), nullptr);
  EXPECT_EQ(*headers.Find("CONTENT-TYPE"), "text/plain");
  EXPECT_EQ(headers.Find("content"), nullptr);
  EXPECT_EQ(headers.Count("X-a"), 2u);
  EXPECT_EQ(headers.Joined("x-A"), "1, 2");
}

TEST(HeadersTest, SetKeepsThePlaceOfTheFirst) {
  Headers headers{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}, {"A", "5"}};
  headers.Set("a", "new");
  ASSERT_EQ(headers.size(), 3u);
  EXPECT_EQ(headers.begin()->value, "new");
  EXPECT_EQ((headers.begin() + 1)->name, "B");
  headers.Set("D", "6");
  EXPECT_EQ((headers.begin() + 3)->value, "6");
  headers.Remove("b");
  EXPECT_EQ(headers.Find("B"), nullptr);
}

TEST(HeadersTest, ArgumentsMayPointIntoTheHeaders) {
  Headers headers{{"A", "a value that is too long for a small string"}, {"A", "2"}};
  headers.Set(headers.begin()->name, headers.begin()->value);
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_EQ(*headers.Find("a"), "a value that is too long for a small string");
  headers.Remove(headers.begin()->name);
  EXPECT_TRUE(headers.empty());
}

TEST(HeadersTest, TokensAreFoundOverSeveralLines) {
  const Headers headers{{"Connection", "keep-alive"}, {"connection", " foo ,\tUpgrade"}};
  EXPECT_TRUE(headers.HasToken("Connection", "upgrade"));
  EXPECT_FALSE(headers.HasToken("Connection", "up"));
}

TEST(QueryTest, Value) {
  EXPECT_EQ(QueryValue("encoding=text", "encoding"), "text");
  EXPECT_EQ(QueryValue("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(QueryValue("%65ncoding=a%20b+c", "encoding"), "a b c");
  EXPECT_EQ(QueryValue("flag", "flag"), "");
  EXPECT_EQ(QueryValue("a=%zz%4", "a"), "%zz%4");
  EXPECT_EQ(QueryValue("a=b=c", "a"), "b=c");
  EXPECT_EQ(QueryValue("", "a"), std::nullopt);
  EXPECT_EQ(QueryValue("ab=1", "a"), std::nullopt);
}

TEST(QueryTest, Without) {
  EXPECT_EQ(QueryWithout("encoding=text", "encoding"), "");
  EXPECT_EQ(QueryWithout("a=1&encoding=text&b=%20+x", "encoding"), "a=1&b=%20+x");
  EXPECT_EQ(QueryWithout("x&&y=1&x=2", "x"), "&y=1");
  EXPECT_EQ(QueryWithout("%78=1&y", "x"), "y");
  EXPECT_EQ(QueryWithout("a=1", "b"), "a=1");
}

TEST(HttpDateTest, IsImfFixdate) {
  EXPECT_EQ(HttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(HttpDate(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
}

TEST(ReasonPhraseTest, KnowsTheRegisteredOnes) {
  EXPECT_EQ(ReasonPhrase(100), "Continue");
  EXPECT_EQ(ReasonPhrase(426), "Upgrade Required");
  EXPECT_EQ(ReasonPhrase(511), "Network Authentication Required");
  EXPECT_EQ(ReasonPhrase(299), "Unknown");
  EXPECT_EQ(ReasonPhrase(999), "Unknown");
}

TEST(TextResponseTest, SaysWhy) {
  const Response response = TextResponse(403, "origin not allowed");
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "origin not allowed\n");
  EXPECT_EQ(*response.headers.Find("content-type"), "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace upgate::http
