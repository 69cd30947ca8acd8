// What the gateway refuses while it is overloaded.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::overload_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;

constexpr std::string_view kConfig = R"(
workers: 2
routes:
  - { path: /echo, plugin: echo, limits: { ping_interval: 0s } }
  - { path: /numbers, plugin: stats }
)";

OverloadSet By(OverloadReason reason) {
  OverloadSet set;
  set.Set(reason, true);
  return set;
}

class OverloadTest : public testing::Test {
 protected:
  int Shake(std::size_t loop, std::string* retry_after = nullptr) {
    GatewayClient client = gw_.ConnectToLoop(loop);
    const ResponseHead head = client.Upgrade("/echo");
    if (retry_after != nullptr) *retry_after = head.Get("Retry-After").value_or("");
    client.peer().Close();
    gw_.loop().Advance(10s);
    return head.status;
  }
  TestGateway gw_{kConfig};
};

TEST_F(OverloadTest, NewHandshakesAreRefusedWithAWaitThatDiffers) {
  gw_.counts().overload.Set(0, By(OverloadReason::kMemory));
  std::string retry_after;
  EXPECT_EQ(Shake(0, &retry_after), 503);
  const int seconds = std::stoi(retry_after);
  EXPECT_GE(seconds, 5);
  EXPECT_LE(seconds, 30);
  EXPECT_EQ(gw_.Handshakes(HandshakeOutcome::kOverloaded), 1u);
  EXPECT_EQ(gw_.route_stats().refusals[static_cast<std::size_t>(stats::Refusal::kOverload)].Get(),
            1u);
  EXPECT_EQ(gw_.log().Last("handshake refused", "why"),
            "the gateway is overloaded; try again later");
  gw_.counts().overload.Set(0, {});
  EXPECT_EQ(Shake(0), 101);
}

TEST_F(OverloadTest, OnlyTheLoopThatLagsRefuses) {
  gw_.counts().overload.Set(1, By(OverloadReason::kLoopLag));
  EXPECT_EQ(Shake(0), 101);
  EXPECT_EQ(Shake(1), 503);
}

TEST_F(OverloadTest, SessionsAndRequestsGoOn) {
  GatewayClient session = gw_.ConnectToLoop(0);
  EXPECT_EQ(session.Upgrade("/echo").status, 101);
  gw_.counts().overload.Set(0, By(OverloadReason::kMemory));
  session.Send(TextFrame("still here"));
  EXPECT_EQ(session.Frames().size(), 1u);
  GatewayClient client = gw_.ConnectToLoop(0);
  client.Send("GET /numbers HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Head().status, 200);
  session.peer().Close();
  client.peer().Close();
  gw_.loop().Advance(10s);
}

// They wait in the backlog, and those that are in have all they need.
TEST_F(OverloadTest, ALackOfDescriptorsRefusesNobodyWhoIsIn) {
  gw_.counts().overload.Set(0, By(OverloadReason::kDescriptors));
  EXPECT_EQ(Shake(0), 101);
}

class TlsHandshakes : public testing::Test {
 protected:
  using Clients = std::vector<std::unique_ptr<TestPeer>>;

  void Connect(Clients& clients, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      clients.push_back(std::make_unique<TestPeer>(gw_.network(), Address("127.0.0.1:443")));
    gw_.loop().RunUntilIdle();
  }
  std::uint64_t connections() { return gw_.listener_stats().connections_total.Get(); }
  std::uint64_t pauses() {
    return gw_.listener_stats()
        .accept_pauses[static_cast<std::size_t>(stats::WaitReason::kHandshakes)]
        .Get();
  }

  TempFolder folder_;
  TestGateway gw_{TlsListener(folder_) +
                  "http: { head_timeout: 10s }\nroutes: [ { path: /echo, plugin: echo } ]\n"};
};

// A whole record with the first byte of a ClientHello.
constexpr std::string_view kBegin("\x16\x03\x01\0\x01\x01", 6);

// Many clients that begin TLS, and say nothing.
TEST_F(TlsHandshakes, ThoseThatStopMakeRoomForNewOnes) {
  Clients clients;
  Connect(clients, http::Front::kMostUnfinished + 2);
  EXPECT_EQ(connections(), http::Front::kMostUnfinished);
  EXPECT_EQ(pauses(), 1u);
  clients[0]->Send(kBegin);  // completes nothing
  gw_.loop().Advance(http::Front::kHandshakePatience - 100ms);
  EXPECT_EQ(connections(), http::Front::kMostUnfinished);
  EXPECT_FALSE(clients[0]->done());
  gw_.loop().Advance(200ms);
  EXPECT_EQ(connections(), http::Front::kMostUnfinished + 2);
  EXPECT_TRUE(clients[0]->done());
  EXPECT_TRUE(clients[1]->done());
  EXPECT_FALSE(clients[2]->done()) << "only as many as others wait";
  const auto timeout = static_cast<std::size_t>(TlsFault::kTimeout);
  EXPECT_EQ(gw_.listener_stats().tls_failures[timeout].Get(), 2u);
  EXPECT_EQ(gw_.log().Last("connection failed", "why"),
            "the client stopped in the TLS handshake, and others wait");
  clients.clear();
  gw_.loop().Advance(20s);
}

TEST_F(TlsHandshakes, NoMoreBeginThanCanGoOn) {
  Clients clients;
  Connect(clients, http::Front::kMostAtWork);
  for (const auto& client : clients) client->Send(kBegin);
  gw_.network().RunUntilIdle();  // the records arrive, and are left for later turns
  clients.push_back(std::make_unique<TestPeer>(gw_.network(), Address("127.0.0.1:443")));
  gw_.network().RunUntilIdle();
  EXPECT_EQ(connections(), http::Front::kMostAtWork);
  EXPECT_EQ(pauses(), 1u);
  gw_.loop().Advance(100ms);
  EXPECT_EQ(connections(), http::Front::kMostAtWork + 1) << "nothing is left to be done";
  clients.clear();
  gw_.loop().Advance(20s);
}

}  // namespace
}  // namespace upgate::test::overload_test
