#include "gateway/route/coverage.h"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::route {
namespace {

std::string Warnings(std::string_view routes) {
  const std::string text =
      "listeners: [ { address: \"127.0.0.1:80\" } ]\nroutes:\n" + std::string(routes);
  const auto config =
      config::Parse(text, "r.yaml", [](const char*) -> const char* { return nullptr; });
  if (!config) return config::ToString("r.yaml", config.error().front());
  std::string all;
  for (const auto& warning : UncoveredPolicies((*config)->routes))
    all += config::ToString("r.yaml", warning) + "\n";
  return all;
}

TEST(UncoveredPoliciesTest, ARouteForAHostGoesBeforeAPath) {
  EXPECT_EQ(
      Warnings("  - { path: /private/*, plugin: echo, require_origin: true }\n"
               "  - { path: /*, hosts: [ a.test ], plugin: echo }\n"),
      "r.yaml:3:5: routes[0]: its require_origin does not apply on a.test, where /private/* is "
      "handled by routes[1] (line 4): the host takes precedence over the path; set the same there, "
      "or add the host here\n");
}

TEST(UncoveredPoliciesTest, OfEveryKindOfHostAndPath) {
  const auto warns = [](std::string_view guarded, std::string_view open) {
    return !Warnings("  - { plugin: echo, limits: { sessions: 5 }, " + std::string(guarded) +
                     " }\n  - { plugin: echo, " + std::string(open) + " }\n")
                .empty();
  };
  EXPECT_TRUE(warns("path: /x", "path: /*, hosts: [ a.test ]"));
  EXPECT_TRUE(warns("path: /x", "path: /x, hosts: [ a.test ]"));
  EXPECT_TRUE(warns("path: /x", "path: ~^/x$, hosts: [ a.test ]"));
  EXPECT_TRUE(warns("path: /x/*", "path: /x/*, hosts: [ '*.a.test' ]"));
  EXPECT_TRUE(warns("path: ~^/x", "path: /*, hosts: [ a.test ]"));
  EXPECT_TRUE(warns("path: /x, hosts: [ '*.test' ]", "path: /*, hosts: [ '*.a.test' ]"));
  EXPECT_TRUE(warns("path: /x, hosts: [ '*.test' ]", "path: /*, hosts: [ b.test, a.test ]"));
  EXPECT_FALSE(warns("path: /x, hosts: [ a.test ]", "path: /*"));
  EXPECT_FALSE(warns("path: /x, hosts: [ a.test ]", "path: /*, hosts: [ a.test ]"));
  EXPECT_FALSE(warns("path: /x, hosts: [ a.test ]", "path: /*, hosts: [ '*.test' ]"));
  EXPECT_FALSE(warns("path: /x, hosts: [ '*.b.test' ]", "path: /*, hosts: [ '*.a.test', a.test ]"));
  EXPECT_FALSE(warns("path: /x", "path: /y, hosts: [ a.test ]"));
  EXPECT_FALSE(warns("path: /x/*", "path: /x/y, hosts: [ a.test ]")) << "a deliberate exception";
  EXPECT_FALSE(warns("path: /x", "path: /*")) << "the path decides";
}

TEST(UncoveredPoliciesTest, ConditionsTakeOnlySomeOfTheRequests) {
  EXPECT_EQ(
      Warnings("  - { path: /private/*, plugin: echo, require_origin: true }\n"
               "  - { path: /*, hosts: [ a.test ], plugin: echo, match: { methods: [ GET ] } }\n"),
      "r.yaml:3:5: routes[0]: its require_origin does not apply on a.test, where /private/* is "
      "handled by routes[1] (line 4), if its match holds: the host takes precedence over the path; "
      "set the same there, or add the host here\n");
  EXPECT_EQ(
      Warnings("  - { path: /x, plugin: echo, require_origin: true }\n"
               "  - { path: /*, hosts: [ a.test ], plugin: echo, require_origin: true, match: "
               "{ methods: [ GET ] } }\n"),
      "");
}

TEST(UncoveredPoliciesTest, NotWhereThePolicyIsKept) {
  EXPECT_EQ(Warnings("  - { path: /x, plugin: echo, require_origin: true }\n"
                     "  - { path: /*, hosts: [ a.test ], plugin: echo, require_origin: true }\n"),
            "");
  EXPECT_EQ(Warnings("  - { path: /x, plugin: echo, require_origin: true }\n"
                     "  - { path: /*, hosts: [ a.test ], plugin: echo }\n"
                     "  - { path: /x, hosts: [ a.test ], plugin: echo, require_origin: true }\n"),
            "")
      << "the host has one, too";
  EXPECT_EQ(
      Warnings("  - { path: /x, plugin: echo, access: { allow: [ 10.0.0.0/8 ] } }\n"
               "  - { path: /*, hosts: [ a.test ], plugin: echo, require_origin: true }\n"),
      "r.yaml:3:5: routes[0]: its access does not apply on a.test, where /x is handled by "
      "routes[1] (line 4): the host takes precedence over the path; set the same there, or add the "
      "host here\n");
  EXPECT_NE(
      Warnings("  - { path: /x, plugin: echo, require_origin: true, limits: { sessions: 9 } }\n"
               "  - { path: /*, hosts: [ a.test ], plugin: echo, require_origin: true }\n")
          .find("its limits do not apply"),
      std::string::npos);
  EXPECT_EQ(Warnings("  - { path: /x, plugin: echo }\n"
                     "  - { path: /*, hosts: [ a.test ], plugin: echo }\n"),
            "");
}

// The authenticators stand at the end, so that the lines of routes are as in all tests.
constexpr std::string_view kStaff = "auth: { staff: { jwt: { keys: jwks.json } } }\n";

TEST(UncoveredPoliciesTest, NamesAuthFirst) {
  const std::string staff(kStaff);
  EXPECT_EQ(Warnings("  - { path: /private/*, plugin: echo, auth: staff }\n"
                     "  - { path: /*, hosts: [ a.test ], plugin: echo }\n" +
                     staff),
            "r.yaml:3:5: routes[0]: its auth does not apply on a.test, where /private/* is handled "
            "by routes[1] (line 4): the host takes precedence over the path; set the same there, "
            "or add the host here\n");
  EXPECT_THAT(Warnings("  - { path: /x, plugin: echo, auth: staff, limits: { sessions: 9 },"
                       " access: { allow: [ 10.0.0.0/8 ] } }\n"
                       "  - { path: /*, hosts: [ a.test ], plugin: echo }\n" +
                       staff),
              testing::HasSubstr("its auth, access and limits do not apply on a.test"));
}

TEST(UncoveredPoliciesTest, ARouteThatAlsoLetsInNobodiesIsNoReplacement) {
  const auto warnings = [](std::string_view auth, std::string_view of_host) {
    return Warnings(
        fmt::format("  - {{ path: /x, plugin: echo, auth: {} }}\n"
                    "  - {{ path: /*, hosts: [ a.test ], plugin: echo, auth: {} }}\n{}",
                    auth, of_host, kStaff));
  };
  constexpr std::string_view kOptional = "{ use: staff, optional: true }";
  EXPECT_THAT(warnings("staff", kOptional), testing::HasSubstr("its auth does not apply"));
  EXPECT_EQ(warnings("staff", "staff"), "");
  EXPECT_EQ(warnings(kOptional, kOptional), "");
  EXPECT_EQ(warnings(kOptional, "staff"), "");
}

}  // namespace
}  // namespace upgate::route
