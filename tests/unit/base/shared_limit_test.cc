#include "gateway/base/shared_limit.h"

#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace upgate {
namespace {

TEST(SharedLimitTest, IsNeverExceededByAnyThread) {
  constexpr std::uint64_t kLimit = 100;
  SharedLimit limit(kLimit);
  std::atomic<std::uint64_t> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) {
        if (limit.TryTake(1)) ++taken;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, kLimit);
  limit.GiveBack(1);
  EXPECT_TRUE(limit.TryTake(1));
  EXPECT_FALSE(limit.TryTake(1));
}

TEST(SharedLimitTest, GivesAllOrNothing) {
  SharedLimit limit(3);
  EXPECT_TRUE(limit.TryTake(2));
  EXPECT_FALSE(limit.TryTake(2));
  EXPECT_EQ(limit.taken(), 2u);
  limit.SetMost(1);
  EXPECT_FALSE(limit.TryTake(0)) << "more is taken than the limit now allows";
  limit.SetMost(3);
  limit.GiveBack(2);
  EXPECT_TRUE(limit.TryTake(3));
}

TEST(SharedLimitTest, OwnedPlacesAreReturnedOnce) {
  SharedLimit limit(1);
  {
    SharedLimit::Taken first = limit.TryTakeOwned(1);
    EXPECT_TRUE(first);
    EXPECT_FALSE(limit.TryTakeOwned(1));
    SharedLimit::Taken second = std::move(first);
    EXPECT_TRUE(second);
    EXPECT_EQ(limit.taken(), 1u);
  }
  EXPECT_EQ(limit.taken(), 0u);
}

TEST(SharedLimitTest, WithoutANumberThereIsNone) {
  SharedLimit limit;
  EXPECT_TRUE(limit.TryTake(SharedLimit::kNone - 1));
  EXPECT_TRUE(limit.TryTake(1));
}

}  // namespace
}  // namespace upgate
