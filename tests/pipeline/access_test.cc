// Access by address: listeners close connections, routes answer with 403.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::access_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;

constexpr std::string_view kConfig = R"(
listeners:
  - { address: "127.0.0.1:80", trusted_proxies: [ 127.0.0.9 ] }
  - { address: "127.0.0.1:81", access: { allow: [ 10.0.0.0/8 ], deny: [ 10.6.0.0/16 ] } }
  - { address: "127.0.0.1:82", access: { deny: [ 192.0.2.0/24 ] }, proxy_protocol: required, trusted_proxies: [ 127.0.0.0/8 ] }
routes:
  - { path: /inside, plugin: echo, access: { allow: [ 10.0.0.0/8, "2001:db8::/32" ], deny: [ 10.6.0.0/16 ] } }
  - { path: /outside, plugin: echo, access: { deny: [ 10.6.0.0/16 ] } }
  - { path: /numbers, plugin: stats, access: { allow: [ 10.0.0.0/8 ] } }
  - { path: /open, plugin: echo, limits: { ping_interval: 0s } }
)";

class AccessTest : public testing::Test {
 protected:
  int StatusFrom(std::string_view address, std::string_view path, std::string_view extra = {}) {
    GatewayClient client = gw_.Connect(0, Address(std::string(address)));
    const int status = client.Upgrade(path, extra).status;
    client.peer().Close();
    gw_.loop().Advance(10s);
    return status;
  }
  std::uint64_t refused(std::size_t route) {
    return gw_.route_stats(route)
        .refusals[static_cast<std::size_t>(stats::Refusal::kAddress)]
        .Get();
  }
  std::uint64_t turned_away(std::size_t listener) {
    return gw_.listener_stats(listener)
        .turned_away[static_cast<std::size_t>(stats::TurnedAway::kAddress)]
        .Get();
  }

  TestGateway gw_{kConfig};
};

TEST_F(AccessTest, ARouteTakesClientsOfItsBlocksOnly) {
  EXPECT_EQ(StatusFrom("10.1.2.3:5", "/inside"), 101);
  EXPECT_EQ(StatusFrom("[2001:db8::1]:5", "/inside"), 101);
  EXPECT_EQ(StatusFrom("[2001:db9::1]:5", "/inside"), 403);
  EXPECT_EQ(StatusFrom("192.0.2.7:5", "/inside"), 403);
  EXPECT_EQ(StatusFrom("10.6.2.3:5", "/inside"), 403) << "deny wins";
  EXPECT_EQ(refused(0), 3u);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kForbiddenClient, 0), 3u);
  EXPECT_EQ(gw_.log().Last("handshake refused", "client"), "10.6.2.3:5");
  EXPECT_EQ(gw_.log().Last("handshake refused", "why"),
            "clients with this address may not use this");
}

TEST_F(AccessTest, WithoutAllowEverybodyElseMayCome) {
  EXPECT_EQ(StatusFrom("192.0.2.7:5", "/outside"), 101);
  EXPECT_EQ(StatusFrom("[::ffff:10.6.0.1]:5", "/outside"), 403) << "IPv4 in its IPv6 form";
}

TEST_F(AccessTest, TheAddressIsThatWhichTrustedProxiesReport) {
  EXPECT_EQ(StatusFrom("127.0.0.9:5", "/inside"), 403);
  EXPECT_EQ(StatusFrom("127.0.0.9:5", "/inside", "X-Forwarded-For: 10.1.2.3\r\n"), 101);
  EXPECT_EQ(StatusFrom("192.0.2.7:5", "/inside", "X-Forwarded-For: 10.1.2.3\r\n"), 403);
  EXPECT_EQ(StatusFrom("127.0.0.9:5", "/inside", "Forwarded: for=_hidden\r\n"), 403);
  EXPECT_EQ(StatusFrom("127.0.0.9:5", "/outside", "Forwarded: for=_hidden\r\n"), 101);
}

TEST_F(AccessTest, OtherRequestsAreRefusedAndTheConnectionGoesOn) {
  GatewayClient client = gw_.Connect(0, Address("192.0.2.7:5"));
  client.Send("GET /numbers HTTP/1.1\r\nHost: a\r\n\r\n");
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 403);
  EXPECT_EQ(client.Body(head), "clients with this address may not use this\n");
  EXPECT_EQ(refused(2), 1u);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kForbiddenClient, 2), 0u);
  EXPECT_EQ(client.Upgrade("/open").status, 101);
  client.peer().Close();
  gw_.loop().Advance(10s);
}

TEST_F(AccessTest, AListenerClosesConnectionsOfOthers) {
  GatewayClient other = gw_.Connect(1, Address("192.0.2.7:5"));
  other.Send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(other.peer().done());
  EXPECT_EQ(other.peer().TakeReceived(), "");
  EXPECT_EQ(turned_away(1), 1u);
  EXPECT_EQ(gw_.listener_stats(1).connections_open.Get(), 0u);
  EXPECT_EQ(gw_.listener_stats(1).requests.Get(), 0u);
  EXPECT_EQ(gw_.log().Last("connection closed", "client"), "192.0.2.7:5");
  GatewayClient denied = gw_.Connect(1, Address("10.6.2.7:5"));
  gw_.loop().RunUntilIdle();
  EXPECT_TRUE(denied.peer().done());
  GatewayClient inside = gw_.Connect(1, Address("10.1.2.7:5"));
  EXPECT_EQ(inside.Upgrade("/open").status, 101);
  inside.peer().Close();
  gw_.loop().Advance(10s);
}

TEST_F(AccessTest, AListenerBehindAProxyGoesByThePROXYHeader) {
  GatewayClient denied = gw_.Connect(2);
  denied.Send("PROXY TCP4 192.0.2.7 203.0.113.1 5555 443\r\nGET /open HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(denied.peer().done());
  EXPECT_EQ(denied.peer().TakeReceived(), "");
  EXPECT_EQ(turned_away(2), 1u);
  EXPECT_EQ(gw_.log().Last("connection closed", "client"), "192.0.2.7:5555");
  GatewayClient other = gw_.Connect(2);
  other.Send("PROXY TCP4 198.51.100.7 203.0.113.1 5555 443\r\n");
  EXPECT_EQ(other.Upgrade("/open").status, 101);
  other.peer().Close();
  gw_.loop().Advance(10s);
}

TEST_F(AccessTest, AReloadChangesItForLaterClients) {
  GatewayClient open = gw_.Connect(0, Address("192.0.2.7:5"));
  EXPECT_EQ(open.Upgrade("/open").status, 101);
  std::string changed(kConfig);
  changed.replace(changed.find("/open, plugin: echo"), 19,
                  "/open, plugin: echo, access: { deny: [ 192.0.2.7 ] }");
  gw_.Reload(changed);
  open.Send(TextFrame("still here"));
  EXPECT_EQ(open.Frames().size(), 1u) << "an open session stays";
  EXPECT_EQ(StatusFrom("192.0.2.7:6", "/open"), 403);
  open.peer().Close();
  gw_.loop().Advance(10s);
}

}  // namespace
}  // namespace upgate::test::access_test
