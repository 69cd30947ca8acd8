#include "gateway/base/utc_time.h"

#include <gtest/gtest.h>

namespace upgate {
namespace {

TEST(UtcTimeTest, IsRfc3339) {
  EXPECT_EQ(UtcTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(UtcTime(1'767'323'045), "2026-01-02T03:04:05Z");
  EXPECT_EQ(UtcTime(253'402'300'799), "9999-12-31T23:59:59Z");
}

}  // namespace
}  // namespace upgate
