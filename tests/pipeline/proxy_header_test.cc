// The PROXY protocol on both sides of the gateway: what a listener believes, and what servers get.
#include "gateway/base/proxy_header.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::proxy_header_test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr std::string_view kListening = R"(
listeners:
  - { address: "127.0.0.1:80", proxy_protocol: required, trusted_proxies: [ 127.0.0.0/8 ] }
http: { head_timeout: 10s }
backends:
  b: { servers: [ "tcp://127.0.0.1:7000" ] }
  h: { servers: [ "http://127.0.0.1:7001" ] }
routes:
  - { path: /b, backend: b, limits: { ping_interval: 0s } }
  - { path: /h, backend: h }
)";

constexpr std::string_view kV1 = "PROXY TCP4 192.0.2.7 203.0.113.1 5555 443\r\n";

ProxyFacts FactsOfV1() {
  ProxyFacts facts;
  facts.source = IpPort{*Ip::Parse("192.0.2.7"), 5555};
  facts.destination = IpPort{*Ip::Parse("203.0.113.1"), 443};
  return facts;
}

std::uint64_t Refusals(TestGateway& gw, ProxyFault fault) {
  return gw.listener_stats().proxy_refusals[static_cast<std::size_t>(fault)].Get();
}

class ProxyHeaderAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, ProxyHeaderAtChunk, 1, 2, 3, 7, 65536);

TEST_EACH(ProxyHeaderAtChunk, ItsAddressIsTheClientsEverywhere) {
  for (const std::string& header : {std::string(kV1), EncodeProxyV2(FactsOfV1())}) {
    TestGateway gw(kListening, {.read_chunk = GetParam()});
    TestServer server(gw.network(), Address("127.0.0.1:7001"));
    GatewayClient client = gw.Connect();
    client.Send(header + "GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(server.size(), 1u);
    EXPECT_NE(server[0].received().find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos);
    client.peer().Close();
    gw.loop().RunUntilIdle();
  }
}

TEST_EACH(ProxyHeaderAtChunk, SessionsAndTheLogHaveIt) {
  TestGateway gw(kListening, {.read_chunk = GetParam()});
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  GatewayClient client = gw.Connect();
  client.Send(kV1);
  EXPECT_EQ(client.Upgrade("/b").status, 101);
  EXPECT_EQ(gw.log().Last("session open", "client"), "192.0.2.7:5555");
  client.Send(BinaryFrame("payload"));
  EXPECT_EQ(server[0].TakeReceived(), "payload");
  client.peer().Shutdown();
  gw.loop().Advance(30s);
}

TEST(ProxyHeaderTest, AnUnknownOneKeepsThePeersAddress) {
  for (const std::string& header : {"PROXY UNKNOWN\r\n"s, EncodeProxyV2({})}) {
    TestGateway gw(kListening);
    TestServer server(gw.network(), Address("127.0.0.1:7001"));
    GatewayClient client = gw.Connect(0, Address("127.0.0.9:1234"));
    client.Send(header + "GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(server.size(), 1u);
    EXPECT_NE(server[0].received().find("X-Forwarded-For: 127.0.0.9\r\n"), std::string::npos);
    client.peer().Close();
    gw.loop().RunUntilIdle();
  }
}

// A client that was named is not one of the proxies, whose word about others counts.
TEST(ProxyHeaderTest, TheClientIsNotBelievedAboutOthers) {
  TestGateway gw(kListening);
  TestServer server(gw.network(), Address("127.0.0.1:7001"));
  GatewayClient client = gw.Connect();
  client.Send(std::string(kV1) +
              "GET /h HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n");
  ASSERT_EQ(server.size(), 1u);
  EXPECT_NE(server[0].received().find("X-Forwarded-For: 192.0.2.7\r\n"), std::string::npos);
  EXPECT_EQ(server[0].received().find("198.51.100.1"), std::string::npos);
  client.peer().Close();
  gw.loop().RunUntilIdle();
}

struct Refused {
  std::string_view bytes;
  ProxyFault fault;
};

TEST(ProxyHeaderTest, WhatIsWrongIsClosedAndCounted) {
  for (const auto& [bytes, fault] : {Refused{"GET / HTTP/1.1\r\n\r\n", ProxyFault::kAbsent},
                                     Refused{"\x16\x03\x01\x02", ProxyFault::kAbsent},
                                     Refused{"PROXY TCP4 x y 1 2\r\n", ProxyFault::kMalformed}}) {
    TestGateway gw(kListening);
    GatewayClient client = gw.Connect();
    client.Send(bytes);
    EXPECT_TRUE(client.peer().done());
    EXPECT_EQ(client.peer().received(), "");
    EXPECT_EQ(Refusals(gw, fault), 1u) << bytes;
    EXPECT_EQ(gw.listener_stats().connections_open.Get(), 0u);
    EXPECT_EQ(gw.log().Last("PROXY header refused", "kind"),
              stats::kProxyFaultNames[static_cast<std::size_t>(fault)]);
  }
}

TEST(ProxyHeaderTest, AWrongChecksumIsRefused) {
  TestGateway gw(kListening);
  GatewayClient client = gw.Connect();
  std::string header = EncodeProxyV2(FactsOfV1());
  header[17] = 9;
  client.Send(header);
  EXPECT_TRUE(client.peer().done());
  EXPECT_EQ(Refusals(gw, ProxyFault::kChecksum), 1u);
}

TEST(ProxyHeaderTest, OfOthersNothingIsRead) {
  TestGateway gw(kListening);
  GatewayClient client = gw.Connect(0, Address("10.0.0.1:1234"));
  client.Send(std::string(kV1) + "GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.peer().done());
  EXPECT_EQ(Refusals(gw, ProxyFault::kUntrusted), 1u);
  EXPECT_EQ(gw.listener_stats().requests.Get(), 0u);
  EXPECT_EQ(gw.listener_stats().connections_open.Get(), 0u);
}

TEST(ProxyHeaderTest, ItHasTheTimeOfAHead) {
  TestGateway gw(kListening);
  GatewayClient client = gw.Connect();
  client.Send("PROXY TCP4 ");
  gw.loop().Advance(9s);
  EXPECT_FALSE(client.peer().done());
  gw.loop().Advance(2s);
  EXPECT_TRUE(client.peer().done());
  EXPECT_EQ(Refusals(gw, ProxyFault::kTimeout), 1u);
}

TEST(ProxyHeaderTest, OneThatOnlyConnectsIsCountedAndNotLogged) {
  TestGateway gw(kListening);
  GatewayClient client = gw.Connect();
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(client.peer().done());
  EXPECT_EQ(Refusals(gw, ProxyFault::kGone), 1u);
  EXPECT_EQ(gw.log().Count("PROXY header refused"), 0u);
}

TEST(ProxyHeaderTest, TheLogHasOneLineInTenSeconds) {
  TestGateway gw(kListening);
  for (int i = 0; i < 20; ++i) gw.Connect().Send("nonsense\r\n");
  EXPECT_EQ(Refusals(gw, ProxyFault::kAbsent), 20u);
  EXPECT_EQ(gw.log().Count("PROXY header refused"), 1u);
  gw.loop().Advance(11s);
  gw.Connect().Send("nonsense\r\n");
  EXPECT_EQ(gw.log().Count("PROXY header refused"), 2u);
}

TEST(ProxyHeaderTest, AReloadTurnsItOnAndOffForNewConnections) {
  std::string off(kListening);
  const std::string key = "proxy_protocol: required, ";
  off.erase(off.find(key), key.size());
  TestGateway gw(off);
  TestServer server(gw.network(), Address("127.0.0.1:7001"));
  gw.Reload(kListening);
  GatewayClient refused = gw.Connect();
  refused.Send("GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(refused.peer().done());
  EXPECT_EQ(server.size(), 0u);
  gw.Reload(off);
  GatewayClient served = gw.Connect();
  served.Send("GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(server.size(), 1u);
  served.peer().Close();
  gw.loop().RunUntilIdle();
}

// ---- to servers

constexpr std::string_view kSending = R"(
listeners:
  - { address: "127.0.0.1:80", trusted_proxies: [ 127.0.0.8 ] }
  - { address: "unix:/run/upgate.sock" }
backends:
  v1: { servers: [ "tcp://127.0.0.1:7000" ], send_proxy: v1 }
  v2: { servers: [ "tcp://127.0.0.1:7000" ], send_proxy: v2 }
  http: { servers: [ "http://127.0.0.1:7000" ], send_proxy: v1 }
  ws: { servers: [ "ws://127.0.0.1:7000" ], send_proxy: v1 }
routes:
  - { path: /v1, backend: v1, limits: { ping_interval: 0s } }
  - { path: /v2, backend: v2, limits: { ping_interval: 0s } }
  - { path: /http, backend: http }
  - { path: /ws, backend: ws }
)";

class Sending : public testing::Test {
 protected:
  std::string First(std::string_view path, std::size_t listener = 0,
                    const std::optional<SocketAddress>& from = Address("127.0.0.5:4321"),
                    std::string_view extra = {}) {
    GatewayClient client = gw_.Connect(listener, from);
    const auto head = client.Upgrade(path, extra);
    EXPECT_EQ(head.status, 101);
    client.peer().Shutdown();
    gw_.loop().Advance(30s);
    return server_[server_.size() - 1].received();
  }

  TestGateway gw_{kSending};
  TestServer server_{gw_.network(), Address("127.0.0.1:7000")};
};

TEST_F(Sending, Version1NamesTheClient) {
  EXPECT_EQ(First("/v1"), "PROXY TCP4 127.0.0.5 127.0.0.1 4321 80\r\n");
}

TEST_F(Sending, BehindAProxyItNamesWhomTheProxyNames) {
  EXPECT_EQ(First("/v1", 0, Address("127.0.0.8:4321"), "X-Forwarded-For: 192.0.2.1\r\n"),
            "PROXY TCP4 192.0.2.1 127.0.0.1 0 80\r\n");
}

TEST_F(Sending, Version2HasAUniqueId) {
  const std::string one = First("/v2"), two = First("/v2");
  EXPECT_NE(one, two);
  for (const std::string& bytes : {one, two}) {
    ProxyHeaderParser parser;
    Bytes input = AsBytes(bytes);
    const auto parsed = parser.Next(input);
    ASSERT_TRUE(parsed && *parsed);
    EXPECT_EQ(**parsed, (ProxyHeader{IpPort{*Ip::Parse("127.0.0.5"), 4321},
                                     IpPort{*Ip::Parse("127.0.0.1"), 80}}));
    EXPECT_TRUE(input.empty());
    EXPECT_NE(bytes.find("\x05\x00\x20"s), std::string::npos);  // 32 characters
  }
}

TEST_F(Sending, TheLogOfASessionHasItsUniqueId) {
  const std::string bytes = First("/v2");
  const std::size_t at = bytes.find("\x05\x00\x20"s);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(gw_.log().Last("session open", "proxy_id"), bytes.substr(at + 3, 32));
  First("/v1");
  EXPECT_EQ(gw_.log().Last("session open", "proxy_id"), "");
}

TEST_F(Sending, AClientOnAUnixSocketHasNoAddress) {
  EXPECT_EQ(First("/v1", 1, UnixPath{}), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(First("/v2", 1, UnixPath{}).substr(12, 2), "\x21\x31");  // AF_UNIX
}

TEST_F(Sending, ConnectionsToHttpServersAreNotShared) {
  server_.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      if (self.received().ends_with("\r\n\r\n"))
        self.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  GatewayClient one = gw_.Connect(0, Address("127.0.0.5:1"));
  for (std::size_t i = 1; i <= 3; ++i) {
    one.Send("GET /http HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = one.Head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(one.Body(head), "ok");
    ASSERT_EQ(server_.size(), i);
    EXPECT_TRUE(
        server_[i - 1].received().starts_with("PROXY TCP4 127.0.0.5 127.0.0.1 1 80\r\nGET /http "));
  }
  one.peer().Close();
  gw_.loop().RunUntilIdle();
}

TEST_F(Sending, WebSocketServersGetItBeforeTheHandshake) {
  GatewayClient client = gw_.Connect(0, Address("127.0.0.5:4321"));
  client.Upgrade("/ws");
  EXPECT_TRUE(server_[0].received().starts_with(
      "PROXY TCP4 127.0.0.5 127.0.0.1 4321 80\r\nGET /ws HTTP/1.1\r\n"));
  client.peer().Close();
  gw_.loop().RunUntilIdle();
}

// Nobody's connection, and before the handshake of the attempt.
TEST(Ejection, TrialsBeginWithAProxyHeader) {
  for (const std::string scheme : {"tcp", "ws"}) {
    TestGateway gw("backends:\n  b:\n    servers: [ \"" + scheme + "://127.0.0.1:7001\", \"" +
                   scheme +
                   "://127.0.0.1:7002\" ]\n    send_proxy: v1\n    ejection: { failures: 1 }\n"
                   "routes: [ { path: /*, backend: b, limits: { ping_interval: 0s } } ]\n");
    TestServer other(gw.network(), Address("127.0.0.1:7002"));
    std::vector<std::unique_ptr<GatewayClient>> clients;
    const auto connect = [&] {
      clients.push_back(std::unique_ptr<GatewayClient>(new GatewayClient(gw.Connect())));
      clients.back()->Send(UpgradeRequest("/"));
    };
    for (int i = 0; i < 2; ++i) connect();
    ASSERT_EQ(gw.log().Count("server ejected"), 1u) << scheme;
    TestServer ejected(gw.network(), Address("127.0.0.1:7001"));
    gw.loop().Advance(10s);
    connect();
    ASSERT_EQ(ejected.size(), 1u) << "the trial";
    const std::string first = ejected[0].received();
    EXPECT_TRUE(first.starts_with("PROXY UNKNOWN\r\n")) << first;
    EXPECT_EQ(first.find("GET / HTTP/1.1\r\n") != std::string::npos, scheme == "ws") << first;
    for (auto& client : clients) client->peer().Close();
    gw.loop().Advance(30s);
  }
}

TEST(PlainListener, SaysWhatAProxyHeaderIs) {
  for (const std::size_t chunk : {1u, 3u, 65536u}) {
    for (const std::string& header :
         {std::string(kV1), "PROXY UNKNOWN\r\n"s, EncodeProxyV2(FactsOfV1())}) {
      TestGateway gw(kSending, {.read_chunk = chunk});
      GatewayClient client = gw.Connect();
      client.Send(header + "GET /http HTTP/1.1\r\nHost: a\r\n\r\n");
      const auto head = client.Head();
      EXPECT_EQ(head.status, 400);
      EXPECT_NE(client.Body(head).find("proxy_protocol: required"), std::string::npos);
      client.peer().Close();
      gw.loop().Advance(10s);
    }
  }
}

}  // namespace
}  // namespace upgate::test::proxy_header_test
