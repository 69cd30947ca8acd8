// Limits by client: how many connections and sessions it may have, and how fast it may come.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::client_limits_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;
using stats::Refusal;
using stats::TurnedAway;
using stats::WaitReason;

constexpr std::string_view kConfig = R"(
workers: 2
listeners:
  - { address: "127.0.0.1:80", trusted_proxies: [ 127.0.0.9 ] }
  - { address: "127.0.0.1:81", connections_per_client: 2, trusted_proxies: [ 127.0.0.9 ] }
  - { address: "127.0.0.1:82", accept_rate: { rate: 2/s, burst: 1 } }
  - { address: "127.0.0.1:83", connections_per_client: 1, proxy_protocol: required, trusted_proxies: [ 127.0.0.0/8 ] }
http: { idle_timeout: 1h }
routes:
  - { path: /rated, plugin: echo, limits: { handshakes: { rate: 6/m, burst: 2 }, ping_interval: 0s } }
  - { path: /few, plugin: echo, limits: { sessions_per_client: 2, ping_interval: 0s } }
  - { path: /numbers, plugin: stats, limits: { requests: { rate: 1/s, burst: 3 } } }
  - { path: /open, plugin: echo, limits: { ping_interval: 0s } }
)";

class ClientLimitsTest : public testing::Test {
 protected:
  using Client = std::unique_ptr<GatewayClient>;

  Client Connect(std::size_t listener, const std::string& from) {
    return Client(new GatewayClient(gw_.Connect(listener, Address(from))));
  }
  ResponseHead Shake(std::string_view from, std::string_view path = "/rated",
                     std::string_view extra = {}) {
    clients_.push_back(Connect(0, std::string(from)));
    return clients_.back()->Upgrade(path, extra);
  }
  void CloseAll() {
    for (const Client& client : clients_) client->peer().Close();
    clients_.clear();
    gw_.loop().RunUntilIdle();
  }
  void TearDown() override {
    CloseAll();
    gw_.loop().Advance(10s);
  }
  std::uint64_t refused(Refusal why, std::size_t route) {
    return gw_.route_stats(route).refusals[static_cast<std::size_t>(why)].Get();
  }
  std::uint64_t turned_away(TurnedAway why, std::size_t listener) {
    return gw_.listener_stats(listener).turned_away[static_cast<std::size_t>(why)].Get();
  }

  TestGateway gw_{kConfig};
  std::vector<Client> clients_;
};

TEST_F(ClientLimitsTest, HandshakesBeyondTheBurstComeAtTheRate) {
  EXPECT_EQ(Shake("192.0.2.1:5").status, 101);
  EXPECT_EQ(Shake("192.0.2.1:6").status, 101);
  ResponseHead late = Shake("192.0.2.1:7");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(late.Get("Retry-After"), "10");
  EXPECT_EQ(Shake("192.0.2.2:5").status, 101) << "another client";
  gw_.loop().Advance(4s);
  late = Shake("192.0.2.1:8");
  EXPECT_EQ(late.status, 429);
  EXPECT_EQ(late.Get("Retry-After"), "6") << "refused ones are not counted";
  gw_.loop().Advance(6s);
  EXPECT_EQ(Shake("192.0.2.1:9").status, 101);
  EXPECT_EQ(refused(Refusal::kHandshakeRate, 0), 2u);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kTooManyOfClient, 0), 2u);
  EXPECT_EQ(gw_.log().Last("handshake refused", "why"),
            "too many WebSocket handshakes of this client");
}

TEST_F(ClientLimitsTest, AllLoopsShareThem) {
  GatewayClient first = gw_.ConnectToLoop(0);
  GatewayClient second = gw_.ConnectToLoop(1);
  GatewayClient third = gw_.ConnectToLoop(1);
  EXPECT_EQ(first.Upgrade("/rated").status, 101);
  EXPECT_EQ(second.Upgrade("/rated").status, 101);
  EXPECT_EQ(third.Upgrade("/rated").status, 429);
  for (GatewayClient* client : {&first, &second, &third}) client->peer().Close();
}

TEST_F(ClientLimitsTest, AnIPv6ClientHasAWholeNetwork) {
  EXPECT_EQ(Shake("[2001:db8:0:1::1]:5").status, 101);
  EXPECT_EQ(Shake("[2001:db8:0:1::2]:5").status, 101);
  EXPECT_EQ(Shake("[2001:db8:0:1:ffff::3]:5").status, 429);
  EXPECT_EQ(Shake("[2001:db8:0:2::1]:5").status, 101);
}

TEST_F(ClientLimitsTest, TheClientIsThatWhichATrustedProxyReports) {
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(
        Shake("127.0.0.9:5", "/rated", "X-Forwarded-For: 192.0.2." + std::to_string(i) + "\r\n")
            .status,
        101);
  }
  for (int i = 1; i < 3; ++i)
    EXPECT_EQ(Shake("192.0.2.77:5", "/rated", "X-Forwarded-For: 10.0.0.1\r\n").status, 101);
  EXPECT_EQ(Shake("192.0.2.77:5", "/rated", "X-Forwarded-For: 10.0.0.2\r\n").status, 429);
}

TEST_F(ClientLimitsTest, RequestsAreCountedByThemselves) {
  GatewayClient client = gw_.Connect(0, Address("192.0.2.1:5"));
  const auto ask = [&] {
    client.Send("GET /numbers HTTP/1.1\r\nHost: a\r\n\r\n");
    const ResponseHead head = client.Head();
    client.Body(head);
    return head.status;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(), 200);
  EXPECT_EQ(ask(), 429);
  EXPECT_EQ(refused(Refusal::kRequestRate, 2), 1u);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kTooManyOfClient, 2), 0u);
  gw_.loop().Advance(1s);
  EXPECT_EQ(ask(), 200) << "the connection is the same";
  client.peer().Close();
}

TEST_F(ClientLimitsTest, SessionsAreCountedWhileTheyAreOpen) {
  EXPECT_EQ(Shake("192.0.2.1:5", "/few").status, 101);
  EXPECT_EQ(Shake("192.0.2.1:6", "/few").status, 101);
  const ResponseHead third = Shake("192.0.2.1:7", "/few");
  EXPECT_EQ(third.status, 429);
  EXPECT_EQ(third.Get("Retry-After"), "5");
  EXPECT_EQ(Shake("192.0.2.2:5", "/few").status, 101);
  EXPECT_EQ(refused(Refusal::kSessionsOfClient, 1), 1u);
  CloseAll();
  gw_.loop().Advance(10s);
  EXPECT_EQ(Shake("192.0.2.1:8", "/few").status, 101);
  EXPECT_EQ(gw_.serving()->routes[1]->by_client->clients(), 1u);
}

TEST_F(ClientLimitsTest, AReloadKeepsWhatWasCounted) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Shake("192.0.2.1:5").status, 101);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Shake("192.0.2.1:5", "/few").status, 101);
  std::string changed(kConfig);
  changed.replace(changed.find("/rated, plugin: echo"), 20,
                  "/rated, require_origin: false, plugin: echo");
  changed.replace(changed.find("sessions_per_client: 2"), 22, "sessions_per_client: 3");
  gw_.Reload(changed);
  EXPECT_EQ(Shake("192.0.2.1:6").status, 429) << "the rate is the same";
  EXPECT_EQ(Shake("192.0.2.1:6", "/few").status, 101) << "one more";
  EXPECT_EQ(Shake("192.0.2.1:7", "/few").status, 429);
  changed.replace(changed.find("rate: 6/m"), 9, "rate: 7/m");
  gw_.Reload(changed);
  EXPECT_EQ(Shake("192.0.2.1:6").status, 101) << "another rate begins anew";
}

TEST_F(ClientLimitsTest, AListenerClosesConnectionsBeyondTheLimitOfAClient) {
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(Connect(1, "192.0.2.1:" + std::to_string(5 + i)));
  gw_.loop().RunUntilIdle();
  EXPECT_EQ(clients[0]->Upgrade("/open").status, 101);
  EXPECT_FALSE(clients[1]->peer().done());
  EXPECT_TRUE(clients[2]->peer().done());
  EXPECT_EQ(turned_away(TurnedAway::kConnectionsOfClient, 1), 1u);
  EXPECT_EQ(gw_.log().Last("connection closed", "client"), "192.0.2.1:7");
  GatewayClient other = gw_.Connect(1, Address("192.0.2.2:5"));
  EXPECT_EQ(other.Upgrade("/open").status, 101);
  clients[0]->peer().Close();
  gw_.loop().Advance(10s);
  GatewayClient next = gw_.Connect(1, Address("192.0.2.1:9"));
  EXPECT_EQ(next.Upgrade("/open").status, 101) << "the session had kept its place";
  for (GatewayClient* client : {clients[1].get(), &other, &next}) client->peer().Close();
}

TEST_F(ClientLimitsTest, ConnectionsOfTrustedProxiesAreThoseOfMany) {
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(Connect(1, "127.0.0.9:" + std::to_string(5 + i)));
    EXPECT_EQ(clients.back()->Upgrade("/open").status, 101);
  }
  for (const Client& client : clients) client->peer().Close();
}

TEST_F(ClientLimitsTest, BehindAProxyTheClientIsThatOfThePROXYHeader) {
  GatewayClient first = gw_.Connect(3);
  first.Send("PROXY TCP4 192.0.2.1 203.0.113.1 5555 443\r\n");
  GatewayClient second = gw_.Connect(3);
  second.Send("PROXY TCP4 192.0.2.1 203.0.113.1 5556 443\r\n");
  GatewayClient other = gw_.Connect(3);
  other.Send("PROXY TCP4 192.0.2.2 203.0.113.1 5555 443\r\n");
  EXPECT_TRUE(second.peer().done());
  EXPECT_EQ(first.Upgrade("/open").status, 101);
  EXPECT_EQ(other.Upgrade("/open").status, 101);
  first.peer().Close();
  other.peer().Close();
}

TEST_F(ClientLimitsTest, NewConnectionsBeyondTheRateWait) {
  std::vector<Client> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Connect(2, "127.0.0.1:" + std::to_string(1000 + i)));
    clients.back()->Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  const auto answered = [&] {
    std::size_t count = 0;
    for (const Client& client : clients) count += client->peer().received().empty() ? 0 : 1;
    return count;
  };
  EXPECT_EQ(answered(), 1u);
  gw_.loop().Advance(499ms);
  EXPECT_EQ(answered(), 1u);
  gw_.loop().Advance(10ms);
  EXPECT_EQ(answered(), 2u);
  gw_.loop().Advance(510ms);
  EXPECT_EQ(answered(), 3u) << "nobody was refused";
  EXPECT_EQ(
      gw_.listener_stats(2).accept_pauses[static_cast<std::size_t>(WaitReason::kAcceptRate)].Get(),
      2u);
  EXPECT_EQ(gw_.listener_stats(2).connections_refused.Get(), 0u);
  EXPECT_EQ(gw_.log().Last("clients wait", "why"),
            "more come than accept_rate of the listener allows");
  for (const Client& client : clients) client->peer().Close();
}

TEST_F(ClientLimitsTest, WhoWaitsForARateDoesNotWaitForThatOfBefore) {
  const auto rated = [](std::string_view rate) {
    return "listeners:\n  - { address: \"127.0.0.1:82\", accept_rate: { rate: " +
           std::string(rate) + ", burst: 1 } }\nroutes:\n  - { path: /*, plugin: stats }\n";
  };
  TestGateway gw(rated("1/h"));
  GatewayClient first = gw.Connect();
  GatewayClient second = gw.Connect();
  first.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  second.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  gw.loop().Advance(10s);
  EXPECT_EQ(first.Head().status, 200);
  EXPECT_EQ(second.Head().status, 0);
  gw.Reload(rated("100/s"));
  gw.loop().Advance(10ms);
  EXPECT_EQ(second.Head().status, 200);
  first.peer().Close();
  second.peer().Close();
}

}  // namespace
}  // namespace upgate::test::client_limits_test
