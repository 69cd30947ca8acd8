#include "gateway/route/router.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/scalar.h"
#include "tests/support/cases.h"

namespace upgate::route {
namespace {

using config::PathPattern;

// A row of the table in configuration syntax: "/a", "/a/*" or "~regex"; hosts with "*." are
// wildcards.
struct Row {
  std::string path;
  std::vector<std::string> hosts = {};
  int conditions = 0;
};

config::Route MakeRoute(const Row& row, std::size_t index) {
  config::Route route;
  route.index = index;
  route.path = config::Syntax<PathPattern>::Read(row.path).value();
  for (const std::string& host : row.hosts)
    route.hosts.push_back(config::Syntax<config::HostPattern>::Read(host).value());
  // Any condition will do: what counts is how many there are.
  if (row.conditions > 0) route.match.methods = {"GET"};
  for (int i = 1; i < row.conditions; ++i)
    route.match.query.push_back({.name = "q" + std::to_string(i)});
  return route;
}

std::vector<config::Route> MakeRoutes(const std::vector<Row>& rows) {
  std::vector<config::Route> routes;
  for (const Row& row : rows) routes.push_back(MakeRoute(row, routes.size()));
  return routes;
}

constexpr int kNone = -1;

int IndexOf(const config::Route* route) {
  return route == nullptr ? kNone : static_cast<int>(route->index);
}

struct Case {
  const char* name;
  std::vector<Row> routes;
  struct Lookup {
    std::string host;
    std::string path;
    int expected;
  };
  std::vector<Lookup> lookups;
};

class RouterTable : public TestOfCase<Case> {};

TEST_EACH(RouterTable, FindsTheMostSpecificRoute) {
  const auto routes = MakeRoutes(GetParam().routes);
  const Router router(routes);
  for (const auto& [host, path, expected] : GetParam().lookups) {
    EXPECT_EQ(IndexOf(router.Find(host, path)), expected) << host << " " << path;
  }
}

INSTANTIATE_CASES(
    Cases, RouterTable,
    Case{"ExactPath",
         {{"/mqtt"}, {"/a/b"}, {"/slash/"}},
         {{"h", "/mqtt", 0},
          {"h", "/a/b", 1},
          {"", "/mqtt", 0},
          {"h", "/mqtt/", kNone},
          {"h", "/mqtt/x", kNone},
          {"h", "/MQTT", kNone},
          {"h", "/mqt", kNone},
          {"h", "/slash/", 2},
          {"h", "/slash", kNone},
          {"h", "/", kNone}}},
    Case{"PrefixByWholeSegments",
         {{"/live/*"}},
         {{"h", "/live", 0},
          {"h", "/live/", 0},
          {"h", "/live/a", 0},
          {"h", "/live/a/b", 0},
          {"h", "/live//", 0},
          {"h", "/lively", kNone},
          {"h", "/live%2Fa", kNone},
          {"h", "/liv", kNone},
          {"h", "/a/live/b", kNone},
          {"h", "//live", kNone}}},
    Case{"EverythingBelowTheRoot",
         {{"/*"}},
         {{"h", "/", 0}, {"h", "/a/b/c", 0}, {"", "/", 0}, {"h", "*", kNone}, {"h", "", kNone}}},
    Case{"LongestPrefixWins",
         {{"/*"}, {"/a/*"}, {"/a/b/c/*"}, {"/a/b/*"}},
         {{"h", "/x", 0},
          {"h", "/a", 1},
          {"h", "/a/bb", 1},
          {"h", "/a/b", 3},
          {"h", "/a/b/cc", 3},
          {"h", "/a/b/c", 2},
          {"h", "/a/b/c/d", 2}}},
    Case{"PrefixesOfOneLength",
         {{"/ab/*"}, {"/cd/*"}, {"/ef/*"}},
         {{"h", "/cd/1", 1}, {"h", "/ab/1", 0}, {"h", "/ef", 2}, {"h", "/gh/1", kNone}}},
    Case{"ExactBeforeAllElse",
         {{"~^/a/b"}, {"/a/b/*"}, {"/a/b"}},
         {{"h", "/a/b", 2}, {"h", "/a/b/c", 0}, {"h", "/a/bc", 0}, {"h", "/a", kNone}}},
    Case{"ARegexRanksByTheTextThatItBeginsWith",
         {{"/*"}, {"/api/*"}, {"/api/v1/*"}, {"~^/api/v[0-9]+/"}, {"~\\.php$"}, {"~^/api"}},
         {{"h", "/", 0},
          {"h", "/x.php", 4},
          {"h", "/api/x", 5},
          {"h", "/api/x.php", 5},
          {"h", "/apix", 5},
          {"h", "/api/v2/x", 3},
          {"h", "/api/v1/x", 2},
          {"h", "/api/v1x/", 5}}},
    Case{"ARegexBehindALongerPrefix",
         {{"~^/a[/x]"}, {"/a/*"}, {"/a/b/*"}},
         {{"h", "/ax", 0}, {"h", "/a/c", 0}, {"h", "/a", 1}, {"h", "/a/b/c", 2}}},
    Case{"RegexesByTheirText",
         {{"~."}, {"~^/a"}, {"~^/a/b"}, {"~^/a/[bc]"}},
         {{"h", "/a/b/c", 2}, {"h", "/a/c", 3}, {"h", "/ab", 1}, {"h", "/b", 0}}},
    Case{"TextOfARegexIsWhatAllItsPathsBeginWith",
         {{"~^/(a|b)/x"}, {"~^/ab?"}, {"~(?i)^/abcdef"}, {"~^/a"}, {"/abcd/*"}},
         {{"h", "/abcd", 4},
          {"h", "/abcde", 1},
          {"h", "/ABCDEF", 2},
          {"h", "/a/x", 1},
          {"h", "/b/x", 0}}},
    Case{"RegexesInFileOrder",
         {{"~^/v[0-9]+/"}, {"~^/v[1-9]/"}, {"~special$"}},
         {{"h", "/v1/x", 0},
          {"h", "/v22/special", 0},
          {"h", "/x/special", 2},
          {"h", "/v/x", kNone},
          {"h", "/x/v1/y", kNone}}},
    Case{"RegexesDoNotTakeTheAsterisk", {{"~.*"}}, {{"h", "*", kNone}, {"h", "/", 0}}},
    Case{"FileOrderBreaksTies",
         {{"/a"}, {"/a"}, {"/b/*"}, {"/b/*"}, {"/c", {"h"}}, {"/c", {"g", "h"}}},
         {{"h", "/a", 0}, {"h", "/b/x", 2}, {"h", "/c", 4}, {"g", "/c", 5}}},
    Case{"HostsBeforePaths",
         {{"/a"}, {"/*", {"*.example.org"}}, {"~.", {"app.example.org"}}},
         {{"app.example.org", "/a", 2}, {"www.example.org", "/a", 1}, {"example.org", "/a", 0}}},
    Case{"WildcardHosts",
         {{"/*", {"*.example.org"}}, {"/*", {"*.b.example.org"}}, {"/*", {"c.b.example.org"}}},
         {{"a.example.org", "/", 0},
          {"x.y.example.org", "/", 0},
          {"b.example.org", "/", 0},
          {"a.b.example.org", "/", 1},
          {"c.b.example.org", "/", 2},
          {"d.c.b.example.org", "/", 1},
          {"example.org", "/", kNone},
          {".example.org", "/", kNone},
          {"evilexample.org", "/", kNone},
          {"example.org.evil", "/", kNone},
          {"", "/", kNone}}},
    Case{"WildcardsOfOneLength",
         {{"/*", {"*.aa.net"}}, {"/*", {"*.bb.net"}}},
         {{"x.bb.net", "/", 1}, {"x.aa.net", "/", 0}, {"x.cc.net", "/", kNone}}},
    Case{"FallsBackToLessSpecificHosts",
         {{"/a", {"a.b.org"}}, {"/b", {"*.b.org"}}, {"/c", {"*.org"}}, {"/d"}},
         {{"a.b.org", "/a", 0},
          {"a.b.org", "/b", 1},
          {"a.b.org", "/c", 2},
          {"a.b.org", "/d", 3},
          {"a.b.org", "/e", kNone},
          {"x.b.org", "/a", kNone}}},
    Case{"SeveralHostsOfARoute",
         {{"~^/x", {"one", "*.two"}}},
         {{"one", "/x", 0}, {"a.two", "/x", 0}, {"two", "/x", kNone}, {"three", "/x", kNone}}},
    Case{"TrailingDotsOfPatternsDoNotCount",
         {{"/a", {"a.example."}}, {"/b", {"*.example."}}},
         {{"a.example", "/a", 0}, {"b.example", "/b", 1}}},
    Case{"NoRoutes", {}, {{"h", "/", kNone}}});

TEST(RouterTest, AnswersWithTheRouteOfTheConfiguration) {
  const auto routes = MakeRoutes({{"/a"}, {"/b/*"}});
  const Router router(routes);
  EXPECT_EQ(router.Find("h", "/b/c"), &routes[1]);
}

TEST(RouterTest, ManyRoutes) {
  std::vector<Row> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back({"/r" + std::to_string(i) + "/*"});
  const auto routes = MakeRoutes(rows);
  const Router router(routes);
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(IndexOf(router.Find("h", "/r" + std::to_string(i) + "/x")), i);
  }
  EXPECT_EQ(router.Find("h", "/r2000/x"), nullptr);
}

// The order in which routes of one request are tried.
std::vector<int> OrderOf(const std::vector<Row>& rows, std::string_view host,
                         std::string_view path) {
  const auto routes = MakeRoutes(rows);
  const Router router(routes);
  std::vector<int> order;
  for (const RouteMatch& match : router.Matches(host, path)) order.push_back(IndexOf(match.route));
  return order;
}

TEST(RouterTest, MoreConditionsGoFirst) {
  EXPECT_EQ(OrderOf({{"/a"}, {"/a", {}, 1}, {"/a", {}, 3}, {"/a", {}, 1}}, "h", "/a"),
            (std::vector{2, 1, 3, 0}));
  EXPECT_EQ(OrderOf({{"/a/*"}, {"/a/*", {}, 2}, {"/*", {}, 9}, {"/a/b"}}, "h", "/a/b"),
            (std::vector{3, 1, 0, 2}));
  EXPECT_EQ(OrderOf({{"~^/a"}, {"~^/a", {}, 1}, {"~^/[a]", {}, 2}, {"~a", {}, 9}}, "h", "/a"),
            (std::vector{2, 1, 0, 3}));
  EXPECT_EQ(OrderOf({{"/a", {}, 9}, {"/*", {"h"}}, {"/a", {"h"}, 1}}, "h", "/a"),
            (std::vector{2, 1, 0}));
}

TEST(RouterTest, WithoutFactsConditionsDoNotHold) {
  const auto routes = MakeRoutes({{"/a", {}, 1}, {"/a"}, {"/b", {}, 1}});
  const Router router(routes);
  EXPECT_EQ(IndexOf(router.Find("h", "/a")), 1);
  EXPECT_EQ(router.Find("h", "/b"), nullptr);
  EXPECT_NE(router.matcher(routes[0]), nullptr);
  EXPECT_EQ(router.matcher(routes[1]), nullptr);
}

// Every '/' ends a prefix and every '.' begins a suffix: if each of them were hashed, a thousand
// lookups would take minutes.
TEST(RouterTest, TimeDoesNotGrowWithTheNumberOfSegments) {
  const auto routes = MakeRoutes({{"/a/*"}, {"/a/a/a/a/*"}, {"~^/b/(x+)+$"}, {"/*", {"*.a.a"}}});
  const Router router(routes);
  std::string slashes;
  std::string dots;
  while (slashes.size() < 64 * 1024) slashes += "/b";
  while (dots.size() < 64 * 1024) dots += "a.";
  dots += "b";
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(router.Find(dots, slashes), nullptr);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(IndexOf(router.Find(dots, "/a" + slashes)), 0);
}

}  // namespace
}  // namespace upgate::route
