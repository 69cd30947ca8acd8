// Connections that are no longer used, or never were: each is closed in bounded time, and the data
// read and discarded meanwhile is bounded, too.
#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tls/context.h"
#include "gateway/ws/handshake.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::lingering_test {
namespace {

using namespace std::chrono_literals;

// ---- TLS handshakes that never end

class UnfinishedHandshake : public testing::Test {
 protected:
  TempFolder folder_;
  TestGateway gw_{TlsListener(folder_) +
                  "http: { head_timeout: 7s, idle_timeout: 50s }\n"
                  "routes: [ { path: /echo, plugin: echo } ]\n"};
};

TEST_F(UnfinishedHandshake, AHandshakeThatNeverEndsIsLimitedByTheHeadTimeout) {
  auto silent = gw_.Connect();
  auto begun = gw_.Connect();
  begun.Send("\x16\x03\x01\x02");
  gw_.loop().Advance(6s);
  EXPECT_FALSE(silent.peer().done());
  EXPECT_FALSE(begun.peer().done());
  begun.Send("\x01");  // is no progress
  gw_.loop().Advance(1s);
  EXPECT_TRUE(silent.peer().done());
  EXPECT_TRUE(begun.peer().done());
  const auto timeout = static_cast<std::size_t>(TlsFault::kTimeout);
  EXPECT_EQ(gw_.listener_stats().tls_failures[timeout].Get(), 2u);
  EXPECT_EQ(gw_.log().Count("TLS handshake failed"), 1u) << "not a line for each";
  EXPECT_EQ(gw_.log().Last("TLS handshake failed", "kind"), "timeout");
  EXPECT_EQ(gw_.listener_stats().connections_open.Get(), 0u);
  EXPECT_EQ(gw_.log().Last("connection failed", "why"),
            "the TLS handshake took longer than http.head_timeout");
}

// ---- servers that accept a connection and send nothing

constexpr std::string_view kBackends = R"(
backends:
  live: { servers: [ "ws://127.0.0.1:7000" ], connect_timeout: 4s }
  site: { servers: [ "http://127.0.0.1:7000" ], connect_timeout: 4s, first_byte_timeout: 30s }
  safe: { servers: [ "wss://127.0.0.1:7000" ], connect_timeout: 4s, tls: { verify: false } }
  raw: { servers: [ "tls://127.0.0.1:7000" ], connect_timeout: 4s, tls: { verify: false } }
routes:
  - { path: /live, backend: live, limits: { sessions: 1 } }
  - { path: /site, backend: site, limits: { sessions: 1 } }
  - { path: /safe, backend: safe, limits: { sessions: 1 } }
  - { path: /raw, backend: raw, limits: { sessions: 1 } }
)";

class SilentServer : public TestOfCase<std::size_t> {
 protected:
  static constexpr std::array<std::string_view, 4> kRoutes{"/live", "/site", "/safe", "/raw"};
};
INSTANTIATE_CASES(Route, SilentServer, 0, 1, 2, 3);

TEST_EACH(SilentServer, HasTheConnectTimeoutUntilThe101) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  for (std::size_t i = 0; i < 2; ++i) {  // the route allows one session at a time
    auto client = gw.Connect();
    client.Send(UpgradeRequest(kRoutes[GetParam()]));
    ASSERT_EQ(server.size(), i + 1);
    gw.loop().Advance(3999ms);
    EXPECT_EQ(client.Head().status, 0);
    gw.loop().Advance(2ms);
    EXPECT_EQ(client.Head().status, 504);
    EXPECT_TRUE(server[i].done());
  }
  EXPECT_EQ(gw.Handshakes(stats::HandshakeOutcome::kBackendTimeout, GetParam()), 2u);
  EXPECT_THAT(gw.log().Last("backend failed", "why"), testing::HasSubstr("connect_timeout"));
}

// Interim responses do not count as the answer.
TEST(SlowServer, InterimAnswersDoNotExtendTheHandshake) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/live"));
  for (int i = 0; i < 4; ++i) {
    gw.loop().Advance(1s);
    server[0].Send("HTTP/1.1 103 Early Hints\r\n\r\n");
    gw.loop().RunUntilIdle();
  }
  gw.loop().Advance(2ms);
  EXPECT_TRUE(server[0].done());
}

// Ordinary requests keep their own timeouts.
TEST(SlowServer, RequestsHaveTheFirstByteTimeout) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send("GET /site HTTP/1.1\r\nHost: a\r\n\r\n");
  gw.loop().Advance(29s);
  server[0].Send("HTTP/1.1 204 No Content\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 204);
}

// ---- sessions whose client is gone

constexpr std::string_view kSessions = R"(
backends:
  raw: { servers: [ "tcp://127.0.0.1:7000" ] }
  live: { servers: [ "ws://127.0.0.1:7000" ] }
routes:
  - { path: /raw, backend: raw }
  - { path: /live, backend: live }
  - { path: /enforced, backend: live, enforce: true }
)";

// A client in a session with a server, which the test plays.
class Held {
 public:
  explicit Held(std::string_view target)
      : gw(kSessions, {.send_buffer = 64 * 1024}),
        server_(gw.network(), Address("127.0.0.1:7000")),
        client(gw.Connect()) {
    server_.OnConnection([](TestPeer& peer) {
      peer.OnReceive([](TestPeer& self, std::string_view bytes) {
        if (bytes.starts_with("GET ")) self.Send(Answer(bytes));
      });
    });
    EXPECT_EQ(client.Upgrade(target).status, 101);
    EXPECT_EQ(server_.size(), 1u);
    server().TakeReceived();
  }
  TestPeer& server() { return server_[0]; }
  void Run() { gw.loop().RunUntilIdle(); }
  // Sends 8 MiB: messages of 1 KiB from a WebSocket server, or plain bytes.
  void Flood() {
    std::string frames;
    while (frames.size() < 8 << 20) frames += ServerFrame(kBinary, std::string(1024, 'f'));
    server().Send(frames);
    Run();
  }
  std::uint64_t ReadFromServer() { return gw.server_stats().bytes_received.Get(); }

  TestGateway gw;

 private:
  static std::string Answer(std::string_view request) {
    constexpr std::string_view kName = "Sec-WebSocket-Key: ";
    const std::string_view key = request.substr(request.find(kName) + kName.size(), 24);
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
           "Upgrade\r\nSec-WebSocket-Accept: " +
           ws::AcceptKey(key) + "\r\n\r\n";
  }

  TestServer server_;

 public:
  GatewayClient client;
};

class LostClient : public TestOfCase<std::string_view> {};
INSTANTIATE_CASES(Session, LostClient, "/raw", "/live", "/enforced");

constexpr std::size_t kReadForNobody = 512 * 1024;

TEST_EACH(LostClient, ItsServerIsNotReadOnAndHasWhatWasSent) {
  Held h(GetParam());
  h.client.peer().Send(BinaryFrame("before"));
  h.Run();
  h.client.peer().Reset();
  h.Run();
  const std::uint64_t before = h.ReadFromServer();
  h.Flood();
  EXPECT_LE(h.ReadFromServer() - before, kReadForNobody);
  EXPECT_THAT(h.server().received().size(), testing::Ge(6u));
  h.gw.loop().Advance(5s);
  EXPECT_LE(h.ReadFromServer() - before, kReadForNobody);
  EXPECT_TRUE(h.server().done());
  EXPECT_EQ(h.gw.gateway().sessions(), 0u);
}

TEST_EACH(LostClient, WhileItsQueueIsFullTheServersEndIsSeen) {
  Held h(GetParam());
  h.client.peer().Stall();
  h.Flood();
  h.client.peer().Reset();
  h.Run();
  h.gw.loop().Advance(5s);
  EXPECT_TRUE(h.server().done());
  EXPECT_EQ(h.gw.gateway().sessions(), 0u);
}

// Only the client's data is left to deliver: the session ends once the kernel has accepted it.
TEST(LostClientOf, AFloodingServerIsBrokenOffSoon) {
  for (const std::string_view target : {"/raw", "/live"}) {
    Held h(target);
    h.client.peer().Reset();
    h.Run();
    h.Flood();
    EXPECT_TRUE(h.server().ended());
    EXPECT_EQ(h.gw.gateway().sessions(), 1u);
    h.gw.loop().Advance(1s);
    EXPECT_TRUE(h.server().error());
    EXPECT_EQ(h.gw.gateway().sessions(), 0u);
  }
}

// A server that has not yet read all of the client's data is waited for.
TEST(LostClientOf, ASlowServerThatFloodsGetsAllThatWasSent) {
  for (const std::string_view target : {"/raw", "/live"}) {
    Held h(target);
    h.server().Stall();
    const std::string sent = BinaryFrame(std::string(200 * 1024, 'u'));
    h.client.Send(sent);
    h.client.peer().Reset();
    h.Run();
    h.Flood();
    h.gw.loop().Advance(4s);
    EXPECT_FALSE(h.server().ended());
    h.server().Resume();
    h.Run();
    EXPECT_EQ(h.server().received().size(), target == "/raw" ? 200 * 1024 : sent.size());
    EXPECT_TRUE(h.server().ended());
    h.gw.loop().Advance(1s);
    EXPECT_EQ(h.gw.gateway().sessions(), 0u);
  }
}

TEST_EACH(LostClient, ItsConnectionIsClosedAtOnce) {
  Held h(GetParam());
  ASSERT_EQ(h.gw.network().stream_count(), 2u);
  h.client.Send(BinaryFrame("12345"));
  h.client.peer().Reset();
  h.Run();
  EXPECT_EQ(h.gw.network().stream_count(), 1u);
  EXPECT_EQ(h.gw.gateway().sessions(), 1u) << "the server may still finish";
  h.gw.loop().Advance(5s);
  EXPECT_EQ(h.gw.gateway().sessions(), 0u);
  EXPECT_EQ(h.gw.log().Last("session close", "bytes_in"), "5");
  EXPECT_EQ(h.gw.log().Last("session close", "code"), "1006");
}

TEST_EACH(LostClient, ASessionLeftWithOneEndCanBeCutOff) {
  for (const bool client : {true, false}) {
    Held h(GetParam());
    (client ? h.client.peer() : h.server()).Reset();
    h.Run();
    ASSERT_EQ(h.gw.network().stream_count(), 1u);
    h.gw.gateway().Drain(1001, io::Millis{0}, [] {});
    h.Run();
    h.gw.gateway().Abort();
    h.Run();
    EXPECT_EQ(h.gw.network().stream_count(), 0u);
  }
}

TEST_EACH(LostClient, ABrokenServersConnectionIsClosedAtOnceToo) {
  Held h(GetParam());
  h.server().Reset();
  h.Run();
  EXPECT_EQ(h.gw.network().stream_count(), 1u);
  EXPECT_EQ(h.client.ReceivedClose(), 1011);
  h.client.Send(BinaryFrame("late") + CloseFrame(1011));
  h.client.peer().Shutdown();
  h.Run();
  EXPECT_EQ(h.gw.gateway().sessions(), 0u);
}

TEST_EACH(LostClient, ItsServerIsNotReadAfterAProtocolError) {
  Held h(GetParam());
  h.client.Send(ServerFrame(kBinary, "not masked"));
  const std::uint64_t before = h.ReadFromServer();
  h.Flood();
  EXPECT_LE(h.ReadFromServer() - before, kReadForNobody);
  h.gw.loop().Advance(5s);
  EXPECT_EQ(h.gw.gateway().sessions(), 0u);
}

// After an orderly Close, the client still gets what the server sends.
TEST(ClosedClient, GetsAllThatTheServerSendsInTime) {
  Held h("/raw");
  h.client.Send(CloseFrame(1000));
  h.Flood();
  std::size_t received = 0;
  for (const auto& frame : h.client.Frames()) received += frame.payload.size();
  EXPECT_GE(received, 8u << 20);
}

// ---- clients that keep a closed session's connection open

TEST_EACH(LostClient, OneThatAnsweredTheCloseAndStaysIsNotWaitedForLong) {
  Held h(GetParam());
  bool empty = false;
  h.gw.gateway().Drain(1001, io::Millis{0}, [&] { empty = true; });
  h.Run();
  EXPECT_EQ(h.client.ReceivedClose(), 1001);
  h.client.Send(CloseFrame(1001));
  h.server().Send(GetParam() == "/raw" ? "" : ServerFrame(kClose, CloseBody(1001)));
  h.server().Shutdown();
  h.Run();
  EXPECT_FALSE(empty);
  h.gw.loop().Advance(1001ms);
  EXPECT_TRUE(empty);
}

}  // namespace
}  // namespace upgate::test::lingering_test
