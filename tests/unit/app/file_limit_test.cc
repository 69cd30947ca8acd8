#include "gateway/app/file_limit.h"

#include <sys/resource.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::app {
namespace {

TEST(FileLimitTest, ClientsGetWhatTheReserveLeaves) {
  const auto shares = ShareFiles(200, 20, 0);
  ASSERT_TRUE(shares);
  EXPECT_EQ(shares->clients, 200 - 20 - ReservedFiles(200));
  EXPECT_EQ(shares->idle_servers, 0u);
}

TEST(FileLimitTest, IdleConnectionsToServersGetAQuarterAtMost) {
  constexpr std::uint64_t kLimit = 1024;
  constexpr std::uint64_t kLeft = kLimit - ReservedFiles(kLimit);
  const auto some = ShareFiles(kLimit, 0, 100);
  ASSERT_TRUE(some);
  EXPECT_EQ(some->idle_servers, 100u);
  EXPECT_EQ(some->clients, kLeft - 100);
  const auto many = ShareFiles(kLimit, 0, 5000);
  ASSERT_TRUE(many);
  EXPECT_EQ(many->idle_servers, kLeft / 4);
  EXPECT_EQ(many->clients, kLeft - kLeft / 4);
}

TEST(FileLimitTest, TheAdminAddressHasPlacesEvenInTheSmallestProcess) {
  EXPECT_EQ(MostAdminClients(40), 8u);
  EXPECT_EQ(MostAdminClients(1024), 64u);
  EXPECT_EQ(MostAdminClients(1'000'000), 128u);
}

TEST(FileLimitTest, OneClientIsTheLeast) {
  EXPECT_FALSE(ShareFiles(0, 0, 0));
  EXPECT_FALSE(ShareFiles(20 + ReservedFiles(0) + 1, 20, 0));
  const auto least = ShareFiles(20 + ReservedFiles(0) + 2, 20, 64);
  ASSERT_TRUE(least);
  EXPECT_EQ(least->clients, 2u);
}

TEST(FileLimitTest, AShortageIsReportedWithNumbersAndRemedies) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 30;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  const auto enough = LackOfFiles(0);
  const auto lack = LackOfFiles(100);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(enough);
  ASSERT_TRUE(lack);
  for (const char* part : {"may have 30", "ulimit -n 1024", "LimitNOFILE=1024", "nofile=1024"})
    EXPECT_THAT(*lack, testing::HasSubstr(part));
}

TEST(FileLimitTest, MoreLoopsAndListenersNeedMore) {
  config::Config config;
  config.listeners.resize(2);
  const std::uint64_t one = FilesToStart(config, 1);
  EXPECT_EQ(FilesToStart(config, 3) - one, 2 * (FilesToStart(config, 2) - one));
  config.admin.emplace();
  EXPECT_EQ(FilesToStart(config, 1), one + 1);
  EXPECT_EQ(IdleServersWanted(config, 2), 0u);
  config.backends["tcp"].relay = config::Relay::kBytes;
  config.backends["http"].relay = config::Relay::kHttp;
  EXPECT_EQ(IdleServersWanted(config, 2), 2u * config::Backend{}.pool_size);
}

}  // namespace
}  // namespace upgate::app
