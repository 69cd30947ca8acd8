#include "gateway/app/relay_config.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"

namespace upgate::app {
namespace {

const char* NoEnvironment(const char*) {
  return nullptr;
}

std::shared_ptr<const config::Config> Parsed(const RelayArguments& arguments) {
  auto config = config::Parse(RelayConfig(arguments), "", NoEnvironment);
  return config ? *config : nullptr;
}

TEST(RelayConfigTest, APortAndATcpServerWillDo) {
  const auto config = Parsed({.listen = ":6080", .to = "vnc.example:5900"});
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->listeners.at(0).address.ToString(), "[::]:6080");
  EXPECT_EQ(config->backends.at("server").servers.at(0).url, "tcp://vnc.example:5900");
  EXPECT_EQ(config->routes.at(0).path.written, "/*");
}

TEST(RelayConfigTest, PagesMoveTheWebSocket) {
  const auto config =
      Parsed({.listen = "127.0.0.1:1", .to = "unix:/run/x", .web = "/usr/share/novnc"});
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->routes.at(0).path.written, "/websockify");
  EXPECT_EQ(config->routes.at(1).plugin.value_or(""), "files");
}

TEST(RelayConfigTest, CertificatesAndOrigins) {
  const auto config = Parsed({.listen = "127.0.0.1:1",
                              .to = "ws://a:2",
                              .cert = "/c.pem",
                              .key = "/k.pem",
                              .allow_origins = {"https://a.example", "https://b.example"}});
  ASSERT_NE(config, nullptr);
  ASSERT_TRUE(config->listeners.at(0).tls);
  EXPECT_EQ(config->listeners.at(0).tls->certificates.at(0).key.path, "/k.pem");
  EXPECT_EQ(config->routes.at(0).cors->allow_origins.size(), 2u);
}

TEST(RelayConfigTest, ATokenFileHasItsTokensInTheQueryOrThePath) {
  const auto config = Parsed({.listen = "127.0.0.1:1", .token_file = "/etc/tokens"});
  ASSERT_NE(config, nullptr);
  const config::Route& route = config->routes.at(0);
  EXPECT_EQ(route.path.written, "/*");
  ASSERT_TRUE(route.resolver);
  EXPECT_EQ(route.resolver->name, "token_file");
  ASSERT_EQ(route.resolver->from.size(), 2u);
  EXPECT_EQ(route.resolver->from[0].kind, config::TokenPlace::Kind::kQuery);
  EXPECT_EQ(route.resolver->from[1].kind, config::TokenPlace::Kind::kPath);
  EXPECT_EQ(route.resolver->allow.size(), 2u) << "every address of both families";
  const auto pages = Parsed({.listen = "127.0.0.1:1",
                             .token_file = "/etc/tokens",
                             .allow = {"10.0.0.0/8:5900", "unix:/run/vms/*"},
                             .web = "/usr/share/novnc"});
  ASSERT_NE(pages, nullptr);
  EXPECT_EQ(pages->routes.at(0).path.written, "/websockify/*");
  EXPECT_EQ(pages->routes.at(0).resolver->allow.at(1).written, "unix:/run/vms/*");
}

// Nothing in an argument is more than a value.
TEST(RelayConfigTest, ArgumentsAreNotInterpreted) {
  const std::string odd = "/a\"b: [ ${HOME} #\\ c";
  const auto config = Parsed({.listen = "127.0.0.1:1", .to = "a:2", .cert = odd, .key = "/k"});
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->listeners.at(0).tls->certificates.at(0).cert.path, odd);
}

TEST(RelayConfigTest, ErrorsHaveTheArgumentTheyComeFrom) {
  const auto argument_of = [](const RelayArguments& arguments) -> std::string {
    const auto config = config::Parse(RelayConfig(arguments), "", NoEnvironment);
    return config ? "" : ArgumentOf(config.error().front().key);
  };
  EXPECT_EQ(argument_of({.listen = "nowhere", .to = "a:1"}), "--listen");
  EXPECT_EQ(argument_of({.listen = ":1", .to = "ftp://a"}), "--to");
  EXPECT_EQ(argument_of({.listen = ":1", .to = "a:1", .allow_origins = {"a b"}}), "--allow-origin");
  EXPECT_EQ(argument_of({.listen = ":1", .token_file = "/a", .allow = {"nowhere"}}), "--allow");
}

}  // namespace
}  // namespace upgate::app
