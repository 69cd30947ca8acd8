#include "tests/support/capture_log.h"

#include <gtest/gtest.h>

namespace upgate::test {
namespace {

TEST(CaptureLogTest, KeepsEventsWithTheirFields) {
  CaptureLog log(LogLevel::kInfo);
  log.Debug("not kept");
  log.Info("session open", {{"id", std::uint64_t{7}}, {"tls", true}, {"client", "127.0.0.1:1"}});
  log.Warn("session open", {{"id", std::int64_t{-8}}});
  EXPECT_EQ(log.events().size(), 2u);
  EXPECT_EQ(log.Count("session open"), 2u);
  EXPECT_EQ(log.Count("not kept"), 0u);
  const auto first = log.Find("session open").front();
  EXPECT_EQ(first.level, LogLevel::kInfo);
  EXPECT_EQ(first.fields.at("id"), "7");
  EXPECT_EQ(first.fields.at("tls"), "true");
  EXPECT_EQ(log.Last("session open", "id"), "-8");
  EXPECT_EQ(log.Last("session open", "client"), "");
  EXPECT_TRUE(log.Mentions("127.0.0.1"));
  EXPECT_FALSE(log.Mentions("secret"));
  log.Clear();
  EXPECT_TRUE(log.events().empty());
}

}  // namespace
}  // namespace upgate::test
