#include "gateway/route/auth_warnings.h"

#include <sys/stat.h>

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "tests/support/temp_folder.h"

namespace upgate::route::auth_warnings_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kJwt = "jwt: { keys: k.json, audience: a }";

// Warnings about a file with these authenticators and routes, one a line.
std::string Warnings(const std::string& auth, const std::string& routes,
                     const std::string& listener = "address: \"127.0.0.1:80\"",
                     const std::string& file = "/nowhere/u.yaml") {
  const std::string text =
      "listeners: [ { " + listener + " } ]\nauth:\n" + auth +
      "backends: { tcp: { servers: [ \"tcp://127.0.0.1:1\" ] }, ws: { servers: "
      "[ \"ws://127.0.0.1:2\" ] } }\nroutes:\n" +
      routes;
  const auto config = config::Parse(text, file, [](const char*) -> const char* { return nullptr; });
  if (!config) return "invalid: " + config::ToString("u", config.error().front());
  std::string all;
  for (const auto& warning : AuthWarnings(**config)) all += config::ToString("u", warning) + "\n";
  return all;
}
std::string One(std::string_view name, std::string_view authenticator) {
  return "  " + std::string(name) + ": { " + std::string(authenticator) + " }\n";
}
std::string Route(std::string_view more) {
  return "  - { path: /r, plugin: echo, " + std::string(more) + " }\n";
}

TEST(AuthWarningsTest, NothingAboutWhatIsInOrder) {
  EXPECT_EQ(Warnings(One("staff", kJwt), Route("auth: staff")), "");
  EXPECT_EQ(
      Warnings(One("staff", kJwt) + One("ci", "token: { file: f, from: [ \"query:t\" ] }") +
                   One("sso", "forward: { url: \"http://127.0.0.1:1/\" }"),
               "  - { path: /r, backend: ws, auth: [ staff, ci, sso ], request_headers: { set: "
               "{ A: \"{claim.x}\", B: \"{user}\" } } }\n"),
      "");
}

TEST(AuthWarningsTest, AnAuthenticatorWithoutARoute) {
  EXPECT_EQ(Warnings(One("staff", kJwt), Route("limits: {}")),
            "u:3:12: auth.staff.jwt: no route uses it; name it in auth of a route, or remove it\n");
}

TEST(AuthWarningsTest, TokensForAnybodyAndKeysWithoutTls) {
  EXPECT_THAT(Warnings(One("a", "jwt: { keys: k.json }"), Route("auth: a")),
              HasSubstr("u:3:8: auth.a.jwt: every token that its keys have signed is good"));
  const auto with_keys = [](std::string_view url) {
    return Warnings(One("a", "jwt: { audience: a, keys: \"" + std::string(url) + "\" }"),
                    Route("auth: a"));
  };
  EXPECT_THAT(with_keys("http://id.example/jwks"),
              HasSubstr("auth.a.jwt.keys: the keys are fetched"));
  EXPECT_THAT(with_keys("http://127.0.0.2.example:80/jwks"), HasSubstr("without TLS"));
  EXPECT_EQ(with_keys("http://127.0.0.1/jwks"), "");
  EXPECT_EQ(with_keys("http://[::1]:8080/jwks"), "");
  EXPECT_EQ(with_keys("http://localhost:8080/jwks"), "");
  EXPECT_EQ(with_keys("https://id.example/jwks"), "");
}

TEST(AuthWarningsTest, PasswordsThatComeInTheClear) {
  const auto on = [](const std::string& listener, const std::string& route = "auth: a") {
    return Warnings(One("a", "basic: { file: f }") + One("b", kJwt), Route(route), listener);
  };
  EXPECT_THAT(on("address: \"0.0.0.0:80\""),
              HasSubstr("auth.a.basic: passwords come to 0.0.0.0:80 without encryption"));
  EXPECT_THAT(on("address: \"0.0.0.0:80\"", "auth: b"), Not(HasSubstr("encryption")));
  EXPECT_EQ(on("address: \"127.0.0.1:80\"").find("encryption"), std::string::npos);
  EXPECT_EQ(on("address: \"unix:/run/u\"").find("encryption"), std::string::npos);
  EXPECT_EQ(on("address: \"0.0.0.0:80\", redirect_https: true").find("encryption"),
            std::string::npos);
  EXPECT_EQ(on("address: \"0.0.0.0:80\", trusted_proxies: [ 10.0.0.0/8 ]").find("encryption"),
            std::string::npos);
}

TEST(AuthWarningsTest, FilesThatEveryUserCanRead) {
  const test::TempFolder folder;
  folder.Write("tokens", "x");
  const auto warnings = [&] {
    return Warnings(One("a", "token: { file: tokens }"), Route("auth: a"),
                    "address: \"127.0.0.1:80\"", folder.At("u.yaml"));
  };
  ASSERT_EQ(::chmod(folder.At("tokens").c_str(), 0644), 0);
  EXPECT_THAT(warnings(),
              HasSubstr("tokens can be read by every user of this machine; chmod o= it"));
  EXPECT_THAT(warnings(), HasSubstr("u:3:23: auth.a.token.file: "));
  ASSERT_EQ(::chmod(folder.At("tokens").c_str(), 0640), 0);
  EXPECT_EQ(warnings(), "");
}

TEST(AuthWarningsTest, AuthenticatorsThatAreNeverAsked) {
  const auto order = [](const std::string& use, std::string_view second) {
    return Warnings(One("a", "jwt: { keys: k, audience: x, from: [ header, \"subprotocol:b\" ] }") +
                        One("b", second) + One("sso", "forward: { url: \"http://127.0.0.1:1/\" }") +
                        One("c", "basic: { file: f }"),
                    Route("subprotocols: [ mqtt ], auth: " + use) +
                        "  - { path: /x, plugin: echo, auth: [ a ] }\n"
                        "  - { path: /y, plugin: echo, auth: [ b ] }\n"
                        "  - { path: /z, plugin: echo, auth: [ c, sso ] }\n");
  };
  const auto never = [](std::string_view name, std::string_view first) {
    return HasSubstr("routes[0].auth: '" + std::string(name) + "' is never asked: '" +
                     std::string(first) + "'");
  };
  EXPECT_THAT(order("[ a, b ]", "token: { file: f }"), never("b", "a"));
  EXPECT_THAT(order("[ a, b ]", "token: { file: f, from: [ \"subprotocol:bearer.\" ] }"),
              never("b", "a"));
  EXPECT_THAT(order("[ a, b ]", "token: { file: f, from: [ header, \"cookie:t\" ] }"),
              Not(HasSubstr("never asked")));
  EXPECT_THAT(order("[ a, b ]", "basic: { file: f }"), Not(HasSubstr("never asked")));
  EXPECT_THAT(order("[ c, b ]", "basic: { file: f }"), never("b", "c"));
  EXPECT_THAT(order("[ sso, c ]", "basic: { file: f }"), never("c", "sso"));
  EXPECT_THAT(order("[ c, sso ]", "basic: { file: f }"), Not(HasSubstr("never asked")));
}

TEST(AuthWarningsTest, ATokenAmongSubprotocolsNeedsARealOneToChoose) {
  const std::string auth = One("a", "token: { file: f, from: [ \"subprotocol:b.\" ] }");
  EXPECT_THAT(Warnings(auth, Route("auth: a")), HasSubstr("routes[0].subprotocols: 'a' takes"));
  EXPECT_THAT(Warnings(auth, "  - { path: /r, backend: tcp, auth: a }\n"),
              HasSubstr("set subprot"));
  EXPECT_EQ(Warnings(auth, "  - { path: /r, backend: ws, auth: a }\n"), "") << "the server chooses";
  EXPECT_EQ(Warnings(auth, Route("auth: a, subprotocols: [ mqtt ]")), "");
}

TEST(AuthWarningsTest, VariablesThatAreAlwaysEmpty) {
  const auto with = [](std::string_view variable, std::string_view auth) {
    return Warnings(One("a", kJwt) + One("b", "basic: { file: f }"),
                    Route("auth: [ a, b ]") + "  - { path: /x, backend: ws" + std::string(auth) +
                        ", request_headers: { set: { X: \"" + std::string(variable) + "\" } } }\n");
  };
  EXPECT_THAT(with("{user}", ""),
              HasSubstr("routes[1].X: {user} is always empty: the route has no"));
  EXPECT_THAT(with("{claim.g}", ""), HasSubstr("{claim.g} is always empty: the route has no auth"));
  EXPECT_THAT(with("{claim.g}", ", auth: b"),
              HasSubstr("{claim.g} is always empty: authenticators"));
  EXPECT_EQ(with("{claim.g}", ", auth: [ a, b ]"), "");
  EXPECT_EQ(with("{user}", ", auth: b"), "");
  EXPECT_EQ(with("{client}", ""), "");
}

TEST(AuthWarningsTest, LimitsAndCodesThatDoNothingGood) {
  EXPECT_THAT(Warnings(One("a", kJwt),
                       Route("auth: a") +
                           "  - { path: /t, backend: tcp, limits: { requests: { rate: 1/s } } }\n"),
              HasSubstr("routes[1].limits.requests: counts no WebSocket handshakes"));
  EXPECT_THAT(Warnings(One("a", kJwt), Route("auth: { use: a, expired_code: 1000 }")),
              HasSubstr("routes[0].auth.expired_code: 1000 tells clients"));
}

}  // namespace
}  // namespace upgate::route::auth_warnings_test
