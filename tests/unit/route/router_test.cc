#include "gateway/route/router.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace upgate::route {
namespace {

using config::PathPattern;

// A row of the table in configuration syntax: "/a", "/a/*" or "~regex"; hosts with "*." are
// wildcards.
struct Row {
  std::string path;
  std::vector<std::string> hosts = {};
};

config::Route MakeRoute(const Row& row, std::size_t index) {
  config::Route route;
  route.index = index;
  route.path.written = row.path;
  if (row.path.starts_with('~')) {
    route.path.kind = PathPattern::Kind::kRegex;
    route.path.text = row.path.substr(1);
  } else if (row.path.ends_with("/*")) {
    route.path.kind = PathPattern::Kind::kPrefix;
    route.path.text = row.path.substr(0, row.path.size() - 2);
  } else {
    route.path.text = row.path;
  }
  for (const std::string& host : row.hosts) {
    const bool wildcard = host.starts_with("*.");
    route.hosts.push_back({wildcard ? host.substr(2) : host, wildcard});
  }
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

class RouterTable : public testing::TestWithParam<Case> {};

TEST_P(RouterTable, FindsTheMostSpecificRoute) {
  const auto routes = MakeRoutes(GetParam().routes);
  const Router router(routes);
  for (const auto& [host, path, expected] : GetParam().lookups) {
    EXPECT_EQ(IndexOf(router.Find(host, path)), expected) << host << " " << path;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, RouterTable,
    testing::Values(
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
        Case{
            "EverythingBelowTheRoot",
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
        Case{"ExactBeforePrefixBeforeRegex",
             {{"~^/a"}, {"/a/*"}, {"/a/b"}},
             {{"h", "/a/b", 2}, {"h", "/a/c", 1}, {"h", "/abc", 0}, {"h", "/b", kNone}}},
        Case{"RegexesInFileOrder",
             {{"~^/v[0-9]+/"}, {"~^/v1/"}, {"~special$"}},
             {{"h", "/v1/x", 0},
              {"h", "/v22/special", 0},
              {"h", "/x/special", 2},
              {"h", "/v/x", kNone},
              {"h", "/x/v1/y", kNone}}},
        Case{"RegexesDoNotTakeTheAsterisk", {{"~.*"}}, {{"h", "*", kNone}, {"h", "/", 0}}},
        Case{"FileOrderBreaksTies",
             {{"/a"}, {"/a"}, {"/b/*"}, {"/b/*"}, {"/c", {"h"}}, {"/c", {"g", "h"}}},
             {{"h", "/a", 0}, {"h", "/b/x", 2}, {"h", "/c", 4}, {"g", "/c", 5}}},
        Case{
            "HostsBeforePaths",
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
        Case{"NoRoutes", {}, {{"h", "/", kNone}}}),
    [](const auto& test) { return test.param.name; });

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
