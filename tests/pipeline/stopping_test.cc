// Shutdown of the gateway, and limits.max_age.
#include <deque>
#include <string>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::stopping_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kEcho = "routes: [ { path: /echo, plugin: echo } ]\n";

TEST(Stopping, ClosesAreSpreadAndCarryTheCode) {
  TestGateway gw(kEcho);
  std::deque<GatewayClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(gw.loop(), Address("127.0.0.1:80"));
    ASSERT_EQ(clients.back().Upgrade("/echo").status, 101);
  }
  bool empty = false;
  gw.gateway().Drain(1012, 10s, [&] { empty = true; });
  gw.loop().RunUntilIdle();
  int closed = 0;
  for (int second = 1; second <= 10; ++second) {
    gw.loop().Advance(1s);
    for (GatewayClient& client : clients) {
      const std::uint16_t code = client.ReceivedClose();
      if (code == 0) continue;
      EXPECT_EQ(code, 1012);
      client.Send(CloseFrame(1012));
      client.peer().Close();
      ++closed;
    }
    EXPECT_EQ(closed, 2 * second);
  }
  gw.loop().Advance(5s);
  EXPECT_TRUE(empty);
}

TEST(Stopping, ASessionThatIsOpenIsServedUntilItsTurnComes) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  gw.gateway().Drain(1001, 1h, [] {});
  gw.loop().RunUntilIdle();
  client.Send(TextFrame("still here"));
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, "still here");
}

TEST(Stopping, TheNextRequestOnAConnectionIsRefusedAndToldWhenToComeAgain) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  client.Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(client.Head().status, 404);
  client.Rest();
  client.peer().Send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  gw.gateway().Drain(1001, 0ms, [] {});
  gw.listeners().Drain([] {});
  gw.loop().RunUntilIdle();
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.Get("retry-after"), "5");
  EXPECT_EQ(head.Get("connection"), "close");
}

TEST(Stopping, ABodyThatNobodyWantsIsNotWaitedFor) {
  for (const bool refused_before : {true, false}) {
    TestGateway gw(kEcho);
    auto client = gw.Connect();
    const std::string request = "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n";
    if (refused_before) {
      client.Send(request);
      ASSERT_EQ(client.Head().status, 404);
    } else {
      client.peer().Send(request);
    }
    bool empty = false;
    gw.gateway().Drain(1001, 0ms, [] {});
    gw.listeners().Drain([&] { empty = true; });
    gw.loop().Advance(1500ms);
    EXPECT_TRUE(empty) << refused_before;
  }
}

TEST(Stopping, WhoIsInTheQueueOfAListenerIsServed) {
  TestGateway gw(kEcho);
  GatewayClient asks(gw.loop(), Address("127.0.0.1:80"));
  asks.peer().Send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n");
  GatewayClient upgrades(gw.loop(), Address("127.0.0.1:80"));
  upgrades.peer().Send(UpgradeRequest("/echo"));
  bool empty = false;
  gw.gateway().Drain(1001, 0ms, [&] { empty = true; });
  gw.listeners().Drain([] {});
  gw.loop().RunUntilIdle();
  const ResponseHead head = asks.Head();
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.Get("connection"), "close");
  EXPECT_EQ(upgrades.Head().status, 101);
  EXPECT_EQ(upgrades.ReceivedClose(), 1001);
  upgrades.Send(CloseFrame(1001));
  upgrades.peer().Close();
  asks.peer().Close();
  gw.loop().Advance(10s);
  EXPECT_TRUE(empty);
  EXPECT_TRUE(gw.listeners().empty());
}

constexpr std::string_view kAged =
    "routes: [ { path: /echo, plugin: echo, limits: { max_age: 100s, ping_interval: 0s } } ]\n";

TEST(MaxAge, ASessionIsClosedWithinTheLastTenthOfIt) {
  TestGateway gw(kAged);
  std::deque<GatewayClient> clients;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back(gw.loop(), Address("127.0.0.1:80"));
    ASSERT_EQ(clients.back().Upgrade("/echo").status, 101);
  }
  const auto closed = [&] {
    int count = 0;
    for (GatewayClient& client : clients) {
      if (const std::uint16_t code = client.ReceivedClose(); code != 0) {
        EXPECT_EQ(code, 1012);
        ++count;
      }
    }
    return count;
  };
  gw.loop().Advance(90s - 1ms);
  EXPECT_EQ(closed(), 0);
  gw.loop().Advance(5s);
  const int half = closed();
  EXPECT_GT(half, 10) << "with jitter";
  EXPECT_LT(half, 40);
  gw.loop().Advance(5s);
  EXPECT_EQ(half + closed(), 50);
}

TEST(MaxAge, OfASessionThatHasEndedNothingIsLeft) {
  TestGateway gw(kAged);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  EXPECT_EQ(gw.gateway().closing(), 1u);
  client.peer().Close();
  gw.loop().Advance(10s);
  EXPECT_EQ(gw.gateway().sessions(), 0u);
  EXPECT_EQ(gw.gateway().closing(), 0u);
}

}  // namespace
}  // namespace upgate::test::stopping_test
