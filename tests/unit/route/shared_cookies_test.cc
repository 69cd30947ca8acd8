#include "gateway/route/shared_cookies.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::route {
namespace {

// The warnings for two sticky backends, `app` and `site`, with these settings and routes.
std::vector<config::ConfigError> WarningsFor(const std::string& app, const std::string& site,
                                             const std::string& routes) {
  const std::string text =
      "listeners: [ { address: \"127.0.0.1:0\" } ]\nbackends:\n"
      "  app: { servers: [ http://127.0.0.1:1 ], sticky: " +
      app +
      " }\n"
      "  site: { servers: [ http://127.0.0.1:2 ], sticky: " +
      site +
      " }\n"
      "routes:\n" +
      routes;
  const config::Draft draft = config::ParseDraft(text, "upgate.yaml", {});
  EXPECT_TRUE(draft.errors.empty());
  return draft.config ? SharedCookies(*draft.config) : std::vector<config::ConfigError>{};
}

constexpr char kBoth[] =
    "  - { path: /socket.io/*, backend: app }\n"
    "  - { path: /a, backend: app }\n"
    "  - { path: /*, backend: site }\n"
    "  - { path: /b, backend: site }\n";

TEST(SharedCookiesTest, TheSecondBackendIsNamedOnce) {
  const auto warnings = WarningsFor("true", "true", kBoth);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].key, "backends.site.sticky.cookie");
  EXPECT_EQ(warnings[0].mark.line, 4);
  EXPECT_THAT(warnings[0].message,
              testing::HasSubstr("'upgate' is also the cookie of backends.app, and routes[0] and "
                                 "routes[2] have the same host"));
}

TEST(SharedCookiesTest, OtherNamesAndPathsAreOtherCookies) {
  EXPECT_THAT(WarningsFor("true", "{ cookie: site }", kBoth), testing::IsEmpty());
  EXPECT_THAT(WarningsFor("{ path: /socket.io }", "true", kBoth), testing::IsEmpty());
  EXPECT_THAT(WarningsFor("true", "false", kBoth), testing::IsEmpty());
}

TEST(SharedCookiesTest, OtherHostsHaveCookiesOfTheirOwn) {
  constexpr char kSite[] = "  - { path: /*, hosts: [ a.example, b.example ], backend: site }\n";
  const auto with = [&](const std::string& hosts) {
    return WarningsFor("true", "true",
                       kSite + ("  - { path: /app, hosts: " + hosts + ", backend: app }\n"))
        .size();
  };
  EXPECT_EQ(with("[ c.example ]"), 0u);
  EXPECT_EQ(with("[ \"*.example\" ]"), 0u);
  EXPECT_EQ(with("[ c.example, b.example ]"), 1u);
}

TEST(SharedCookiesTest, TheSidesOfASplitHaveClientsOfTheirOwn) {
  EXPECT_THAT(
      WarningsFor("true", "true",
                  "  - path: /*\n"
                  "    split: [ { backend: app, weight: 9 }, { backend: site, weight: 1 } ]\n"),
      testing::IsEmpty());
}

}  // namespace
}  // namespace upgate::route
