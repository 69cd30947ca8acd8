// The work limit of a session per turn: a session with much input is served in parts, and does not
// delay others.
#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"
#include "tests/support/raw_deflate.h"

namespace upgate::test::shares_test {
namespace {

constexpr std::string_view kConfig = R"(
backends:
  bytes: { servers: [ "tcp://127.0.0.1:7000" ] }
routes:
  - { path: /echo, plugin: echo }
  - { path: /stats, plugin: stats }
  - { path: /room/*, plugin: broadcast, options: { to_sender: true } }
  - { path: /bytes, backend: bytes }
  - { path: /deflate, backend: bytes, compression: true }
)";

// Used up by four messages without payload.
constexpr std::size_t kShare = 4 * io::kMessageWork;

std::string EmptyMessages(std::size_t count) {
  std::string wire;
  for (std::size_t i = 0; i < count; ++i) wire += BinaryFrame("");
  return wire;
}

struct Path {
  std::string_view flood;
  std::string_view polite;
  std::size_t route;
};

class Shares : public TestOfCase<Path> {};
INSTANTIATE_CASES(Routes, Shares, Path{"/echo", "/echo", 0}, Path{"/stats", "/stats", 1},
                  Path{"/room/a", "/room/b", 2}, Path{"/bytes", "/echo", 3});

TEST_EACH(Shares, ManyMessagesOfOneReadTakeManyTurns) {
  TestGateway gw(kConfig, {}, kShare);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto flood = gw.Connect();
  ASSERT_EQ(flood.Upgrade(GetParam().flood).status, 101);
  constexpr std::size_t kMessages = 1000;
  flood.peer().Send(EmptyMessages(kMessages));
  const stats::Counter& taken = gw.route_stats(GetParam().route).in.binary_messages;
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  while (gw.loop().RunTurn()) {
    most = std::max(most, taken.Get() - before);
    before = taken.Get();
  }
  EXPECT_EQ(before, kMessages);
  EXPECT_GT(most, 0U);
  // New input and leftovers.
  EXPECT_LE(most, 8U);
}

TEST_EACH(Shares, APoliteClientIsAnsweredMeanwhile) {
  TestGateway gw(kConfig, {}, kShare);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto flood = gw.Connect();
  auto polite = gw.Connect();
  ASSERT_EQ(flood.Upgrade(GetParam().flood).status, 101);
  ASSERT_EQ(polite.Upgrade(GetParam().polite).status, 101);
  constexpr std::size_t kMessages = 1000;
  const stats::Counter& taken = gw.route_stats(GetParam().route).in.binary_messages;
  flood.peer().Send(EmptyMessages(kMessages));
  gw.loop().RunTurn();
  polite.peer().Send(TextFrame("hello"));
  std::size_t turns = 0;
  while (polite.Frames().empty() && gw.loop().RunTurn()) ++turns;
  EXPECT_LE(turns, 8U);
  EXPECT_LT(taken.Get(), kMessages / 2);
  gw.loop().RunUntilIdle();
  EXPECT_EQ(taken.Get(), kMessages);
}

TEST(SharesOfCompression, OnePartOfAMessageTakesManyTurns) {
  constexpr std::size_t kSmall = 64 * 1024;
  TestGateway gw(kConfig, {}, kSmall);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/deflate", "Sec-WebSocket-Extensions: permessage-deflate\r\n").status,
            101);
  const std::string zeros(1 << 20, '\0');
  client.peer().Send(Frame(kBinary, DeflatedZeros(1), {.rsv = 4}) + BinaryFrame("behind it"));
  const stats::Counter& inflated = gw.route_stats(4).in.inflated_bytes;
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  while (gw.loop().RunTurn()) {
    most = std::max(most, inflated.Get() - before);
    before = inflated.Get();
  }
  EXPECT_EQ(before, zeros.size());
  EXPECT_LE(most, 4 * kSmall);
  EXPECT_EQ(server[0].TakeReceived(), zeros + "behind it");
}

// A client that opens connections, fills them and breaks them leaves bounded work behind.
TEST(SharesOfTheGone, FewBrokenConnectionsAreFinishedAtATime) {
  constexpr std::size_t kClients = 100;
  TestGateway gw(kConfig, {}, kShare);
  for (std::size_t i = 0; i < kClients; ++i) {
    auto client = gw.Connect();
    ASSERT_EQ(client.Upgrade("/echo").status, 101);
    client.peer().Send(EmptyMessages(1000));
    for (int turn = 0; turn < 3; ++turn) gw.loop().RunTurn();
    client.peer().Reset();
    for (int turn = 0; turn < 3; ++turn) gw.loop().RunTurn();
  }
  EXPECT_GT(gw.gateway().sessions(), 0U) << "data before the end is still processed";
  EXPECT_LE(gw.gateway().sessions(), session::Context::kMostFinishing);
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 0U);
}

TEST(SharesOfTheGone, DataBeforeTheEndReachesTheServer) {
  TestGateway gw(kConfig, {}, kShare);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/bytes").status, 101);
  std::string wire;
  std::string payload;
  for (int i = 0; i < 100; ++i) {
    payload += std::to_string(i) + ' ';
    wire += BinaryFrame(std::to_string(i) + ' ');
  }
  client.peer().Send(wire);
  for (int turn = 0; turn < 3; ++turn) gw.loop().RunTurn();
  client.peer().Reset();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(server[0].TakeReceived(), payload);
}

// RFC 6455, sections 5.4 and 5.5.2: a ping may come inside a fragmented message, and its pong
// follows the answers to earlier data.
class PongOrder : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, PongOrder, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(PongOrder, APongStandsWhereItsPingStood) {
  TestGateway gw(kConfig, {.read_chunk = GetParam()});
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  client.Send(TextFrame("one") + PingFrame("a") + Frame(kText, "t", {.fin = false}) +
              PingFrame("b") + Frame(kContinuation, "wo") + PingFrame("c") + PingFrame("d") +
              BinaryFrame(std::string(20'000, 'x')) + PingFrame("e"));
  std::string order;
  for (const ParsedFrame& frame : client.Frames()) {
    order += frame.opcode == kPong ? frame.payload : std::string("[") + frame.payload[0] + "]";
  }
  EXPECT_EQ(order, "[o]ab[t]cd[x]e");
}

}  // namespace
}  // namespace upgate::test::shares_test
