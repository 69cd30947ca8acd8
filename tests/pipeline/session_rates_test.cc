// How fast the peers of a session may send, and clients that take nothing.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::session_rates_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
backends:
  bytes: { servers: [ "tcp://127.0.0.1:7000" ] }
  frames: { servers: [ "ws://127.0.0.1:7001" ] }
routes:
  - { path: /bytes/delay, backend: bytes, limits: { messages: { rate: 10/s, burst: 20 }, ping_interval: 0s } }
  - { path: /bytes/close, backend: bytes, limits: { messages: { rate: 10/s, burst: 20, over: close, from: client }, ping_interval: 0s } }
  - { path: /bytes/volume, backend: bytes, limits: { bytes: { rate: 1KiB/s, burst: 1KiB }, ping_interval: 0s } }
  - { path: /bytes/server, backend: bytes, limits: { bytes: { rate: 1KiB/s, burst: 1KiB, over: close, from: server }, ping_interval: 0s } }
  - { path: /frames/delay, backend: frames, limits: { messages: { rate: 10/s, burst: 20 }, ping_interval: 0s } }
  - { path: /frames/close, backend: frames, limits: { messages: { rate: 10/s, burst: 20, over: close }, ping_interval: 0s } }
  - { path: /frames/enforced, backend: frames, enforce: true, limits: { messages: { rate: 10/s, burst: 20 }, ping_interval: 0s } }
  - { path: /echo, plugin: echo, limits: { messages: { rate: 10/s, burst: 20 }, ping_interval: 0s } }
  - { path: /frames/stuck, backend: frames, limits: { queue_time: 20s, ping_interval: 0s, close_timeout: 2s } }
  - { path: /bytes/stuck, backend: bytes, limits: { queue_time: 20s, ping_interval: 0s, close_timeout: 2s } }
)";

constexpr std::string_view kAccepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// A session with a server that the test plays: of bytes, or of frames.
class Session {
 public:
  explicit Session(std::string_view target, MemoryNetwork::Options options = {})
      : gw(kConfig, options),
        bytes_(gw.network(), Address("127.0.0.1:7000")),
        frames_(gw.network(), Address("127.0.0.1:7001")),
        client(gw.Connect()) {
    frames_.OnConnection([](TestPeer& peer) {
      peer.OnReceive(
          [head = std::string(), done = false](TestPeer& self, std::string_view bytes) mutable {
            head += bytes;
            if (done || head.find("\r\n\r\n") == std::string::npos) return;
            done = true;
            self.Send(kAccepted);
          });
    });
    EXPECT_EQ(client.Upgrade(target).status, 101);
    if (frames_.size() > 0) server().TakeReceived();
  }
  ~Session() {
    client.peer().Close();
    gw.loop().Advance(1h);
  }
  TestPeer& server() { return frames_.size() > 0 ? frames_[0] : bytes_[0]; }
  std::size_t messages_in() { return gw.route_stats(index()).in.binary_messages.Get(); }
  std::uint64_t waits() { return gw.route_stats(index()).in.rate_waits.Get(); }
  void SendMessages(int count) {
    for (int i = 0; i < count; ++i) client.Send(BinaryFrame("m"));
  }
  std::size_t index() {
    for (std::size_t i = 0;; ++i) {
      if (gw.route_stats(i).requests.Get() > 0) return i;
    }
  }

  TestGateway gw;

 private:
  TestServer bytes_;
  TestServer frames_;

 public:
  GatewayClient client;
};

class DelayTest : public TestOfCase<std::string_view> {};
INSTANTIATE_CASES(Routes, DelayTest, "/bytes/delay", "/frames/delay", "/frames/enforced", "/echo");

TEST_EACH(DelayTest, AClientIsReadAsFastAsItMaySend) {
  Session s(GetParam());
  s.SendMessages(50);
  EXPECT_EQ(s.messages_in(), 21u) << "the burst, and one that shows that more come";
  s.gw.loop().Advance(95ms);
  EXPECT_EQ(s.messages_in(), 21u);
  s.gw.loop().Advance(1s);
  EXPECT_NEAR(static_cast<double>(s.messages_in()), 31, 1);
  s.gw.loop().Advance(5s);
  EXPECT_EQ(s.messages_in(), 50u) << "all have come";
  EXPECT_GT(s.waits(), 1u);
  EXPECT_EQ(s.gw.gateway().sessions(), 1u);
  s.gw.loop().Advance(10s);
  s.SendMessages(20);
  EXPECT_EQ(s.messages_in(), 70u) << "the burst is there again";
}

TEST_EACH(DelayTest, AWaitingClientCanStillBeClosed) {
  Session s(GetParam());
  s.SendMessages(25);
  s.gw.gateway().CloseSession(1, 1001, "go");
  s.gw.loop().RunUntilIdle();
  EXPECT_EQ(s.client.ReceivedClose(), 1001);
  s.client.Send(CloseFrame(1001));
  if (std::string_view(GetParam()).starts_with("/frames"))
    s.server().Send(ServerFrame(kClose, CloseBody(1001)));
  s.gw.loop().Advance(10s);
  EXPECT_EQ(s.gw.log().Last("session close", "code"), "1001");
}

TEST(SessionRates, TheServerIsLimitedByItself) {
  Session s("/frames/delay");
  for (int i = 0; i < 50; ++i) {
    s.server().Send(ServerFrame(kBinary, "m"));
    s.gw.loop().RunUntilIdle();
  }
  EXPECT_EQ(s.client.Frames().size(), 21u);
  s.SendMessages(5);
  EXPECT_EQ(s.messages_in(), 5u) << "the client is not";
  s.gw.loop().Advance(1s);
  EXPECT_NEAR(static_cast<double>(s.client.Frames().size()), 10, 1);
  EXPECT_GT(s.gw.route_stats(s.index()).out.rate_waits.Get(), 0u);
}

TEST(SessionRates, MoreThanTheBurstClosesWithOver) {
  for (const std::string_view path : {"/bytes/close", "/frames/close"}) {
    Session s(path);
    s.SendMessages(20);
    EXPECT_EQ(s.client.ReceivedClose(), 0);
    s.gw.loop().Advance(100ms);
    s.SendMessages(1);
    EXPECT_EQ(s.client.ReceivedClose(), 0);
    s.SendMessages(1);
    EXPECT_EQ(s.client.ReceivedClose(), 1008) << path;
    s.client.peer().Close();
    s.gw.loop().Advance(10s);
    EXPECT_EQ(s.gw.log().Last("session close", "code"), "1008");
    EXPECT_EQ(s.gw.log().Last("session close", "why"),
              "more messages than limits.messages of the route allows");
  }
}

TEST(SessionRates, BytesAreCountedBothWays) {
  Session s("/bytes/volume");
  s.client.Send(BinaryFrame(std::string(3000, 'x')));
  EXPECT_EQ(s.server().received().size(), 3000u);
  s.client.Send(BinaryFrame("late"));
  EXPECT_EQ(s.server().received().size(), 3000u);
  s.gw.loop().Advance(2s);
  EXPECT_EQ(s.server().received().size(), 3004u);
  s.server().Send(std::string(3000, 'y'));
  s.gw.loop().RunUntilIdle();
  s.server().Send("late");
  s.gw.loop().RunUntilIdle();
  EXPECT_EQ(s.client.Frames().size(), 1u);
  s.gw.loop().Advance(2s);
  EXPECT_EQ(s.client.Frames().size(), 1u);
}

TEST(SessionRates, AServerThatSendsTooFastEndsTheSession) {
  Session s("/bytes/server");
  s.client.Send(BinaryFrame(std::string(3000, 'x')));
  EXPECT_EQ(s.server().received().size(), 3000u) << "the client is not limited";
  s.server().Send(std::string(1025, 'y'));
  s.gw.loop().RunUntilIdle();
  EXPECT_EQ(s.client.ReceivedClose(), 1008);
}

class StuckTest : public TestOfCase<std::string_view> {};
INSTANTIATE_CASES(Routes, StuckTest, "/bytes/stuck", "/frames/stuck");

TEST_EACH(StuckTest, AClientThatTakesNothingIsClosed) {
  Session s(GetParam(), {.send_buffer = 64 << 10});
  s.client.peer().Stall();
  const bool frames = GetParam() == "/frames/stuck";
  s.server().Send(frames ? ServerFrame(kBinary, std::string(30'000, 'x'))
                         : std::string(30'000, 'x'));
  s.gw.loop().Advance(19s);
  EXPECT_EQ(s.gw.gateway().sessions(), 1u);
  s.gw.loop().Advance(12s);
  EXPECT_EQ(s.gw.gateway().sessions(), 0u);
  EXPECT_EQ(s.gw.log().Last("session close", "code"), "1013");
  EXPECT_EQ(s.gw.log().Last("session close", "why"),
            "took nothing of what was waiting for it within limits.queue_time");
}

TEST_EACH(StuckTest, AQuietClientIsNotStuck) {
  Session s(GetParam());
  s.gw.loop().Advance(10min);
  EXPECT_EQ(s.gw.gateway().sessions(), 1u);
}

TEST_EACH(StuckTest, ASlowClientIsNotStuck) {
  Session s(GetParam(), {.send_buffer = 4 << 20});
  const bool frames = GetParam() == "/frames/stuck";
  s.client.peer().Stall();
  std::string all;
  for (int i = 0; i < 30; ++i)
    all += frames ? ServerFrame(kBinary, std::string(60'000, 'x')) : std::string(60'000, 'x');
  s.server().Send(all);
  for (int i = 0; i < 10; ++i) {
    s.gw.loop().Advance(15s);
    s.client.peer().Resume();
    s.gw.loop().RunTurn();
    s.client.peer().Stall();
  }
  EXPECT_EQ(s.gw.gateway().sessions(), 1u);
}

}  // namespace
}  // namespace upgate::test::session_rates_test
