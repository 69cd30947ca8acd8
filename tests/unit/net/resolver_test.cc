#include "gateway/net/resolver.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

// Starts one lookup, and releases the request inside the callback.
struct Asker final : io::ResolveHandler {
  void OnResolved(const std::vector<Ip>& found) override {
    pending.reset();
    addresses = found;
    ++answers;
  }
  void OnResolveFailed(const Error& failure) override {
    pending.reset();
    error = failure;
    ++answers;
  }
  std::unique_ptr<io::Pending> pending;
  std::vector<Ip> addresses;
  std::optional<Error> error;
  int answers = 0;
};

bool IsLoopback(const Ip& ip) {
  return ip == Ip::Parse("127.0.0.1") || ip == Ip::Parse("::1");
}

TEST(ResolverTest, LiteralsAreAnsweredOnALaterTurn) {
  Loop loop{PollerUnderTest()};
  Asker v4;
  Asker v6;
  v4.pending = loop.view().network.Resolve("192.0.2.7", v4);
  v6.pending = loop.view().network.Resolve("2001:db8::1", v6);
  EXPECT_EQ(v4.answers, 0);
  EXPECT_TRUE(RunUntil(loop, [&] { return v4.answers + v6.answers == 2; }));
  EXPECT_EQ(v4.addresses, std::vector{*Ip::Parse("192.0.2.7")});
  EXPECT_EQ(v6.addresses, std::vector{*Ip::Parse("2001:db8::1")});
}

TEST(ResolverTest, WaitsTogetherForOneNameAndThenKnowsIt) {
  Loop loop{PollerUnderTest()};
  std::vector<Asker> askers(5);
  for (Asker& asker : askers) asker.pending = loop.view().network.Resolve("localhost", asker);
  const auto all = [&] {
    return std::ranges::all_of(askers, [](const Asker& a) { return a.answers == 1; });
  };
  EXPECT_TRUE(RunUntil(loop, all));
  for (const Asker& asker : askers) {
    ASSERT_FALSE(asker.addresses.empty());
    EXPECT_TRUE(std::ranges::all_of(asker.addresses, IsLoopback));
  }
  Asker again;
  again.pending = loop.view().network.Resolve("LocalHost", again);
  EXPECT_EQ(again.answers, 0);
  const std::uint64_t before = loop.turns();
  EXPECT_TRUE(RunUntil(loop, [&] { return again.answers == 1; }));
  // From the cache: no thread is involved.
  EXPECT_EQ(loop.turns(), before + 1);
  EXPECT_EQ(again.addresses, askers[0].addresses);
}

TEST(ResolverTest, AStaleAnswerServesWhileTheNameIsLookedUpAnew) {
  Loop loop{PollerUnderTest()};
  Resolver resolver(loop, "", {.fresh = 0ms, .usable = 1h, .failed = 1s, .names = 10});
  Asker first;
  first.pending = resolver.Resolve("localhost", first);
  EXPECT_TRUE(RunUntil(loop, [&] { return first.answers == 1; }));
  for (int i = 0; i < 3; ++i) {
    Asker stale;
    stale.pending = resolver.Resolve("localhost", stale);
    const std::uint64_t before = loop.turns();
    EXPECT_TRUE(RunUntil(loop, [&] { return stale.answers == 1; }));
    EXPECT_EQ(loop.turns(), before + 1);
    EXPECT_EQ(stale.addresses, first.addresses);
  }
}

TEST(ResolverTest, AFailureIsReportedToEveryoneAndCached) {
  Loop loop{PollerUnderTest()};
  Asker first;
  Asker second;
  first.pending = loop.view().network.Resolve("nx.invalid", first);
  second.pending = loop.view().network.Resolve("nx.invalid", second);
  EXPECT_TRUE(RunUntil(loop, [&] { return first.answers + second.answers == 2; }));
  ASSERT_TRUE(first.error && second.error);
  EXPECT_EQ(first.error->code, Errc::kResolve);
  EXPECT_NE(first.error->message.find("nx.invalid"), std::string::npos);
}

TEST(ResolverTest, InvalidNamesAreRefused) {
  Loop loop{PollerUnderTest()};
  for (const std::string& host :
       {std::string(), std::string(300, 'a'), std::string("localhost\0.example", 18)}) {
    Asker asker;
    asker.pending = loop.view().network.Resolve(host, asker);
    EXPECT_EQ(asker.answers, 0);
    EXPECT_TRUE(RunUntil(loop, [&] { return asker.answers == 1; }));
    ASSERT_TRUE(asker.error) << host;
    EXPECT_EQ(asker.error->code, Errc::kResolve);
  }
}

TEST(ResolverTest, ACancelledRequestHearsNothingAndOthersStillDo) {
  Loop loop{PollerUnderTest()};
  Asker cancelled;
  Asker other;
  Asker literal;
  cancelled.pending = loop.view().network.Resolve("localhost", cancelled);
  other.pending = loop.view().network.Resolve("localhost", other);
  literal.pending = loop.view().network.Resolve("127.0.0.1", literal);
  cancelled.pending.reset();
  literal.pending.reset();
  EXPECT_TRUE(RunUntil(loop, [&] { return other.answers == 1; }));
  EXPECT_EQ(cancelled.answers, 0);
  EXPECT_EQ(literal.answers, 0);
}

TEST(ResolverTest, TheLoopGoesWhileLookupsAreUnderWay) {
  Asker asker;
  std::vector<std::unique_ptr<Asker>> askers;
  {
    Loop loop{PollerUnderTest()};
    for (int i = 0; i < 20; ++i) {
      auto& one = *askers.emplace_back(std::make_unique<Asker>());
      one.pending = loop.view().network.Resolve("n" + std::to_string(i) + ".invalid", one);
      one.pending.reset();
    }
  }
  for (const auto& one : askers) EXPECT_EQ(one->answers, 0);
}

}  // namespace
}  // namespace upgate::net
