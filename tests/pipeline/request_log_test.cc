// Access lines: what the log says of ordinary HTTP requests.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::request_log_test {
namespace {

using namespace std::chrono_literals;

std::string Config(std::string_view requests) {
  return "log: { requests: " + std::string(requests) + R"( }
listeners: [ { address: "127.0.0.1:80", trusted_proxies: [ 10.0.0.0/8 ] } ]
backends: { site: { servers: [ "http://127.0.0.1:7000" ] } }
routes:
  - { path: /site/*, backend: site, name: the site }
  - { path: /stats, plugin: stats }
  - { path: /echo, plugin: echo }
)";
}

constexpr std::string_view kGet = "GET /site/a?token=secret HTTP/1.1\r\nHost: Shop.example\r\n\r\n";

struct Site {
  Site(TestGateway& gw, std::string response) : server(gw.network(), Address("127.0.0.1:7000")) {
    server.OnConnection([this, response = std::move(response)](TestPeer& peer) {
      peer.OnReceive([this, response](TestPeer& self, std::string_view) {
        if (!hold) self.Send(response);
      });
    });
  }
  bool hold = false;
  TestServer server;
};

TEST(RequestLogTest, AllHasALineForEveryRequest) {
  TestGateway gw(Config("all"));
  Site site(gw, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  GatewayClient client = gw.Connect(0, Address("10.1.2.3:4242"));
  client.Send(
      "GET /site/a?token=secret HTTP/1.1\r\nHost: Shop.example\r\nX-Forwarded-For: "
      "192.0.2.7\r\n\r\n");
  EXPECT_EQ(client.Head().status, 200);
  const auto lines = gw.log().Find("request");
  ASSERT_EQ(lines.size(), 1u);
  const auto& fields = lines[0].fields;
  EXPECT_EQ(lines[0].level, LogLevel::kInfo);
  EXPECT_EQ(fields.at("client"), "192.0.2.7");
  EXPECT_EQ(fields.at("method"), "GET");
  EXPECT_EQ(fields.at("host"), "shop.example");
  EXPECT_EQ(fields.at("path"), "/site/a");
  EXPECT_EQ(fields.at("route"), "the site");
  EXPECT_EQ(fields.at("server"), "http://127.0.0.1:7000");
  EXPECT_EQ(fields.at("status"), "200");
  EXPECT_EQ(fields.at("bytes"), "5");
  EXPECT_EQ(fields.at("complete"), "true");
  EXPECT_FALSE(gw.log().Mentions("secret"));
}

TEST(RequestLogTest, AServiceStandsWhereAServerWould) {
  TestGateway gw(Config("all"));
  GatewayClient client = gw.Connect();
  client.Send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
  const ResponseHead head = client.Head();
  ASSERT_EQ(head.status, 200);
  EXPECT_EQ(gw.log().Last("request", "server"), "plugin:stats");
  EXPECT_EQ(gw.log().Last("request", "bytes"), head.Get("content-length"));
}

TEST(RequestLogTest, TheTimeIsToTheEndOfTheResponse) {
  TestGateway gw(Config("all"));
  Site site(gw, "HTTP/1.1 200 OK\r\n\r\nhel");
  GatewayClient client = gw.Connect();
  client.Send(kGet);
  gw.loop().Advance(250ms);
  EXPECT_EQ(gw.log().Count("request"), 0u);
  site.server[0].Send("lo");
  gw.loop().Advance(500ms);
  site.server[0].Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.log().Last("request", "ms"), "750");
  EXPECT_EQ(gw.log().Last("request", "bytes"), "5");
}

TEST(RequestLogTest, AClientThatLeavesIsALineOfAllThatIsNotComplete) {
  TestGateway gw(Config("all"));
  Site site(gw, "");
  site.hold = true;
  {
    GatewayClient client = gw.Connect();
    client.Send(kGet);
    client.peer().Reset();
    gw.loop().RunUntilIdle();
  }
  EXPECT_EQ(gw.log().Last("request", "status"), "0");
  EXPECT_EQ(gw.log().Last("request", "complete"), "false");
}

TEST(RequestLogTest, ErrorsAreLoggedByDefaultAndAFloodOfThemIsCutShort) {
  TestGateway gw(Config("errors"));
  Site site(gw, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  GatewayClient client = gw.Connect();
  client.Send(kGet);
  EXPECT_EQ(gw.log().Count("request"), 0u);
  for (std::uint32_t i = 0; i < upgrade::SharedCounts::kLinesOfClients + 3; ++i)
    client.Send("GET /nowhere?token=secret HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(gw.log().Count("request"), upgrade::SharedCounts::kLinesOfClients);
  EXPECT_EQ(gw.log().Last("request", "status"), "404");
  EXPECT_EQ(gw.log().Last("request", "route"), "");
  gw.loop().Advance(10s);
  client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(gw.log().Last("request", "left_out"), "3");
  EXPECT_FALSE(gw.log().Mentions("secret"));
}

TEST(RequestLogTest, WhatCannotBeReadSaysWhy) {
  TestGateway gw(Config("errors"));
  GatewayClient client = gw.Connect(0, Address("192.0.2.9:99"));
  client.Send("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
  EXPECT_EQ(gw.log().Last("request", "client"), "192.0.2.9:99");
  EXPECT_EQ(gw.log().Last("request", "status"), "400");
  EXPECT_NE(gw.log().Last("request", "why"), "");
}

TEST(RequestLogTest, HandshakesHaveLinesOfTheirOwn) {
  TestGateway gw(Config("all"));
  GatewayClient client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/echo").status, 101);
  GatewayClient refused = gw.Connect();
  EXPECT_EQ(refused.Upgrade("/nowhere").status, 404);
  EXPECT_EQ(gw.log().Count("session open"), 1u);
  EXPECT_EQ(gw.log().Count("handshake refused"), 1u);
  EXPECT_EQ(gw.log().Count("request"), 0u);
}

TEST(RequestLogTest, OffIsSilentAndAReloadChangesIt) {
  TestGateway gw(Config("off"));
  GatewayClient client = gw.Connect();
  client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(gw.log().Count("request"), 0u);
  gw.Reload(Config("all"));
  client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(gw.log().Count("request"), 1u);
}

}  // namespace
}  // namespace upgate::test::request_log_test
