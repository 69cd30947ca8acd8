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

TEST(DeadRoutesTest, ARegularExpressionAfterAPrefixThatCoversIt) {
  const std::string any = "  - { path: /*, plugin: echo }\n";
  EXPECT_EQ(Dead(any + "  - { path: \"~^/v[0-9]+$\", plugin: echo }\n"), "routes[1] ");
  EXPECT_EQ(Dead("  - { path: \"~x\", plugin: echo }\n" + any), "routes[0] ");
  const std::string api = "  - { path: /api/*, plugin: echo }\n";
  EXPECT_EQ(Dead(api + "  - { path: \"~^/api/v[0-9]+$\", plugin: echo }\n"), "routes[1] ");
  EXPECT_EQ(Dead(api + "  - { path: \"~^/apis/v[0-9]+$\", plugin: echo }\n"), "");
  EXPECT_EQ(Dead(api + "  - { path: \"~^/(api|web)/v[0-9]+$\", plugin: echo }\n"), "");
  EXPECT_EQ(Dead(api + "  - { path: \"~/api/v[0-9]+$\", plugin: echo }\n"), "");
}

TEST(DeadRoutesTest, OnlyWhereThePrefixHasAllHosts) {
  const std::string any = "  - { path: /*, plugin: echo, hosts: [ a.example, \"*.b.example\" ] }\n";
  EXPECT_EQ(Dead(any + "  - { path: ~x, plugin: echo, hosts: [ a.example ] }\n"), "routes[1] ");
  EXPECT_EQ(Dead(any + "  - { path: ~x, plugin: echo, hosts: [ \"*.b.example\" ] }\n"),
            "routes[1] ");
  EXPECT_EQ(Dead(any + "  - { path: ~x, plugin: echo, hosts: [ a.example, c.example ] }\n"), "");
  EXPECT_EQ(Dead(any + "  - { path: ~x, plugin: echo }\n"), "");
}

TEST(DeadRoutesTest, OnEachHostByWhateverTakesAllThere) {
  const std::string any =
      "  - { path: /*, plugin: echo, hosts: [ a.example ] }\n"
      "  - { path: /x, plugin: echo, hosts: [ \"*.b.example\" ] }\n";
  EXPECT_EQ(
      Dead(any + "  - { path: ~^/x$, plugin: echo, hosts: [ a.example, \"*.b.example\" ] }\n"),
      "routes[2] ");
  EXPECT_EQ(Dead(any + "  - { path: ~^/x, plugin: echo, hosts: [ a.example, \"*.b.example\" ] }\n"),
            "");
}

TEST(DeadRoutesTest, NoPatternTakesAllHostsOfALessSpecificOne) {
  for (const std::string hosts :
       {"hosts: [ a.b.example, \"*.a.b.example\" ]", "hosts: [ \"*.b.example\", b.example ]"}) {
    const std::string all = "  - { path: /*, plugin: echo, " + hosts + " }\n";
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ \"*.example\" ] }\n"), "");
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo }\n"), "");
    EXPECT_EQ(Dead(all + "  - { path: ~x, plugin: echo, hosts: [ z.a.b.example ] }\n"), "");
  }
  EXPECT_EQ(Dead("  - { path: /*, plugin: echo }\n"
                 "  - { path: ~x, plugin: echo, hosts: [ \"*.example\" ] }\n"),
            "");
}

TEST(DeadRoutesTest, AnExpressionThatIsAPathOfItsOwn) {
  const std::string exact = "  - { path: /a.b, plugin: echo }\n";
  EXPECT_EQ(Dead(exact + "  - { path: '~^/a\\.b$', plugin: echo }\n"), "routes[1] ");
  EXPECT_EQ(Dead("  - { path: '~^/a\\.b$', plugin: echo }\n" + exact), "routes[0] ");
  for (const std::string other : {"^/a.b$", "^/a\\.b", "/a\\.b$", "^/a\\.b\\$", "^/a\\.b|c$",
                                  "^/a\\.b?$", "^/A\\.b$", "(?i)^/a\\.b$", "^/a\\.b.*"})
    EXPECT_EQ(Dead(exact + "  - { path: '~" + other + "', plugin: echo }\n"), "") << other;
  EXPECT_EQ(Dead("  - { path: /api/*, plugin: echo }\n"
                 "  - { path: ~^/api$, plugin: echo }\n"
                 "  - { path: ~^/api-, plugin: echo }\n"
                 "  - { path: ~^/api, plugin: echo }\n"),
            "routes[1] ");
}

TEST(DeadRoutesTest, AnExpressionBehindOneThatTakesAllOfIt) {
  for (const std::string all : {"^/v", "^/v.*", "^/", ".*", "/", "^"}) {
    const std::string first = "  - { path: '~" + all + "', plugin: echo }\n";
    const std::string second = "  - { path: '~^/v[0-9]+$', plugin: echo }\n";
    EXPECT_EQ(Dead(first + second), "routes[1] ") << all;
    EXPECT_EQ(Dead(second + first), "") << all;
    EXPECT_EQ(Dead(first + "  - { path: '~v[0-9]$', plugin: echo }\n"),
              all.contains('v') ? "" : "routes[1] ")
        << all;
  }
  for (const std::string some : {"^/v$", "^/v.*$", "v", "^/v1", "^/v.", "^/v\\.*", "^/[v]"}) {
    EXPECT_EQ(Dead("  - { path: '~" + some + "', plugin: echo }\n" +
                   "  - { path: '~^/v[0-9]+$', plugin: echo }\n"),
              "")
        << some;
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
  const std::vector<std::string> kAsked{"/",    "/a",   "/a/",  "/b",    "/a/b", "/ab",
                                        "/a\n", "/a.b", "/b/a", "/a/b/", "/aa"};
  std::mt19937 random(5);
  const auto any = [&](const std::vector<std::string>& of) { return of[random() % of.size()]; };
  std::size_t dead = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string yaml = "listeners: [ { address: \"127.0.0.1:0\" } ]\nroutes:\n";
    for (int i = 0; i < 4; ++i) {
      const std::string hosts = any(kHosts);
      yaml += "  - { path: '" + any(kPaths) + "', plugin: echo" +
              (hosts.empty() ? "" : ", hosts: [ " + hosts + " ]") + " }\n";
    }
    const config::Draft draft = config::ParseDraft(yaml, "upgate.yaml", {});
    if (!draft.errors.empty()) continue;  // two of one path and host
    std::set<std::size_t> reached;
    const Router router(draft.config->routes);
    for (const std::string host : {"a.t", "b.t", "x.a.t", "y.u"}) {
      for (const std::string& path : kAsked) {
        if (const config::Route* route = router.Find(host, path)) reached.insert(route->index);
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
