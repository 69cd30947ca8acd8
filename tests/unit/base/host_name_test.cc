#include "gateway/base/host_name.h"

#include <gtest/gtest.h>

namespace upgate {
namespace {

TEST(HostName, LosesOneDotOfTheRoot) {
  EXPECT_EQ(WithoutRootDot("a.example."), "a.example");
  EXPECT_EQ(WithoutRootDot("a.example"), "a.example");
  EXPECT_EQ(WithoutRootDot("a.example.."), "a.example.");
  EXPECT_EQ(WithoutRootDot("localhost."), "localhost");
  EXPECT_EQ(WithoutRootDot("::1"), "::1");
  EXPECT_EQ(WithoutRootDot("."), ".");
  EXPECT_EQ(WithoutRootDot(""), "");
}

TEST(HostName, EmptyLabels) {
  for (const char* good : {"a", "a.b", "a.b.", "127.0.0.1", "::1", "a."}) {
    EXPECT_FALSE(HasEmptyLabel(good)) << good;
  }
  for (const char* bad : {"", ".", "..", ".a", "a..b", "a..", "a.b..", "..a", ".a."}) {
    EXPECT_TRUE(HasEmptyLabel(bad)) << bad;
  }
}

}  // namespace
}  // namespace upgate
