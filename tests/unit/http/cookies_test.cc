#include "gateway/http/cookies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::http {
namespace {

TEST(CookieValueTest, TheFirstOfTheNameCounts) {
  Headers headers;
  headers.Add("Cookie", "a; b = 1 ;c=; a=x=y");
  headers.Add("cookie", "b=2");
  EXPECT_EQ(CookieValue(headers, "a"), "x=y");
  EXPECT_EQ(CookieValue(headers, "b"), "1");
  EXPECT_EQ(CookieValue(headers, "c"), "");
  EXPECT_FALSE(CookieValue(headers, "A"));
  EXPECT_FALSE(CookieValue(headers, "d"));
}

TEST(CookieValuesTest, AllOfTheNameUpToALimit) {
  Headers headers;
  headers.Add("Cookie", "a; b=1; a=2; a=");
  headers.Add("cookie", "a=3; a=4");
  EXPECT_THAT(CookieValues(headers, "a", 9), testing::ElementsAre("2", "", "3", "4"));
  EXPECT_THAT(CookieValues(headers, "a", 3), testing::ElementsAre("2", "", "3"));
  EXPECT_THAT(CookieValues(headers, "c", 3), testing::IsEmpty());
}

TEST(RemoveCookieTest, OthersStayAsTheyAre) {
  Headers headers;
  headers.Add("Cookie", "a=1; b ; a; c=\"a=2\";;a = 3");
  headers.Add("X", "a=1");
  headers.Add("Cookie", "a=4");
  RemoveCookie(headers, "a");
  EXPECT_EQ(headers.Joined("cookie"), "b; c=\"a=2\"");
  EXPECT_EQ(headers.Count("cookie"), 1u);
  EXPECT_EQ(headers.Joined("x"), "a=1");
}

}  // namespace
}  // namespace upgate::http
