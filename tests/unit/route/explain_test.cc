#include "gateway/route/explain.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/scalar.h"

namespace upgate::route {
namespace {

config::Route MakeRoute(std::size_t index, const std::string& path,
                        const std::vector<std::string>& hosts) {
  config::Route route;
  route.index = index;
  route.path = config::Syntax<config::PathPattern>::Read(path).value();
  for (const auto& host : hosts)
    route.hosts.push_back(config::Syntax<config::HostPattern>::Read(host).value());
  return route;
}

const std::vector<std::string> kPathPatterns{"/",    "/a",   "/a/b",       "/a/",    "/a/b/c",
                                             "/*",   "/a/*", "/b/*",       "/a/b/*", "/a/b/c/*",
                                             "~^/a", "~b",   "~^/[ab]/?$", "~c$",    "~^/a/b"};
const std::vector<std::vector<std::string>> kHosts{{},
                                                   {"a.example.org"},
                                                   {"*.example.org"},
                                                   {"*.org"},
                                                   {"b.a.example.org", "*.a.example.org"},
                                                   {"other.test", "*.b.a.example.org"}};
const std::vector<std::string> kPaths{"/",  "/a",   "/a/", "/a/b", "/a/b/", "/a/b/c", "/a/b/c/d",
                                      "/b", "/b/c", "/ab", "/c",   "*",     ""};
const std::vector<std::string> kAskedHosts{
    "a.example.org", "b.a.example.org", "c.b.a.example.org", "x.a.example.org", "c.example.org",
    "example.org",   "x.org",           "other.test",        "localhost",       ""};

// Every pattern for every host, in an order unrelated to precedence.
std::vector<config::Route> ManyRoutes() {
  std::vector<config::Route> routes;
  const std::size_t all = kPathPatterns.size() * kHosts.size();
  for (std::size_t i = 0; i < all; ++i) {
    const std::size_t place = i * 37 % all;  // 37 and `all` are coprime
    routes.push_back(MakeRoute(i, kPathPatterns[place % kPathPatterns.size()],
                               kHosts[place / kPathPatterns.size()]));
  }
  return routes;
}

// An independent implementation of the rule at the top of router.h, with a number for each part:
// smaller takes precedence.
using Rank = std::tuple<int, std::size_t, int, std::size_t, int, std::size_t, std::size_t>;
Rank RankOf(const RouteMatch& match) {
  using Kind = config::PathPattern::Kind;
  const config::PathPattern& path = match.route->path;
  const bool wildcard = match.host != nullptr && match.host->wildcard;
  const bool exact = path.kind == Kind::kExact;
  const std::string& text = path.kind == Kind::kRegex ? path.literal : path.text;
  return {match.host == nullptr ? 2 : static_cast<int>(wildcard),
          wildcard ? 1000 - match.host->host.size() : 0,
          exact ? 0 : 1,
          exact ? 0 : 1000 - text.size(),
          path.kind == Kind::kPrefix ? 1 : 0,
          1000 - match.route->match.count(),
          match.route->index};
}

// The part of two ranks that decides.
Precedence DecidedBy(const RouteMatch& one, const RouteMatch& two) {
  using Kind = config::PathPattern::Kind;
  const Rank first = RankOf(one);
  const Rank second = RankOf(two);
  if (std::get<0>(first) != std::get<0>(second)) {
    return std::get<0>(second) == 2 ? Precedence::kSomeHost : Precedence::kExactHost;
  }
  if (std::get<1>(first) != std::get<1>(second)) return Precedence::kLongerWildcard;
  if (std::get<2>(first) != std::get<2>(second)) return Precedence::kExactPath;
  const bool regex = one.route->path.kind == Kind::kRegex;
  if (one.route->path.kind != two.route->path.kind)
    return regex ? Precedence::kRegexOverPrefix : Precedence::kPrefixOverRegex;
  if (std::get<3>(first) != std::get<3>(second))
    return regex ? Precedence::kLongerLiteral : Precedence::kLongerPrefix;
  return std::get<5>(first) != std::get<5>(second) ? Precedence::kMoreConditions
                                                   : Precedence::kFileOrder;
}

class ExplainTest : public testing::Test {
 protected:
  template <class Check>
  void ForEveryRequest(Check&& check) {
    for (const auto& host : kAskedHosts) {
      for (const auto& path : kPaths) {
        SCOPED_TRACE("host '" + host + "' path '" + path + "'");
        check(host, path);
      }
    }
  }

  const std::vector<config::Route> routes_ = ManyRoutes();
  const Router router_{routes_};
};

TEST_F(ExplainTest, TheFirstMatchIsTheOneThatServes) {
  ForEveryRequest([&](const std::string& host, const std::string& path) {
    const auto matches = router_.Matches(host, path);
    EXPECT_EQ(matches.empty() ? nullptr : matches.front().route, router_.Find(host, path));
  });
}

TEST_F(ExplainTest, MatchesAreAllThatWouldServeAlone) {
  ForEveryRequest([&](const std::string& host, const std::string& path) {
    const auto matches = router_.Matches(host, path);
    for (const config::Route& route : routes_) {
      const std::vector<config::Route> alone{route};
      const auto listed = std::ranges::count(matches, &route, &RouteMatch::route);
      EXPECT_EQ(listed, Router(alone).Find(host, path) != nullptr ? 1 : 0) << route.path.written;
    }
  });
}

// When the winner is removed, the next route in the list must win: the order of the list is the
// order of the router.
TEST_F(ExplainTest, TheOrderIsTheOneInWhichRoutesStepIn) {
  ForEveryRequest([&](const std::string& host, const std::string& path) {
    std::vector<config::Route> left = routes_;
    for (const RouteMatch& match : router_.Matches(host, path)) {
      const auto* serves = Router(left).Find(host, path);
      ASSERT_NE(serves, nullptr);
      ASSERT_EQ(serves->index, match.route->index);
      std::erase_if(left, [&](const auto& route) { return route.index == match.route->index; });
    }
    EXPECT_EQ(Router(left).Find(host, path), nullptr);
  });
}

TEST_F(ExplainTest, TheReasonIsThePartOfTheRuleThatDecides) {
  std::size_t pairs = 0;
  ForEveryRequest([&](const std::string& host, const std::string& path) {
    const auto matches = router_.Matches(host, path);
    for (std::size_t i = 0; i < matches.size(); ++i) {
      for (std::size_t j = i + 1; j < matches.size(); ++j, ++pairs) {
        ASSERT_LT(RankOf(matches[i]), RankOf(matches[j]));
        EXPECT_EQ(ExplainPrecedence(matches[i], matches[j]), DecidedBy(matches[i], matches[j]))
            << matches[i].route->path.written << " before " << matches[j].route->path.written;
      }
    }
  });
  EXPECT_GT(pairs, 1000u);
}

TEST_F(ExplainTest, NearMissesFitInOneThingOnly) {
  ForEveryRequest([&](const std::string& host, const std::string& path) {
    const auto matches = router_.Matches(host, path);
    const auto misses = NearMisses(routes_, host, path);
    for (const NearMiss& miss : misses) {
      EXPECT_NE(miss.host_fits, miss.path_fits);
      EXPECT_EQ(std::ranges::count(matches, miss.route, &RouteMatch::route), 0);
    }
    EXPECT_TRUE(std::ranges::is_partitioned(misses, &NearMiss::path_fits));
  });
}

TEST(NearMisses, SayWhetherHostOrPathIsWrong) {
  const std::vector<config::Route> routes{MakeRoute(0, "/mqtt", {"app.example.com"}),
                                          MakeRoute(1, "/live/*", {}),
                                          MakeRoute(2, "/other", {"elsewhere.test"})};
  const auto misses = NearMisses(routes, "www.example.com", "/mqtt");
  ASSERT_EQ(misses.size(), 2u);
  EXPECT_EQ(misses[0].route, routes.data());
  EXPECT_TRUE(misses[0].path_fits);
  EXPECT_EQ(misses[1].route, &routes[1]);
  EXPECT_TRUE(misses[1].host_fits);
}

TEST(ExplainMatch, NamesThePatterns) {
  const auto route = MakeRoute(0, "/live/*", {"app.example.com", "*.example.org"});
  const std::vector<config::Route> routes{route};
  const Router router(routes);
  EXPECT_EQ(ExplainMatch(router.Matches("app.example.com", "/live/1").at(0)),
            "the host app.example.com is listed; the path is /live or below it");
  EXPECT_EQ(ExplainMatch(router.Matches("x.example.org", "/live").at(0)),
            "the host is one of *.example.org; the path is /live or below it");
}

}  // namespace
}  // namespace upgate::route
