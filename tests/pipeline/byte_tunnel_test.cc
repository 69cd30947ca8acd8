// Sessions between frames and bytes, from the 101 to the close: data, endings, and memory limits.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::byte_tunnel_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
backends: { b: { servers: [ "tcp://127.0.0.1:7000" ] } }
routes:
  - { path: /b, backend: b, limits: { message_size: 1MiB } }
  - { path: /text, backend: b, encoding: text }
  - { path: /base64, backend: b, encoding: base64 }
  - { path: /small, backend: b, limits: { message_size: 100 } }
  - { path: /pinged, backend: b, limits: { ping_interval: 10s, idle: 1m } }
  - { path: /quiet, backend: b, limits: { ping_interval: 0s, idle: 1m } }
)";

// A client connected through the gateway to a server that the test plays.
class Tunnel {
 public:
  explicit Tunnel(std::string_view target = "/b", MemoryNetwork::Options options = {})
      : gw(kConfig, options),
        server_(gw.network(), Address("127.0.0.1:7000")),
        client(gw.Connect()) {
    EXPECT_EQ(client.Upgrade(target).status, 101);
    EXPECT_EQ(server_.size(), 1u);
  }
  TestPeer& server() { return server_[0]; }
  void Run() { gw.loop().RunUntilIdle(); }
  std::string Payload() {
    std::string all;
    for (const auto& frame : client.Frames()) all += frame.payload;
    return all;
  }
  // Closes both ends and waits for all timeouts; then the session must be gone.
  void Finish() {
    client.peer().Shutdown();
    Run();
    gw.loop().Advance(30s);
    EXPECT_EQ(gw.gateway().sessions(), 0u);
  }

  TestGateway gw;

 private:
  TestServer server_;

 public:
  GatewayClient client;
};

class TunnelAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, TunnelAtChunk, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(TunnelAtChunk, PayloadGoesToTheServerAndComesBackAsBinary) {
  Tunnel t("/b", {.read_chunk = GetParam()});
  t.client.Send(BinaryFrame("one") + Fragmented(kText, "fragmented", 3) + PingFrame("p") +
                BinaryFrame("") + BinaryFrame(std::string(300, 'x')));
  EXPECT_EQ(t.server().TakeReceived(), "onefragmented" + std::string(300, 'x'));
  auto frames = t.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], (ParsedFrame{.opcode = kPong, .payload = "p"}));
  t.server().Send(std::string(70000, 'y'));
  t.Run();
  EXPECT_EQ(t.Payload(), std::string(70000, 'y'));
}

// The payload of many frames in one read is written at once: nothing may be lost or reordered,
// whatever frames are in between.
TEST_EACH(TunnelAtChunk, ManyFramesOfEverySizeArriveInOrder) {
  Tunnel t("/b", {.read_chunk = GetParam()});
  std::string frames;
  std::string payload;
  int pings = 0;
  const auto add = [&](std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(payload.size() + i * 7);
    payload += bytes;
    const std::size_t kind = size % 5;
    frames += kind == 0 ? Fragmented(kBinary, bytes, 3) : BinaryFrame(bytes);
    if (kind > 2) frames += PingFrame(std::string(size % 126, 'p'));
    if (kind > 2) ++pings;
  };
  for (std::size_t size = 0; size < 140; ++size) add(size);
  for (const std::size_t size : {2047, 2048, 2049, 1, 65535, 2, 70000, 3}) add(size);
  t.client.Send(frames);
  t.Run();
  EXPECT_TRUE(t.server().TakeReceived() == payload);
  EXPECT_EQ(t.client.Frames().size(), static_cast<std::size_t>(pings));
}

TEST_EACH(TunnelAtChunk, PingsAreAnsweredInOrderWithTheirPayload) {
  Tunnel t("/b", {.read_chunk = GetParam()});
  t.client.Send(PingFrame("1") + PingFrame(std::string(125, '2')) + BinaryFrame("x") +
                PingFrame(""));
  std::string order;
  for (const auto& frame : t.client.Frames()) {
    EXPECT_EQ(frame.opcode, kPong);
    order += frame.payload.substr(0, 1) + ",";
  }
  EXPECT_EQ(order, "1,2,,");
}

TEST_EACH(TunnelAtChunk, TextIsCutAtCharacters) {
  Tunnel t("/text", {.read_chunk = GetParam()});
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  t.server().Send(text);
  t.Run();
  std::string got;
  for (const auto& frame : t.client.Frames()) {
    EXPECT_EQ(frame.opcode, kText);
    EXPECT_NE(static_cast<unsigned char>(frame.payload[0]) & 0xc0, 0x80);
    got += frame.payload;
  }
  EXPECT_EQ(got, text);
}

TEST_EACH(TunnelAtChunk, Base64BothWays) {
  Tunnel t("/base64", {.read_chunk = GetParam()});
  t.client.Send(TextFrame("aGVsbG8=") + Fragmented(kText, "d29ybGQh", 3));
  EXPECT_EQ(t.server().TakeReceived(), "helloworld!");
  t.server().Send("abc");
  t.Run();
  std::string got;
  for (const auto& frame : t.client.Frames()) {
    EXPECT_EQ(frame.opcode, kText);
    EXPECT_EQ(frame.payload.size() % 4, 0u);
    got += frame.payload;
  }
  if (GetParam() >= 3) {
    EXPECT_EQ(got, "YWJj");
  }
}

// ---- closing

TEST_EACH(TunnelAtChunk, TheServersEndIsClose1000AfterAllItsData) {
  Tunnel t("/b", {.read_chunk = GetParam()});
  t.server().Send("last words");
  t.server().Shutdown();
  t.Run();
  const auto frames = t.client.Frames();
  std::string payload;
  for (const auto& frame : frames) {
    if (frame.opcode == kBinary) payload += frame.payload;
  }
  EXPECT_EQ(payload, "last words");
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().close_code(), 1000);
  // Data that the client sends before its own Close still reaches the server.
  t.client.Send(BinaryFrame("late") + CloseFrame(1000));
  EXPECT_EQ(t.server().TakeReceived(), "late");
  EXPECT_TRUE(t.server().ended());
  EXPECT_TRUE(t.client.peer().ended());
  t.Finish();
  EXPECT_EQ(t.gw.log().Last("session close", "closed_by"), "server");
  EXPECT_EQ(t.gw.log().Last("session close", "code"), "1000");
}

TEST_EACH(TunnelAtChunk, TheClientsCloseIsAnsweredAfterTheServersLastBytes) {
  Tunnel t("/b", {.read_chunk = GetParam()});
  t.client.Send(BinaryFrame("bye") + CloseFrame(3001, "done"));
  EXPECT_EQ(t.server().TakeReceived(), "bye");
  EXPECT_TRUE(t.server().ended());
  EXPECT_TRUE(t.client.Frames().empty());
  t.server().Send("answer");
  t.server().Shutdown();
  t.Run();
  const auto frames = t.client.Frames();
  std::string payload;
  for (const auto& frame : frames) {
    if (frame.opcode == kBinary) payload += frame.payload;
  }
  EXPECT_EQ(payload, "answer");
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().close_code(), 3001);
  EXPECT_TRUE(t.client.peer().ended());
  t.Finish();
  EXPECT_EQ(t.gw.log().Last("session close", "why"), "done");
  EXPECT_EQ(t.gw.route_stats().close_codes.library.Get(), 1u);
}

TEST(ByteTunnel, AServerThatKeepsItsEndOpenIsLeftAfterTheCloseTimeout) {
  Tunnel t;
  t.client.Send(CloseFrame(1000));
  EXPECT_EQ(t.client.ReceivedClose(), 0);
  t.gw.loop().Advance(5s);
  EXPECT_EQ(t.client.ReceivedClose(), 1000);
  EXPECT_TRUE(t.server().done());
  t.Finish();
}

TEST(ByteTunnel, ABrokenServerIs1011) {
  Tunnel t;
  t.server().Reset();
  t.Run();
  EXPECT_EQ(t.client.ReceivedClose(), 1011);
  t.client.Send(CloseFrame(1011));
  EXPECT_TRUE(t.client.peer().ended());
  t.Finish();
  EXPECT_EQ(t.gw.log().Last("session close", "closed_by"), "server");
}

TEST(ByteTunnel, ALostClientShutsTheServerDown) {
  for (const bool reset : {true, false}) {
    Tunnel t;
    t.client.Send(BinaryFrame("before"));
    reset ? t.client.peer().Reset() : t.client.peer().Shutdown();
    t.Run();
    EXPECT_EQ(t.server().TakeReceived(), "before");
    EXPECT_TRUE(t.server().ended());
    t.gw.loop().Advance(5s);
    EXPECT_EQ(t.gw.gateway().sessions(), 0u);
    EXPECT_EQ(t.gw.log().Last("session close", "code"), "1006");
  }
}

TEST(ByteTunnel, AProtocolErrorIsTheCloseThatTheRuleNames) {
  struct Case {
    std::string_view target;
    std::string bytes;
    std::uint16_t code;
  };
  for (const Case& c : {
           Case{"/b", Frame(kText, "x", {.mask = std::nullopt}), 1002},
           Case{"/b", Frame(kText, "x", {.rsv = 4}), 1002},
           Case{"/b", Frame(3, "x"), 1002},
           Case{"/b", Frame(kPing, "x", {.fin = false}), 1002},
           Case{"/b", Frame(kContinuation, "x"), 1002},
           Case{"/b", TextFrame("\xff"), 1007},
           Case{"/b", Frame(kClose, "x"), 1002},
           Case{"/b", CloseFrame(1005), 1002},
           Case{"/small", BinaryFrame(std::string(101, 'x')), 1009},
           Case{"/text", BinaryFrame("x"), 1003},
           Case{"/base64", TextFrame("!!!!"), 1007},
       }) {
    Tunnel t(c.target);
    t.client.Send(c.bytes + BinaryFrame("never"));
    EXPECT_EQ(t.client.ReceivedClose(), c.code);
    EXPECT_TRUE(t.client.peer().ended());
    EXPECT_EQ(t.server().TakeReceived(), "");
    EXPECT_TRUE(t.server().ended());
    t.Finish();
    EXPECT_EQ(t.gw.log().Last("session close", "closed_by"), "gateway");
  }
}

TEST(ByteTunnel, ServerBytesThatAreNoTextAre1007) {
  Tunnel t("/text");
  t.server().Send("ok");
  t.Run();
  t.server().Send("\xff");
  t.Run();
  const auto frames = t.client.Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, "ok");
  EXPECT_EQ(frames[1].close_code(), 1007);
  t.client.Send(CloseFrame(1007));
  t.Finish();
}

TEST(ByteTunnel, AServerThatEndsInsideACharacterIs1007) {
  Tunnel t("/text");
  t.server().Send("ok\xe2\x82");
  t.server().Shutdown();
  t.Run();
  EXPECT_EQ(t.client.ReceivedClose(), 1007);
  t.client.Send(CloseFrame(1007));
  t.Finish();
}

TEST(ByteTunnel, AClientThatNeverAnswersACloseIsLeftAfterTheCloseTimeout) {
  Tunnel t;
  t.server().Shutdown();
  t.Run();
  EXPECT_EQ(t.client.ReceivedClose(), 1000);
  t.gw.loop().Advance(4900ms);
  EXPECT_EQ(t.gw.gateway().sessions(), 1u);
  t.gw.loop().Advance(6s);
  EXPECT_EQ(t.gw.gateway().sessions(), 0u);
}

// ---- keep-alive

TEST(ByteTunnel, ASilentClientIsPingedAndThenGivenUp) {
  Tunnel t;
  t.gw.loop().Advance(30s);
  auto frames = t.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opcode, kPing);
  t.client.Send(PongFrame());
  t.gw.loop().Advance(30s);
  EXPECT_EQ(t.client.Frames().size(), 1u);
  EXPECT_EQ(t.gw.gateway().sessions(), 1u);
  t.gw.loop().Advance(40s);
  EXPECT_EQ(t.gw.gateway().sessions(), 0u);
  EXPECT_EQ(t.gw.log().Last("session close", "code"), "1006");
  EXPECT_TRUE(t.server().done());
}

TEST(ByteTunnel, IdleSessionsAreClosedAndTrafficKeepsThem) {
  Tunnel t("/quiet");
  t.gw.loop().Advance(50s);
  t.server().Send("x");
  t.Run();
  t.gw.loop().Advance(50s);
  EXPECT_EQ(t.Payload(), "x");
  EXPECT_EQ(t.gw.gateway().sessions(), 1u);
  t.gw.loop().Advance(10s);
  EXPECT_EQ(t.client.ReceivedClose(), 1001);
  t.client.Send(CloseFrame(1001));
  t.Finish();
  EXPECT_NE(t.gw.log().Last("session close", "why").find("limits.idle"), std::string::npos);
}

TEST(ByteTunnel, PingsOfTheClientKeepASessionAndAnswersToOursDoNot) {
  for (const bool own : {true, false}) {
    Tunnel t("/pinged");
    int code = 0;
    for (int i = 0; i < 12; ++i) {
      t.gw.loop().Advance(10s);
      for (const ParsedFrame& frame : t.client.Frames()) {
        if (frame.opcode == kPing) t.client.Send(PongFrame(frame.payload));
        if (frame.opcode == kClose) code = frame.close_code().value_or(0);
      }
      if (own) t.client.Send(PingFrame("mine"));
      EXPECT_EQ(code, i < 5 || own ? 0 : 1001);
    }
  }
}

// The queue is empty: all bytes are in the kernel's buffer, which the client drains slowly.
TEST(ByteTunnel, AReaderThatTakesFromTheSystemsBufferIsAliveAndGetsItsTail) {
  Tunnel t("/b", {.send_buffer = 8 << 20});
  t.client.peer().Stall();
  const std::string sent(4 << 20, 'z');
  t.server().Send(sent);
  t.Run();
  const auto take = [&] {
    t.client.peer().Resume();
    t.gw.loop().RunTurn();
    t.client.peer().Stall();
  };
  for (int i = 0; i < 5; ++i) {
    t.gw.loop().Advance(25s);
    take();
    t.gw.loop().Advance(5s);
    ASSERT_EQ(t.gw.gateway().sessions(), 1u);
  }
  t.server().Shutdown();
  t.Run();
  for (int i = 0; i < 5; ++i) {
    t.gw.loop().Advance(4s);
    take();
    ASSERT_EQ(t.gw.gateway().sessions(), 1u);
  }
  t.gw.loop().Advance(11s);
  EXPECT_EQ(t.gw.gateway().sessions(), 0u) << "no progress within limits.close_timeout";
}

// ---- backpressure

constexpr std::size_t kHeldAtMost = io::kHighMark + 2 * io::kReadBufferSize;

TEST(ByteTunnel, AClientThatDoesNotReadStopsTheServer) {
  Tunnel t("/b", {.send_buffer = 64 * 1024});
  t.client.peer().Stall();
  const std::string megabytes(8 << 20, 'z');
  t.server().Send(megabytes);
  t.Run();
  std::size_t held = 0;
  for (MemoryStream* stream : t.gw.network().Streams()) held += stream->queued();
  EXPECT_LE(held, kHeldAtMost);
  EXPECT_GT(t.server().stream()->queued(), 7u << 20);
  t.client.peer().Resume();
  t.Run();
  EXPECT_EQ(t.Payload(), megabytes);
}

TEST(ByteTunnel, AServerThatDoesNotReadStopsTheClient) {
  Tunnel t("/b", {.send_buffer = 64 * 1024});
  t.server().Stall();
  std::string expected;
  for (int i = 0; i < 16; ++i) {
    const std::string piece(512 * 1024, static_cast<char>('a' + i));
    expected += piece;
    t.client.Send(BinaryFrame(piece));
  }
  std::size_t held = 0;
  for (MemoryStream* stream : t.gw.network().Streams()) held += stream->queued();
  EXPECT_LE(held, kHeldAtMost);
  EXPECT_GT(t.client.peer().stream()->queued(), 7u << 20);
  t.server().Resume();
  t.Run();
  EXPECT_EQ(t.server().TakeReceived(), expected);
}

TEST(ByteTunnel, PingsAreEventuallyNotReadIfPongsAreNotRead) {
  Tunnel t("/b", {.send_buffer = 64 * 1024});
  t.client.peer().Stall();
  const std::string ping = PingFrame(std::string(125, 'p'));
  std::string flood;
  for (int i = 0; i < 20000; ++i) flood += ping;
  t.client.Send(flood);
  std::size_t held = 0;
  for (MemoryStream* stream : t.gw.network().Streams()) held += stream->queued();
  EXPECT_LE(held, kHeldAtMost);
  t.client.peer().Resume();
  t.Run();
  EXPECT_EQ(t.client.Frames().size(), 20000u);
}

// ---- shutdown of the gateway

TEST(ByteTunnel, DrainClosesWith1001AlsoASessionThatComesLate) {
  Tunnel t;
  auto waiting = t.gw.Connect();
  bool empty = false;
  t.gw.gateway().Drain(1001, io::Millis{0}, [&] { empty = true; });
  t.Run();
  EXPECT_EQ(t.client.ReceivedClose(), 1001);
  EXPECT_FALSE(empty);
  EXPECT_EQ(waiting.Upgrade("/b").status, 101);
  EXPECT_EQ(waiting.ReceivedClose(), 1001);
  waiting.Send(CloseFrame(1001));
  waiting.peer().Close();
  t.client.Send(CloseFrame(1001));
  t.Finish();
  t.gw.loop().Advance(10s);
  EXPECT_TRUE(empty);
  EXPECT_EQ(t.gw.log().Last("session close", "closed_by"), "gateway");
}

// ---- failures at every step

TEST(ByteTunnel, SurvivesAFailureOfEveryOperation) {
  const auto scenario = [](std::uint64_t fail_at) {
    TestGateway gw(kConfig, {.read_chunk = 100});
    if (fail_at != 0) gw.network().FailOperation(fail_at);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([](TestPeer& peer) {
      peer.OnReceive([](TestPeer& self, std::string_view bytes) { self.Send(bytes); });
    });
    auto client = gw.Connect();
    client.Upgrade("/b");
    client.Send(BinaryFrame(std::string(500, 'x')) + PingFrame("p"));
    client.Send(CloseFrame(1000));
    if (server.size() > 0 && !server[0].done()) server[0].Shutdown();
    gw.loop().RunUntilIdle();
    client.peer().Shutdown();
    gw.loop().Advance(2min);
    EXPECT_EQ(gw.gateway().sessions(), 0u) << "failing operation " << fail_at;
    EXPECT_EQ(gw.log().Count("session open"), gw.log().Count("session close"));
    return gw.network().operations();
  };
  const std::uint64_t operations = scenario(0);
  EXPECT_GT(operations, 10u);
  for (std::uint64_t n = 1; n <= operations; ++n) scenario(n);
}

TEST(ByteTunnel, AClientThatReadsSlowlyIsNotConsideredDead) {
  Tunnel t("/b", {.send_buffer = 64 * 1024});
  std::size_t taken = 0;
  t.client.peer().OnReceive([&](TestPeer& self, std::string_view bytes) {
    taken += bytes.size();
    if (taken >= 256 * 1024) self.Stall();
  });
  t.server().Send(std::string(16 << 20, 's'));
  for (int i = 0; i < 40; ++i) {
    t.gw.loop().Advance(20s);
    taken = 0;
    t.client.peer().Resume();
    t.Run();
  }
  EXPECT_FALSE(t.client.peer().done());
  t.gw.loop().Advance(2min);  // now it has stopped reading
  EXPECT_TRUE(t.client.peer().done());
  t.Finish();
}

}  // namespace
}  // namespace upgate::test::byte_tunnel_test
