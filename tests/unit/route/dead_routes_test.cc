#include "gateway/route/dead_routes.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "gateway/route/router.h"

namespace upgate::route {
namespace {

config::Config Read(const std::string& text) {
  config::Draft draft =
      config::ParseDraft("listeners: [ { address: \"127.0.0.1:0\" } ]\n" + text, "upgate.yaml", {});
  EXPECT_TRUE(draft.errors.empty());
  return draft.config ? *draft.config : config::Config{};
}

// The indexes of the routes with a warning.
std::string Dead(const config::Config& config) {
  std::string keys;
  for (const auto& warning : DeadRoutes(config.routes)) keys += warning.key + " ";
  return keys;
}

std::string Dead(const std::string& routes) {
  return Dead(Read("routes:\n" + routes));
}

TEST(DeadRoutesTest, APrefixHidesNoRegularExpression) {
  const std::string any = "  - { path: /*, plugin: echo }\n";
  EXPECT_EQ(Dead(any + "  - { path: \"~^/v[0-9]+$\", plugin: echo }\n"), "");
  EXPECT_EQ(Dead("  - { path: \"~x\", plugin: echo }\n" + any), "");
  const std::string api = "  - { path: /api/*, plugin: echo }\n";
  EXPECT_EQ(Dead(api + "  - { path: \"~^/api/v[0-9]+$\", plugin: echo }\n"), "");
  EXPECT_EQ(Dead(api + "  - { path: ~^/api$, plugin: echo }\n"), "");
  EXPECT_EQ(Dead(api + "  - { path: \"~/api/v[0-9]+$\", plugin: echo }\n"), "");
}

TEST(DeadRoutesTest, APrefixBehindAnExpressionThatTakesAllOfIt) {
  const std::string any = "  - { path: /*, plugin: echo }\n";
  const std::string api = "  - { path: /api/*, plugin: echo }\n";
  for (const std::string all : {"^/", ".*", "/", "^"}) {
    const std::string regex = "  - { path: '~" + all + "', plugin: echo }\n";
    EXPECT_EQ(Dead(any + regex), "routes[0] ") << all;
    EXPECT_EQ(Dead(regex + api), "") << all;
  }
  EXPECT_EQ(Dead(api + "  - { path: ~^/api, plugin: echo }\n"), "routes[0] ");
  for (const std::string some : {"^/ap", "^/apis", "^/api/", "^/api$", "api", "^/api.", "^/[a]pi"})
    EXPECT_EQ(Dead(api + "  - { path: '~" + some + "', plugin: echo }\n"), "") << some;
}

TEST(DeadRoutesTest, OnlyWhereTheOtherHasAllHosts) {
  const std::string all =
      "  - { path: ~^/, plugin: echo, hosts: [ a.example, \"*.b.example\" ] }\n";
  EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ a.example ] }\n"), "routes[1] ");
  EXPECT_EQ(Dead(all + "  - { path: /*, plugin: echo, hosts: [ \"*.b.example\" ] }\n"),
            "routes[1] ");
  EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ a.example, c.example ] }\n"), "");
  EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo }\n"), "");
}

TEST(DeadRoutesTest, OnEachHostByWhateverTakesAllThere) {
  const std::string any =
      "  - { path: ~^/, plugin: echo, hosts: [ a.example ] }\n"
      "  - { path: /x, plugin: echo, hosts: [ \"*.b.example\" ] }\n";
  // The text of the expression is longer than that of the first.
  EXPECT_EQ(
      Dead(any + "  - { path: ~^/x$, plugin: echo, hosts: [ a.example, \"*.b.example\" ] }\n"), "");
  EXPECT_EQ(Dead(any + "  - { path: ~^/x$, plugin: echo, hosts: [ \"*.b.example\" ] }\n"),
            "routes[2] ");
}

TEST(DeadRoutesTest, NoPatternTakesAllHostsOfALessSpecificOne) {
  for (const std::string hosts :
       {"hosts: [ a.b.example, \"*.a.b.example\" ]", "hosts: [ \"*.b.example\", b.example ]"}) {
    const std::string all = "  - { path: ~^/, plugin: echo, " + hosts + " }\n";
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ \"*.example\" ] }\n"), "");
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo }\n"), "");
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ z.a.b.example ] }\n"), "");
  }
  EXPECT_EQ(Dead("  - { path: ~^/, plugin: echo }\n"
                 "  - { path: ~x, plugin: echo, hosts: [ \"*.example\" ] }\n"),
            "");
}

TEST(DeadRoutesTest, PathsThatServersReadInDifferentWays) {
  for (const std::string path : {"//t", "/a//*", "/a;b", "/a;b/*", "'/a\\b'"})
    EXPECT_EQ(Dead("  - { path: " + path + ", plugin: echo }\n"), "routes[0] ") << path;
}

TEST(DeadRoutesTest, ARouteWithConditionsHidesNothing) {
  const std::string some = "  - { path: ~^/, plugin: echo, match: { methods: [ GET ] } }\n";
  EXPECT_EQ(Dead(some + "  - { path: ~x, plugin: echo }\n"), "");
  EXPECT_EQ(Dead(some + "  - { path: /*, plugin: echo }\n"), "");
  EXPECT_EQ(Dead("  - { path: /a, plugin: echo, match: { methods: [ GET ] } }\n"
                 "  - { path: ~^/a$, plugin: echo }\n"),
            "");
  // But is hidden by one without whose path goes first; one with the same path goes behind it.
  EXPECT_EQ(Dead("  - { path: ~^/, plugin: echo }\n"
                 "  - { path: ~x, plugin: echo, match: { methods: [ GET ] } }\n"),
            "routes[1] ");
  EXPECT_EQ(Dead("  - { path: ~^/, plugin: echo }\n"
                 "  - { path: /*, plugin: echo, match: { methods: [ GET ] } }\n"),
            "routes[1] ");
  EXPECT_EQ(Dead("  - { path: ~^/, plugin: echo }\n" + some), "");
}

TEST(DeadRoutesTest, AnExpressionThatIsAPathOfItsOwn) {
  const std::string exact = "  - { path: /a.b, plugin: echo }\n";
  EXPECT_EQ(Dead(exact + "  - { path: '~^/a\\.b$', plugin: echo }\n"), "routes[1] ");
  EXPECT_EQ(Dead("  - { path: '~^/a\\.b$', plugin: echo }\n" + exact), "routes[0] ");
  for (const std::string other : {"^/a.b$", "^/a\\.b", "/a\\.b$", "^/a\\.b\\$", "^/a\\.b|c$",
                                  "^/a\\.b?$", "^/A\\.b$", "(?i)^/a\\.b$", "^/a\\.b.*"})
    EXPECT_EQ(Dead(exact + "  - { path: '~" + other + "', plugin: echo }\n"), "") << other;
}

TEST(DeadRoutesTest, AnExpressionBehindOneThatTakesAllOfIt) {
  const std::string digits = "  - { path: '~^/v[0-9]+$', plugin: echo }\n";
  for (const std::string all : {"^/v", "^/v.*"}) {
    const std::string first = "  - { path: '~" + all + "', plugin: echo }\n";
    EXPECT_EQ(Dead(first + digits), "routes[1] ") << all;
    EXPECT_EQ(Dead(digits + first), "") << all;
    EXPECT_EQ(Dead(first + "  - { path: '~v[0-9]$', plugin: echo }\n"), "") << all;
  }
  // These begin with less text than the other, which is tried before them.
  for (const std::string all : {"^/", ".*", "/", "^"}) {
    const std::string first = "  - { path: '~" + all + "', plugin: echo }\n";
    EXPECT_EQ(Dead(first + digits), "") << all;
    EXPECT_EQ(Dead(first + "  - { path: '~v[0-9]$', plugin: echo }\n"), "routes[1] ") << all;
  }
  for (const std::string some : {"^/v$", "^/v.*$", "v", "^/v1", "^/v.", "^/v\\.*", "^/[v]"}) {
    EXPECT_EQ(Dead("  - { path: '~" + some + "', plugin: echo }\n" + digits), "") << some;
  }
}

TEST(DeadRoutesTest, AnExpressionThatNoPathBeginsAs) {
  EXPECT_EQ(Dead("  - { path: '~^v[0-9]+/', plugin: echo }\n"
                 "  - { path: '~^v', plugin: echo }\n"
                 "  - { path: '~v', plugin: echo }\n"
                 "  - { path: '~^[/v]', plugin: echo }\n"),
            "routes[0] routes[1] ");
}

// Compared with the router, which does not know about dead routes.
TEST(DeadRoutesTest, NoRequestComesToWhatIsWarnedOf) {
  const std::vector<std::string> kPaths{
      "/*", "/a/*",    "/a",   "/a/b", "/b",     "~^/a",   "~^/a$",   "~^/a/", "~^/",  "~a",
      "~/", "~^/a/b$", "~^/b", "~.*",  "~^/a.*", "~^/ab?", "~^/a.b$", "~^a",   "~^/b/"};
  const std::vector<std::string> kHosts{"", "a.t", "\"*.t\"", "a.t, \"*.t\"", "\"*.a.t\", a.t"};
  const std::vector<std::string> kMatches{"", "", "methods: [ GET ]", "query: { q: present }",
                                          "methods: [ PUT ], query: { q: '1' }"};
  const std::vector<std::string> kAsked{"/",    "/a",   "/a/",  "/b",    "/a/b", "/ab",
                                        "/a\n", "/a.b", "/b/a", "/a/b/", "/aa"};
  std::mt19937 random(5);
  const auto any = [&](const std::vector<std::string>& of) { return of[random() % of.size()]; };
  std::size_t dead = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string yaml = "listeners: [ { address: \"127.0.0.1:0\" } ]\nroutes:\n";
    for (int i = 0; i < 4; ++i) {
      const std::string hosts = any(kHosts);
      const std::string match = any(kMatches);
      yaml += "  - { path: '" + any(kPaths) + "', plugin: echo" +
              (hosts.empty() ? "" : ", hosts: [ " + hosts + " ]") +
              (match.empty() ? "" : ", match: { " + match + " }") + " }\n";
    }
    const config::Draft draft = config::ParseDraft(yaml, "upgate.yaml", {});
    if (!draft.errors.empty()) continue;  // two of one path and host
    std::set<std::size_t> reached;
    const Router router(draft.config->routes);
    http::Request request;
    SeenAs seen;
    const Facts facts{
        .request = request, .seen = seen, .listener = draft.config->listeners.front()};
    for (const std::string method : {"GET", "PUT", "POST"}) {
      request.method = method;
      for (const std::string query : {"", "q=1", "q=2"}) {
        request.target.query = query;
        for (const std::string host : {"a.t", "b.t", "x.a.t", "y.u"}) {
          for (const std::string& path : kAsked) {
            if (const config::Route* route = router.Find(host, path, facts))
              reached.insert(route->index);
          }
        }
      }
    }
    for (const auto& route : draft.config->routes) {
      if (!Dead(*draft.config).contains("routes[" + std::to_string(route.index) + "]")) continue;
      ++dead;
      EXPECT_FALSE(reached.contains(route.index)) << route.index << '\n' << yaml;
    }
  }
  EXPECT_GT(dead, 200U);
}

TEST(UnusedBackendsTest, AreNamedWhereTheyStand) {
  const auto warnings =
      UnusedBackends(Read("backends:\n"
                          "  used: { servers: [ tcp://127.0.0.1:1 ] }\n"
                          "  idle: { servers: [ tcp://127.0.0.1:2 ] }\n"
                          "routes: [ { path: /a, backend: used } ]\n"));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].key, "backends.idle");
  EXPECT_EQ(warnings[0].mark.line, 4);
}

}  // namespace
}  // namespace upgate::route
