#include <string>

#include <gtest/gtest.h>

#include "gateway/config/target_syntax.h"
#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

// Errors of a route to a resolver with these options.
std::string ErrorsOfOptions(std::string_view options) {
  return ErrorsOfRoute("    path: /\n    resolver: r\n    options: " + std::string(options));
}

Resolver ParsedResolver(std::string_view options, std::string_view name = "r") {
  const auto config = Parsed("listeners: [ { address: a:1 } ]\nroutes: [ { path: /, resolver: " +
                             std::string(name) + ", options: " + std::string(options) + " } ]");
  return *config->routes.at(0).resolver;
}

TEST(ResolversTest, AllowIsRequired) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    resolver: r"),
            "3:5: routes[0].options.allow: missing; list the targets that an answer may lead to, "
            "such as allow: [ \"10.0.0.0/8:5900-5999\" ]\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ ] }"),
            "5:23: routes[0].options.allow: is an empty list; needs at least one target\n");
}

TEST(ResolversTest, Defaults) {
  const Resolver resolver = ParsedResolver("{ allow: [ \"a.example:1\" ] }");
  EXPECT_EQ(resolver.name, "r");
  ASSERT_EQ(resolver.from.size(), 1u);
  EXPECT_EQ(WrittenPlace(resolver.from[0]), "query:token");
  EXPECT_EQ(resolver.timeout, Millis{3000});
  EXPECT_EQ(resolver.cache, Millis{0});
  EXPECT_FALSE(resolver.strip_query);
  EXPECT_EQ(resolver.scheme, ServerScheme::kTcp);
  EXPECT_EQ(resolver.backend.relay, Relay::kBytes);
  EXPECT_EQ(WrittenPlace(ParsedResolver("{ allow: [ \"a:1\" ] }", "host_token").from.at(0)),
            "host");
}

TEST(ResolversTest, PlacesOfTheToken) {
  const Resolver resolver = ParsedResolver(
      "{ allow: [ \"a:1\" ], from: [ path, host, \"query:t\", \"header:X-T\", \"cookie:c\" ] }");
  std::string written;
  for (const TokenPlace& place : resolver.from) written += WrittenPlace(place) + " ";
  EXPECT_EQ(written, "path host query:t header:X-T cookie:c ");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], from: [ \"query:\", body ] }"),
            "5:42: routes[0].options.from[0]: 'query:' has no name after its ':'\n"
            "5:52: routes[0].options.from[1]: 'body' is not a place of the token: query:NAME, "
            "path, host, header:NAME or cookie:NAME\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], from: [ ] }"),
            "5:40: routes[0].options.from: is an empty list; leave it out for query:token\n");
}

TEST(ResolversTest, Targets) {
  const auto read = [](std::string_view text) { return Syntax<TargetPattern>::Read(text); };
  const auto host = read("VM1.example.com.:5900");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->kind, TargetPattern::Kind::kHost);
  EXPECT_EQ(host->text, "vm1.example.com");
  EXPECT_EQ(host->first_port, 5900);
  EXPECT_EQ(host->last_port, 5900);
  EXPECT_EQ(read("*.vms.example:1-65535")->kind, TargetPattern::Kind::kSubdomains);
  EXPECT_EQ(read("*.vms.example:1-65535")->text, "vms.example");
  EXPECT_EQ(read("10.0.0.0/8:5900-5999")->kind, TargetPattern::Kind::kBlock);
  EXPECT_EQ(read("10.0.0.0/8:5900-5999")->last_port, 5999);
  EXPECT_EQ(read("10.0.0.1:1")->block.bits, 128);
  EXPECT_EQ(read("[fd00::/8]:1")->block.bits, 8);
  EXPECT_EQ(read("[::1]:1")->kind, TargetPattern::Kind::kBlock);
  EXPECT_EQ(read("unix:/run/vms/*")->kind, TargetPattern::Kind::kUnixFolder);
  EXPECT_EQ(read("unix:/run/vms/*")->text, "/run/vms");
  EXPECT_EQ(read("unix:/run/vm.sock")->kind, TargetPattern::Kind::kUnixSocket);
  for (const char* wrong : {"",
                            "a",
                            "a:",
                            "a:0",
                            "a:65536",
                            "a:2-1",
                            "a:1-",
                            ":1",
                            "*:1",
                            "*.:1",
                            "a*.b:1",
                            "1.2.3.4/33:1",
                            "10.0.0.0/8",
                            "unix:",
                            "unix:run",
                            "unix:/run/../x/*",
                            "unix:/run//*",
                            "unix:/r*/x",
                            "tcp://a:1",
                            "127.1:1",
                            "a b:1"})
    EXPECT_FALSE(read(wrong)) << wrong;
}

TEST(ResolversTest, MistakesAreNamed) {
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"tcp://a:1\", vm1, \"a:9-1\" ] }"),
            "5:25: routes[0].options.allow[0]: 'tcp://a:1' is a URL; write a:1\n"
            "5:38: routes[0].options.allow[1]: 'vm1' has no port; add one, as in host:5900\n"
            "5:43: routes[0].options.allow[2]: 'a:9-1' has a range of ports that ends before it "
            "begins\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], timeout: 0s }"),
            "5:43: routes[0].options.timeout: '0s' is out of range; use 1ms to 1m\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], cache: 2h }"),
            "5:41: routes[0].options.cache: '2h' is out of range; use 0 to 1h\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], strip_query: true }"),
            "5:47: routes[0].options.strip_query: has no effect: servers of bytes get no query; "
            "remove it\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], target: { shceme: ws } }"),
            "5:44: routes[0].options.target.shceme: unknown key; did you mean 'scheme'?\n");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], target: { pool_size: 3 } }"),
            "5:55: routes[0].options.target.pool_size: has no effect: the servers of this backend "
            "do not speak HTTP\n");
}

TEST(ResolversTest, ATargetIsOneOfFour) {
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n    plugin: echo\n    resolver: r\n    options: { allow: [ "
                    "\"a:1\" ] }"),
      "5:15: routes[0].resolver: a route has one of backend, split, plugin and resolver; remove "
      "the others\n");
}

TEST(ResolversTest, TheKindOfServersDecidesAboutThePolicies) {
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ] }\n    encoding: base64"), "");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ], target: { scheme: ws } }\n    enforce: true"),
            "");
  EXPECT_EQ(ErrorsOfOptions("{ allow: [ \"a:1\" ] }\n    enforce: true"),
            "6:14: routes[0].enforce: has no effect: the gateway is always the WebSocket endpoint "
            "of this route\n");
}

TEST(ResolversTest, AnswersAreUrlsOrHostAndPort) {
  const auto read = [](std::string_view text) { return ReadTarget(text, ServerScheme::kWs); };
  EXPECT_EQ(read("a:1")->scheme, ServerScheme::kWs);
  EXPECT_EQ(std::get<HostPort>(read("a:1")->address), (HostPort{"a", 1}));
  EXPECT_EQ(read("tcp://a:1")->scheme, ServerScheme::kTcp);
  EXPECT_EQ(std::get<UnixPath>(read("unix:/a/b")->address).path, "/a/b");
  EXPECT_EQ(std::get<HostPort>(read("[::1]:1")->address).host, "::1");
  for (const char* wrong :
       {"", "a", "a:", "a:0", "a:1/x", "u@a:1", "tcp://u:p@a:1", "unix:/a/../b", "unix:/a//b",
        "unix:a", "file:///a", "a\n:1", "127.1:1", "0x7f.1:1", "2130706433:1", "a:1:2", "::1:1"})
    EXPECT_FALSE(read(wrong)) << wrong;
  EXPECT_FALSE(read(std::string(2000, 'a') + ":1"));
}

}  // namespace
}  // namespace upgate::config
