#include "gateway/app/command_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::app {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ReadUrlTest, TakesUrlsAndPaths) {
  const auto url = ReadUrl("wss://a.example/b?c");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "wss");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/b?c");
  EXPECT_EQ(ReadUrl("ws://a.example:81?c")->target, "/?c");
  EXPECT_EQ(ReadUrl("/b")->scheme, "");
}

TEST(ReadUrlTest, SaysNoPassword) {
  for (const char* text :
       {"ws://user:s3cret@host/", "http://s3cret@a@b", "user:s3cret@host", "ws://user:s3cret@"}) {
    const auto url = ReadUrl(text);
    ASSERT_FALSE(url) << text;
    EXPECT_THAT(url.error().message, Not(HasSubstr("s3cret"))) << text;
    EXPECT_THAT(url.error().message, HasSubstr("***@")) << text;
  }
  EXPECT_THAT(ReadUrl("ws:/a b/x@y").error().message, HasSubstr("ws:/a b/x@y"));
}

TEST(ReadHeadersTest, SaysNoValueOfWhatItRefuses) {
  for (const char* line :
       {"Authorization Bearer s3cret", "Coo kie: s3cret", "Cookie: s3cret\x01"}) {
    const auto headers = ReadHeaders({line});
    ASSERT_FALSE(headers) << line;
    EXPECT_THAT(headers.error().message, Not(HasSubstr("s3cret"))) << line;
  }
}

}  // namespace
}  // namespace upgate::app
