#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/base/client_counts.h"
#include "gateway/base/client_rates.h"
#include "gateway/base/rate.h"
#include "gateway/base/shared_rate.h"

namespace upgate::rates_test {
namespace {

using namespace std::chrono_literals;

ClientKey KeyOf(std::string_view address) {
  return ClientKey::Of(Ip::Parse(address));
}

TEST(TokenBucketTest, AllowsABurstAndThenTheRate) {
  const Rate rate{.amount = 5, .period = 1s, .burst = 3};
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.TakeOne(rate, 1000), 0);
  EXPECT_DOUBLE_EQ(bucket.TakeOne(rate, 1000), 200);
  EXPECT_DOUBLE_EQ(bucket.TakeOne(rate, 1150), 50) << "nothing was taken";
  EXPECT_EQ(bucket.TakeOne(rate, 1200), 0);
  EXPECT_DOUBLE_EQ(bucket.TakeOne(rate, 1200), 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.TakeOne(rate, 60'000), 0) << "full again";
  EXPECT_GT(bucket.TakeOne(rate, 60'000), 0);
}

TEST(TokenBucketTest, GoesIntoDebt) {
  const Rate rate{.amount = 1000, .period = 1s, .burst = 100};
  TokenBucket bucket;
  bucket.Take(rate, 0, 600);
  EXPECT_DOUBLE_EQ(bucket.Wait(rate, 0, 0), 500);
  EXPECT_DOUBLE_EQ(bucket.Wait(rate, 450, 0), 50);
  EXPECT_EQ(bucket.Wait(rate, 500, 0), 0);
}

TEST(TokenBucketTest, ManyUnitsInATimeAreExact) {
  const Rate rate{.amount = 1ULL << 30, .period = 1s, .burst = 1};
  TokenBucket bucket;
  for (int i = 0; i < 1024; ++i) bucket.Take(rate, 0, 1ULL << 20);
  EXPECT_NEAR(bucket.Wait(rate, 0, 0), 1000, 0.01);
}

TEST(ClientKeyTest, IsAnAddressOfIPv4OrANetworkOfIPv6) {
  EXPECT_EQ(KeyOf("10.1.2.3"), KeyOf("::ffff:10.1.2.3"));
  EXPECT_FALSE(KeyOf("10.1.2.3") == KeyOf("10.1.2.4"));
  EXPECT_EQ(KeyOf("2001:db8:1:2::1"), KeyOf("2001:db8:1:2:ffff::9"));
  EXPECT_FALSE(KeyOf("2001:db8:1:2::1") == KeyOf("2001:db8:1:3::1"));
  EXPECT_FALSE(KeyOf("::1") == ClientKey::Of({}));
}

TEST(ClientCountsTest, CountsEachClientByItself) {
  ClientCounts counts(2);
  std::optional<ClientCounts::Taken> first = counts.TryTake(KeyOf("10.0.0.1"));
  auto second = counts.TryTake(KeyOf("10.0.0.1"));
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(counts.TryTake(KeyOf("10.0.0.1")));
  auto other = counts.TryTake(KeyOf("10.0.0.2"));
  EXPECT_TRUE(other);
  EXPECT_EQ(counts.clients(), 2u);
  first.reset();
  auto third = counts.TryTake(KeyOf("10.0.0.1"));
  EXPECT_TRUE(third);
  second.reset();
  third.reset();
  other.reset();
  EXPECT_EQ(counts.clients(), 0u) << "no memory for clients without anything open";
}

TEST(ClientCountsTest, ALimitMayComeAndGo) {
  ClientCounts counts;
  auto uncounted = counts.TryTake(KeyOf("10.0.0.1"));
  EXPECT_EQ(counts.clients(), 0u);
  counts.SetMost(1);
  auto counted = counts.TryTake(KeyOf("10.0.0.1"));
  EXPECT_TRUE(counted);
  EXPECT_FALSE(counts.TryTake(KeyOf("10.0.0.1")));
  counts.SetMost(ClientCounts::kNone);
  EXPECT_TRUE(counts.TryTake(KeyOf("10.0.0.1")));
  counted.reset();
  EXPECT_EQ(counts.clients(), 0u);
}

TEST(ClientRatesTest, GivesEachClientItsOwnBucket) {
  ClientRates rates({.amount = 1, .period = 1s, .burst = 1});
  EXPECT_EQ(rates.TakeOne(KeyOf("10.0.0.1"), 1000), 0);
  EXPECT_DOUBLE_EQ(rates.TakeOne(KeyOf("10.0.0.1"), 1000), 1000);
  EXPECT_EQ(rates.TakeOne(KeyOf("10.0.0.2"), 1000), 0);
  EXPECT_EQ(rates.TakeOne(ClientKey::Of({}), 1000), 0);
  EXPECT_GT(rates.TakeOne(ClientKey::Of({}), 1000), 0) << "all without an address are one";
  EXPECT_EQ(rates.TakeOne(KeyOf("10.0.0.1"), 2000), 0);
}

// Addresses that change all the time cannot push out a client that is at its limit, because they
// have taken less.
TEST(ClientRatesTest, AFloodOfAddressesDoesNotFreeTheBusiest) {
  ClientRates rates({.amount = 1, .period = 1min, .burst = 10});
  const ClientKey busy = KeyOf("10.0.0.1");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rates.TakeOne(busy, 1000), 0);
  for (std::uint64_t i = 0; i < 4 * ClientRates::kClients; ++i)
    rates.TakeOne({.high = 0x20010db8'00000000 + i, .low = 1}, 1000);
  EXPECT_GT(rates.TakeOne(busy, 1000), 0);
}

TEST(SharedRateTest, KeepsItsStateWhileTheRateIsTheSame) {
  SharedRate shared;
  EXPECT_FALSE(shared.limited());
  EXPECT_EQ(shared.TakeOne(0), 0);
  const Rate rate{.amount = 2, .period = 1s, .burst = 1};
  shared.SetRate(rate);
  EXPECT_TRUE(shared.limited());
  EXPECT_EQ(shared.TakeOne(100), 0);
  shared.SetRate(rate);
  EXPECT_DOUBLE_EQ(shared.TakeOne(100), 500);
  shared.GiveBackOne(100);
  EXPECT_EQ(shared.TakeOne(100), 0);
  shared.SetRate({.amount = 1, .period = 1s, .burst = 1});
  EXPECT_EQ(shared.TakeOne(100), 0) << "another rate begins anew";
}

}  // namespace
}  // namespace upgate::rates_test
