#include "gateway/route/dead_routes.h"

#include <string>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::route {
namespace {

config::Config Read(const std::string& text) {
  config::Draft draft =
      config::ParseDraft("listeners: [ { address: \"127.0.0.1:0\" } ]\n" + text, "upgate.yaml", {});
  EXPECT_TRUE(draft.errors.empty());
  return draft.config ? *draft.config : config::Config{};
}

// The indexes of the routes that are warned about.
std::string Dead(const std::string& routes) {
  std::string keys;
  for (const auto& warning : DeadRoutes(Read("routes:\n" + routes).routes))
    keys += warning.key + " ";
  return keys;
}

TEST(DeadRoutesTest, ARegularExpressionBehindAPrefixThatTakesAllOfIt) {
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
