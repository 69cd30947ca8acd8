#include "gateway/route/rebinding.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::route {
namespace {

constexpr std::string_view kNear = "{ address: \"127.0.0.1:8080\" }";

// The warnings, each with its key.
std::string Warnings(std::string_view listeners, const std::string& routes) {
  const config::Draft draft =
      config::ParseDraft("listeners: [ " + std::string(listeners) + " ]\n" +
                             "backends:\n"
                             "  bytes: { servers: [ \"tcp://127.0.0.1:1\" ] }\n"
                             "  frames: { servers: [ \"ws://127.0.0.1:1\" ] }\n"
                             "  site: { servers: [ \"http://127.0.0.1:1\" ] }\n"
                             "routes: [ " +
                             routes + " ]\n",
                         "upgate.yaml", {});
  EXPECT_TRUE(draft.errors.empty()) << draft.errors.front().message;
  if (!draft.errors.empty()) return "";
  std::string told;
  for (const auto& warning : RebindableRoutes(*draft.config))
    told += warning.key + ": " + warning.message + "\n";
  return told;
}

bool Warns(std::string_view listener, const std::string& route = "{ path: /a, backend: bytes }") {
  return !Warnings(listener, route).empty();
}

TEST(RebindableRoutesTest, SaysWhatToWriteOnceForAFile) {
  EXPECT_EQ(Warnings(kNear, "{ path: /e, plugin: echo }, { path: /a, backend: bytes }"),
            "routes[1]: any web page can use it whose host name is made to lead to "
            "127.0.0.1:8080 (DNS rebinding): without hosts every name is the gateway's own; write "
            "for example hosts: [ localhost, 127.0.0.1 ]\n");
  EXPECT_THAT(Warnings(kNear, "{ path: /a, backend: bytes }, { path: /b, backend: frames }"),
              testing::EndsWith("; the same goes for another route\n"));
  EXPECT_THAT(Warnings(kNear,
                       "{ path: /a, backend: bytes }, { path: /b, backend: frames }, "
                       "{ path: /c, backend: bytes }"),
              testing::EndsWith("; the same goes for 2 more routes\n"));
}

TEST(RebindableRoutesTest, OnlyOfRoutesThatRelyOnTheGatewaysOwnOrigin) {
  EXPECT_TRUE(Warns(kNear, "{ path: /a, backend: bytes }"));
  EXPECT_TRUE(Warns(kNear, "{ path: /a, backend: frames, require_origin: true }"));
  EXPECT_TRUE(Warns(
      kNear, "{ path: /a, backend: bytes, cors: { allow_origins: [ \"https://a.test\" ] } }"));
  EXPECT_FALSE(Warns(kNear, "{ path: /a, backend: bytes, hosts: [ localhost ] }"));
  EXPECT_FALSE(Warns(kNear, "{ path: /a, backend: bytes, cors: { allow_origins: [ \"*\" ] } }"));
  EXPECT_FALSE(Warns(kNear, "{ path: /a, backend: site }"));
  EXPECT_FALSE(Warns(kNear, "{ path: /a, plugin: echo }"));
}

TEST(RebindableRoutesTest, OnlyOfListenersThatThePageItselfCannotReach) {
  for (const std::string near :
       {"127.0.0.1", "127.1.2.3", "localhost", "[::1]", "10.0.0.1", "172.31.0.1", "192.168.1.1",
        "169.254.0.1", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.1]"})
    EXPECT_TRUE(Warns("{ address: \"" + near + ":80\" }")) << near;
  for (const std::string other :
       {"0.0.0.0", "[::]", "192.0.2.1", "172.32.0.1", "[2001:db8::1]", "gateway.test"})
    EXPECT_FALSE(Warns("{ address: \"" + other + ":80\" }")) << other;
  EXPECT_FALSE(Warns("{ address: \"unix:/run/a\" }"));
  EXPECT_FALSE(Warns("{ address: \"127.0.0.1:80\", trusted_proxies: [ 127.0.0.1 ] }"));
  EXPECT_FALSE(Warns(
      "{ address: \"127.0.0.1:80\", tls: { certificates: [ { cert: a.crt, key: a.key } ] } }"));
  EXPECT_TRUE(Warns("{ address: \"0.0.0.0:80\" }, { address: \"127.0.0.1:81\" }"));
}

}  // namespace
}  // namespace upgate::route
