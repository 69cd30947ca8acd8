// Limits on clients: listeners[].connections and the file descriptors of the process. Clients
// beyond them wait in the backlog, and are counted and logged.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "gateway/http/client_places.h"
#include "gateway/http/hold_back.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::limits_test {
namespace {

using namespace std::chrono_literals;
using http::HoldBack;
using stats::HandshakeOutcome;
using stats::WaitReason;

constexpr std::string_view kTwoClients = R"(
listeners:
  - { address: "127.0.0.1:80", connections: 2 }
  - { address: "127.0.0.1:81" }
backends:
  bytes: { servers: [ "tcp://127.0.0.1:7000" ] }
  http: { servers: [ "http://127.0.0.1:7001" ] }
routes:
  - { path: /self, plugin: echo }
  - { path: /bytes, backend: bytes }
  - { path: /http/*, backend: http }
)";

class LimitsTest : public testing::Test {
 protected:
  std::uint64_t pauses(WaitReason reason, std::size_t listener = 0) {
    return gw_.listener_stats(listener).accept_pauses[static_cast<std::size_t>(reason)].Get();
  }
  std::uint64_t open(std::size_t listener = 0) {
    return gw_.listener_stats(listener).connections_open.Get();
  }
  // Whether the gateway answers the client.
  bool Served(GatewayClient& client) {
    client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
    const ResponseHead head = client.Head();
    client.Body(head);
    return head.status == 404;
  }
  // Advances time in steps, checking everything in between.
  void Pass(io::Millis time) {
    for (io::Millis passed{0}; passed < time; passed += HoldBack::kInterval)
      gw_.loop().Advance(HoldBack::kInterval);
  }

  TestGateway gw_{kTwoClients};
};

TEST_F(LimitsTest, MoreClientsThanTheListenerTakesWaitForAPlace) {
  auto first = gw_.Connect();
  auto second = gw_.Connect();
  auto third = gw_.Connect();
  EXPECT_TRUE(Served(first));
  EXPECT_TRUE(Served(second));
  EXPECT_FALSE(Served(third));
  EXPECT_FALSE(third.peer().done()) << "it waits";
  EXPECT_EQ(open(), 2u);
  EXPECT_EQ(pauses(WaitReason::kConnections), 1u);
  EXPECT_EQ(gw_.log().Last("clients wait", "listener"), "127.0.0.1:80");
  EXPECT_EQ(gw_.log().Last("clients wait", "why"), "all 2 connections of the listener are open");
  auto elsewhere = gw_.Connect(1);
  EXPECT_TRUE(Served(elsewhere)) << "the other listener has no limit";

  first.peer().Close();
  gw_.loop().RunUntilIdle();
  EXPECT_EQ(third.Head().status, 404) << "its request was waiting when it was accepted";
  EXPECT_EQ(open(), 2u);
}

TEST_F(LimitsTest, ASessionKeepsItsPlaceUntilItEnds) {
  auto first = gw_.Connect();
  auto second = gw_.Connect();
  EXPECT_EQ(first.Upgrade("/self").status, 101);
  EXPECT_EQ(second.Upgrade("/self").status, 101);
  EXPECT_EQ(open(), 2u);
  auto third = gw_.Connect();
  EXPECT_FALSE(Served(third));
  second.peer().Reset();
  gw_.loop().RunUntilIdle();
  EXPECT_EQ(third.Head().status, 404);
  EXPECT_EQ(open(), 2u);
  first.peer().Close();
  third.peer().Close();
  gw_.loop().Advance(1h);
  EXPECT_EQ(open(), 0u);
  EXPECT_EQ(gw_.connections().taken(), 0u);
  EXPECT_EQ(gw_.counts().descriptors.taken(), 0u);
}

TEST_F(LimitsTest, APlaceThatBecomesFreeOnAnotherLoopIsFoundSoon) {
  ASSERT_TRUE(gw_.connections().TryTake(2));  // simulates another loop
  auto client = gw_.Connect();
  EXPECT_FALSE(Served(client));
  gw_.connections().GiveBack(1);
  gw_.loop().Advance(2 * HoldBack::kInterval);
  EXPECT_EQ(client.Head().status, 404);
  gw_.connections().GiveBack(1);
}

TEST_F(LimitsTest, ClientsThatWaitTooLongAreRefusedUntilThereIsAPlaceAgain) {
  auto first = gw_.Connect();
  auto second = gw_.Connect();
  auto waiting = gw_.Connect();
  Pass(HoldBack::kPatience - 1s);
  EXPECT_TRUE(Served(first)) << "accepted clients stay";
  EXPECT_TRUE(Served(second));
  EXPECT_FALSE(waiting.peer().done());
  Pass(2s);
  EXPECT_TRUE(waiting.peer().error()) << "refused with a reset";
  auto late = gw_.Connect();
  gw_.loop().RunUntilIdle();
  EXPECT_TRUE(late.peer().error()) << "refused at once";
  EXPECT_EQ(gw_.listener_stats().connections_refused.Get(), 2u);
  EXPECT_EQ(gw_.log().Count("clients refused"), 1u) << "of many";
  EXPECT_EQ(open(), 2u);

  first.peer().Close();
  gw_.loop().RunUntilIdle();
  auto lucky = gw_.Connect();
  EXPECT_TRUE(Served(lucky));
  auto next = gw_.Connect();
  gw_.loop().RunUntilIdle();
  EXPECT_FALSE(next.peer().done()) << "clients of the next peak may wait again";
}

TEST_F(LimitsTest, WaitingClientsThatGoAwayLeaveNothingBehind) {
  auto first = gw_.Connect();
  auto second = gw_.Connect();
  {
    auto third = gw_.Connect();
    EXPECT_FALSE(Served(third));
    third.peer().Close();
  }
  first.peer().Close();
  gw_.loop().Advance(1s);
  EXPECT_EQ(open(), 1u);
}

TEST_F(LimitsTest, ClientsLeaveTheReserveOfDescriptorsAlone) {
  // Enough for two clients with a server each.
  gw_.counts().descriptors.SetMost(5);
  gw_.counts().process_limit = 40;
  auto first = gw_.Connect(1);
  auto second = gw_.Connect(1);
  auto third = gw_.Connect(1);
  EXPECT_TRUE(Served(first));
  EXPECT_TRUE(Served(second));
  EXPECT_FALSE(Served(third));
  EXPECT_EQ(pauses(WaitReason::kDescriptors, 1), 1u);
  EXPECT_NE(gw_.log().Last("clients wait", "why").find("the process may have 40"),
            std::string::npos);
  // Clients of all listeners share these.
  auto other = gw_.Connect(0);
  EXPECT_FALSE(Served(other));
  EXPECT_EQ(pauses(WaitReason::kDescriptors, 0), 1u);
  EXPECT_EQ(gw_.connections().taken(), 0u) << "the other limit is not used";
}

TEST_F(LimitsTest, ASessionOfAServiceNeedsOneDescriptorAndOneWithAServerTwo) {
  TestServer server(gw_.network(), Address("127.0.0.1:7000"));
  auto self = gw_.Connect(1);
  gw_.loop().RunUntilIdle();
  EXPECT_EQ(gw_.counts().descriptors.taken(), 2u) << "it may need a second one later";
  EXPECT_EQ(self.Upgrade("/self").status, 101);
  EXPECT_EQ(gw_.counts().descriptors.taken(), 1u);
  auto bytes = gw_.Connect(1);
  EXPECT_EQ(bytes.Upgrade("/bytes").status, 101);
  EXPECT_EQ(gw_.counts().descriptors.taken(), 3u);
  EXPECT_EQ(open(1), 2u);
}

TEST_F(LimitsTest, IdleConnectionsToServersAreKeptWithinTheirShare) {
  TestServer server(gw_.network(), Address("127.0.0.1:7001"));
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      self.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  const auto ask = [&] {
    auto client = gw_.Connect(1);
    client.Send("GET /http/a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.Head().status, 200);
  };
  ask();
  EXPECT_EQ(gw_.counts().idle_servers.taken(), 1u);
  ask();
  EXPECT_EQ(server.size(), 1u) << "the one that was kept";
  gw_.counts().idle_servers.SetMost(0);
  ask();
  EXPECT_EQ(gw_.counts().idle_servers.taken(), 0u);
  EXPECT_TRUE(server[0].done()) << "closed after its exchange";
  ask();
  EXPECT_EQ(server.size(), 2u);
}

TEST_F(LimitsTest, WithoutDescriptorsForAServerTheGatewayIsToBlame) {
  const Error lack{Errc::kLimit, "socket: no file descriptors left; the process may have 40"};
  for (const auto at : {"127.0.0.1:7000", "127.0.0.1:7001"})
    gw_.network().FailConnects(Address(at), lack);
  auto upgrade = gw_.Connect(1);
  EXPECT_EQ(upgrade.Upgrade("/bytes").status, 503);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kNoResources, 1), 1u);
  EXPECT_NE(gw_.log().Last("backend failed", "why").find(lack.message), std::string::npos);
  auto proxied = gw_.Connect(1);
  for (int i = 0; i < 3; ++i) {
    proxied.Send("GET /http/a HTTP/1.1\r\nHost: a\r\n\r\n");
    const ResponseHead head = proxied.Head();
    EXPECT_EQ(head.status, 503);
    proxied.Body(head);
  }
  EXPECT_EQ(gw_.log().Count("backend failed"), 1u) << "not a line for each";
  gw_.loop().Advance(io::Seldom::kInterval);
  EXPECT_EQ(gw_.Connect(1).Upgrade("/bytes").status, 503);
  EXPECT_EQ(gw_.log().Last("backend failed", "left_out"), "3");
}

}  // namespace
}  // namespace upgate::test::limits_test
