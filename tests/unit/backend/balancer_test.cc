#include "gateway/backend/balancer.h"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_loop.h"

namespace upgate::backend {
namespace {

using namespace std::chrono_literals;
using config::Balance;
using testing::ElementsAre;

constexpr SharedMs kNow = 1'000'000;

// Pearson's statistic of what was counted against what was to be expected.
double ChiSquared(const std::vector<int>& counts, const std::vector<double>& shares) {
  double total = 0;
  for (const int count : counts) total += count;
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = total * shares[i];
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

class BalancerTest : public testing::Test {
 protected:
  void Use(Balance balance, const std::vector<std::uint32_t>& weights) {
    config_ = std::make_shared<config::Config>();
    settings().balance = balance;
    for (const std::uint32_t weight : weights)
      settings().servers.push_back({.scheme = config::ServerScheme::kTcp,
                                    .address = HostPort{"h", 1},
                                    .url = Url(settings().servers.size()),
                                    .index = 0,
                                    .mark = {},
                                    .weight = weight});
    Make();
  }
  void Make() {
    record_ = std::make_shared<BackendRecord>();
    record_->owner = config_;
    record_->config = &settings();
    std::vector<HashRing::Member> members;
    for (const config::Server& server : settings().servers) {
      record_->servers.push_back(std::make_shared<ServerRecord>(
          "b", server.url, std::make_shared<stats::ServerRow>("b", server.url, 1)));
      members.push_back({server.url, server.weight});
    }
    record_->ring = std::make_shared<HashRing>(members);
    balancer_ = std::make_unique<Balancer>(*record_, entropy_, 0);
  }
  static std::string Url(std::size_t i) { return "tcp://10.0.0." + std::to_string(i) + ":80"; }
  config::Backend& settings() { return config_->backends["b"]; }
  ServerRecord& Record(std::size_t server) { return *record_->servers[server]; }

  std::size_t Choose(std::optional<std::uint64_t> key = {}, SharedMs now = kNow) {
    Search search;
    search.wish.key = key;
    return balancer_->Choose(search, now).server;
  }
  std::vector<int> Count(int times, SharedMs now = kNow) {
    std::vector<int> counts(record_->servers.size());
    for (int i = 0; i < times; ++i) ++counts[Choose({}, now)];
    return counts;
  }
  std::map<std::uint64_t, std::string> Assign(std::uint64_t keys) {
    std::map<std::uint64_t, std::string> assigned;
    for (std::uint64_t key = 0; key < keys; ++key) {
      const std::uint64_t hash = HashOf("client " + std::to_string(key));
      assigned[key] = Record(Choose(hash)).url;
    }
    return assigned;
  }

  test::FixedEntropy entropy_{7};
  std::shared_ptr<config::Config> config_;
  std::shared_ptr<BackendRecord> record_;
  std::unique_ptr<Balancer> balancer_;
};

TEST_F(BalancerTest, RoundRobinIsSmoothAndByWeight) {
  Use(Balance::kRoundRobin, {1, 1, 1});
  EXPECT_THAT(Count(9), ElementsAre(3, 3, 3));
  Use(Balance::kRoundRobin, {5, 1, 1});
  std::string order;
  for (int i = 0; i < 7; ++i) order += static_cast<char>('a' + Choose());
  EXPECT_EQ(order, "aabacaa") << "not five in a row";
  EXPECT_THAT(Count(700), ElementsAre(500, 100, 100));
}

TEST_F(BalancerTest, LeastSessionsTakesTheOneWithTheFewestForItsWeight) {
  Use(Balance::kLeastSessions, {1, 1, 3});
  std::vector<ServerUse> uses;
  std::vector<int> counts(3);
  for (int i = 0; i < 50; ++i) {
    const std::size_t server = Choose();
    uses.push_back(ServerUse::TryTake(Record(server), 0));
    ++counts[server];
  }
  EXPECT_THAT(counts, ElementsAre(10, 10, 30));
}

TEST_F(BalancerTest, ThoseThatAreEqualTakeTurns) {
  Use(Balance::kLeastSessions, {1, 1, 1, 1});
  EXPECT_THAT(Count(400), ElementsAre(100, 100, 100, 100));
}

TEST_F(BalancerTest, RandomTwoIsEvenWhereLoadsAre) {
  Use(Balance::kRandomTwo, {1, 1, 1, 1, 1});
  // 4 degrees of freedom: above 18.5 once in a thousand; the seed is fixed.
  EXPECT_LT(ChiSquared(Count(10'000), {0.2, 0.2, 0.2, 0.2, 0.2}), 18.5);
}

TEST_F(BalancerTest, RandomTwoKeepsLoadsByWeight) {
  Use(Balance::kRandomTwo, {1, 2, 1});
  std::vector<ServerUse> uses;
  for (int i = 0; i < 4000; ++i) uses.push_back(ServerUse::TryTake(Record(Choose()), 0));
  EXPECT_NEAR(static_cast<double>(Record(0).in_use), 1000, 60);
  EXPECT_NEAR(static_cast<double>(Record(1).in_use), 2000, 60);
}

TEST_F(BalancerTest, RandomTwoPrefersTheOneWithFewer) {
  Use(Balance::kRandomTwo, {1, 1, 1, 1});
  const auto loads = [&](std::size_t server, std::uint64_t load) { Record(server).in_use = load; };
  loads(0, 100);
  const auto counts = Count(4000);
  EXPECT_EQ(counts[0], 0) << "there is always a better one";
  EXPECT_LT(ChiSquared({counts[1], counts[2], counts[3]}, {1.0 / 3, 1.0 / 3, 1.0 / 3}), 13.8);
}

TEST_F(BalancerTest, TheSameKeyHasTheSameServer) {
  Use(Balance::kHash, {1, 1, 1});
  for (std::uint64_t key = 0; key < 100; ++key) EXPECT_EQ(Choose(key * 77), Choose(key * 77));
  EXPECT_THAT(Count(9), ElementsAre(3, 3, 3)) << "without a key it is in turn";
}

TEST_F(BalancerTest, KeysAreSpreadByWeight) {
  Use(Balance::kHash, {1, 1, 2});
  std::map<std::string, int> counts;
  for (const auto& [key, url] : Assign(20'000)) ++counts[url];
  EXPECT_NEAR(counts[Url(0)], 5000, 750);
  EXPECT_NEAR(counts[Url(1)], 5000, 750);
  EXPECT_NEAR(counts[Url(2)], 10000, 1000);
}

TEST_F(BalancerTest, AServerThatGoesMovesOnlyItsOwnKeys) {
  Use(Balance::kHash, std::vector<std::uint32_t>(10, 1));
  const auto before = Assign(10'000);
  Record(3).health.SetDown(true, kNow);
  int moved = 0;
  std::set<std::string> heirs;
  for (const auto& [key, url] : Assign(10'000)) {
    if (url == before.at(key)) continue;
    EXPECT_EQ(before.at(key), Url(3));
    heirs.insert(url);
    ++moved;
  }
  EXPECT_NEAR(moved, 1000, 200);
  EXPECT_EQ(heirs.size(), 9u) << "all others share them";
  Record(3).health.SetDown(false, kNow);
  EXPECT_EQ(Assign(10'000), before);
}

TEST_F(BalancerTest, AServerThatIsAddedTakesItsShareAndNoMore) {
  Use(Balance::kHash, std::vector<std::uint32_t>(10, 1));
  const auto before = Assign(10'000);
  Use(Balance::kHash, std::vector<std::uint32_t>(11, 1));
  int moved = 0;
  for (const auto& [key, url] : Assign(10'000)) {
    if (url == before.at(key)) continue;
    EXPECT_EQ(url, Url(10));
    ++moved;
  }
  EXPECT_NEAR(moved, 909, 200);
}

TEST_F(BalancerTest, BackupsAreForWhenNoOtherCan) {
  for (const Balance balance :
       {Balance::kRoundRobin, Balance::kLeastSessions, Balance::kRandomTwo, Balance::kHash}) {
    Use(balance, {1, 1, 1});
    settings().servers[1].backup = true;
    Make();
    for (int i = 0; i < 20; ++i) EXPECT_NE(Choose(HashOf(std::to_string(i))), 1u);
    Record(0).health.SetDown(true, kNow);
    Record(2).health.SetDown(true, kNow);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Choose(HashOf(std::to_string(i))), 1u);
    Record(1).row->drained = true;
    EXPECT_EQ(Choose(1), kNoServer);
  }
}

TEST_F(BalancerTest, TiersAreForWhenNoneOfALowerOneCan) {
  for (const Balance balance :
       {Balance::kRoundRobin, Balance::kLeastSessions, Balance::kRandomTwo, Balance::kHash}) {
    Use(balance, {1, 1, 1, 1, 1});
    settings().servers[0].backup = true;
    settings().servers[2].tier = 2;
    settings().servers[3].tier = 9;
    settings().servers[4].tier = 2;
    Make();
    std::set<std::size_t> chosen;
    const auto collect = [&] {
      chosen.clear();
      for (std::uint64_t i = 0; i < 50; ++i) chosen.insert(Choose(HashOf(std::to_string(i))));
      return chosen;
    };
    EXPECT_THAT(collect(), ElementsAre(1));
    Record(1).row->drained = true;
    EXPECT_THAT(collect(), ElementsAre(2, 4));
    Record(2).row->drained = Record(4).row->drained = true;
    EXPECT_THAT(collect(), ElementsAre(3));
    Record(3).row->drained = true;
    EXPECT_THAT(collect(), ElementsAre(0)) << "backups come last";
  }
}

TEST_F(BalancerTest, AServerThatCameBackIsFilledSlowly) {
  Use(Balance::kRoundRobin, {1, 1});
  settings().slow_start = 30s;
  Make();
  Record(0).health.SetDown(true, kNow - 1);
  Record(0).health.SetDown(false, kNow);
  EXPECT_THAT(Count(110), ElementsAre(10, 100));
  EXPECT_THAT(Count(150, kNow + 15'000), ElementsAre(50, 100));
  EXPECT_THAT(Count(100, kNow + 30'000), ElementsAre(50, 50));
}

TEST_F(BalancerTest, TheCookieGoesBeforeThePolicyButNotToAServerThatCannot) {
  Use(Balance::kRoundRobin, {1, 1, 1});
  Search search;
  search.wish.server = 2;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(balancer_->Choose(search, kNow).server, 2u);
  Record(2).row->drained = true;
  EXPECT_NE(balancer_->Choose(search, kNow).server, 2u);
  Record(2).row->drained = false;
  search.MarkTried(2, 3);
  EXPECT_NE(balancer_->Choose(search, kNow).server, 2u);
}

TEST_F(BalancerTest, AnEjectedServerIsNamedWhenItIsDue) {
  Use(Balance::kRoundRobin, {1, 1});
  Record(0).health.Eject(kNow, 10s);
  Search search;
  EXPECT_EQ(balancer_->Choose(search, kNow + 9'999).due, kNoServer);
  const Balancer::Choice choice = balancer_->Choose(search, kNow + 10'000);
  EXPECT_EQ(choice.server, 1u);
  balancer_->Choose(search, kNow + 10'000);
  EXPECT_EQ(balancer_->Choose(search, kNow + 10'000).due == 0 || choice.due == 0, true);
}

}  // namespace
}  // namespace upgate::backend
