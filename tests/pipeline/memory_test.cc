// The memory that the gateway holds for its clients together, of each kind, with a small limit.
#include <algorithm>
#include <deque>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::memory_test {
namespace {

using namespace std::chrono_literals;
using io::MemoryRefusal;

constexpr std::string_view kConfig = R"(
memory: 16MiB
http: { body_rate: 0 }
backends:
  bytes: { servers: [ "tcp://127.0.0.1:7001" ] }
  frames: { servers: [ "ws://127.0.0.1:7002" ] }
  site: { servers: [ "http://127.0.0.1:7003" ] }
routes:
  - { path: /echo, plugin: echo, limits: { message_size: 2MiB } }
  - { path: /small, plugin: echo }
  - { path: /stats, plugin: stats }
  - path: /room
    plugin: broadcast
    options: { http_publish: true, queue: 16MiB }
    limits: { message_size: 2MiB }
  - { path: /bytes, backend: bytes }
  - { path: /frames, backend: frames }
  - { path: "/site/*", backend: site }
)";

constexpr std::size_t kLimit = 16 * 1024 * 1024;
constexpr std::string_view kAccept =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

std::string Post(std::string_view path, std::size_t length) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

// The first part of a frame.
std::string Begun(std::size_t size, std::size_t claimed) {
  return Frame(kBinary, std::string(size, 'm'), {.claimed_length = claimed});
}

class MemoryTest : public testing::Test {
 protected:
  GatewayClient& Add() { return clients_.emplace_back(gw_.loop(), Address("127.0.0.1:80")); }
  void Rest(io::Millis time) { gw_.loop().Advance(time); }
  std::size_t held() { return gw_.memory().held(); }

  // A client that asks for little is served.
  void ExpectServed() {
    auto polite = gw_.Connect();
    EXPECT_EQ(polite.Upgrade("/small").status, 101);
    polite.Send(TextFrame("hello"));
    const auto messages = Messages(polite.Frames());
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].second, "hello");
    polite.Send(CloseFrame(1000));
  }
  std::size_t Count(const std::function<bool(GatewayClient&)>& that) {
    return static_cast<std::size_t>(std::ranges::count_if(clients_, that));
  }
  // With the current clients: the limit holds, nobody is refused at once, well-behaved clients are
  // always served, and after a while enough of the others are gone.
  void ExpectBounded(MemoryRefusal refusal) {
    EXPECT_TRUE(gw_.memory_guard().under_pressure());
    EXPECT_LE(held(), kLimit + kLimit / 10);
    EXPECT_GT(gw_.loop_stats().memory.waits.Get(), 0u);
    EXPECT_EQ(gw_.Refusals(refusal), 0u);
    ExpectServed();
    Rest(30s);
    EXPECT_GT(gw_.Refusals(refusal), 0u);
    EXPECT_LE(held(), gw_.memory().high_mark());
    EXPECT_FALSE(gw_.memory_guard().under_pressure());
    ExpectServed();
    EXPECT_GT(gw_.trims(), 0);
  }

  TestGateway gw_{kConfig, {.send_buffer = 64 * 1024}};
  std::deque<GatewayClient> clients_;
};

TEST_F(MemoryTest, BodiesThatAServiceCollects) {
  for (int i = 0; i < 30; ++i) Add().Send(Post("/room", 1 << 20) + std::string(1'000'000, 'b'));
  ExpectBounded(MemoryRefusal::kUnfinishedRequest);
  const auto refused = Count([](GatewayClient& client) {
    const ResponseHead head = client.Head();
    return head.status == 503 && head.Get("retry-after") == "5";
  });
  EXPECT_EQ(refused, gw_.Refusals(MemoryRefusal::kUnfinishedRequest) +
                         gw_.Refusals(MemoryRefusal::kRequest));
  EXPECT_LT(refused, clients_.size());
}

TEST_F(MemoryTest, IncompleteMessages) {
  for (int i = 0; i < 30; ++i) {
    Add().Upgrade("/echo");
    clients_.back().Send(Begun(1'000'000, 1'500'000));
  }
  ExpectBounded(MemoryRefusal::kSession);
  const auto closed = Count([](GatewayClient& client) { return client.ReceivedClose() == 1013; });
  EXPECT_EQ(closed, gw_.Refusals(MemoryRefusal::kSession));
  EXPECT_LT(closed, clients_.size());
}

TEST_F(MemoryTest, PipelinedResponsesThatAreNotRead) {
  std::string questions;
  for (int i = 0; i < 100; ++i) questions += "GET /stats HTTP/1.1\r\nHost: a\r\n\r\n";
  for (int i = 0; i < 60; ++i) {
    Add().peer().Stall();
    clients_.back().Send(questions);
  }
  ExpectBounded(MemoryRefusal::kStalledReader);
}

TEST_F(MemoryTest, AnswersOfAServiceThatAreNotRead) {
  for (int i = 0; i < 60; ++i) {
    Add().Upgrade("/echo");
    clients_.back().peer().Stall();
    for (int k = 0; k < 10; ++k) clients_.back().Send(BinaryFrame(std::string(60'000, 'm')));
  }
  ExpectBounded(MemoryRefusal::kSession);
}

TEST_F(MemoryTest, DataThatATcpServerDoesNotRead) {
  TestServer server(gw_.network(), Address("127.0.0.1:7001"));
  server.OnConnection([](TestPeer& peer) { peer.Stall(); });
  for (int i = 0; i < 60; ++i) {
    Add().Upgrade("/bytes");
    for (int k = 0; k < 10; ++k) clients_.back().Send(BinaryFrame(std::string(60'000, 'm')));
  }
  ExpectBounded(MemoryRefusal::kSession);
}

TEST_F(MemoryTest, DataOfATcpServerThatIsNotRead) {
  TestServer server(gw_.network(), Address("127.0.0.1:7001"));
  for (int i = 0; i < 60; ++i) {
    Add().Upgrade("/bytes");
    clients_.back().peer().Stall();
    server[static_cast<std::size_t>(i)].Send(std::string(600'000, 's'));
    gw_.loop().RunUntilIdle();
  }
  ExpectBounded(MemoryRefusal::kSession);
}

TEST_F(MemoryTest, DataThatAWebSocketServerDoesNotRead) {
  TestServer server(gw_.network(), Address("127.0.0.1:7002"));
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      if (self.received().ends_with("\r\n\r\n")) {
        self.Send(kAccept);
        self.Stall();
      }
    });
  });
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(Add().Upgrade("/frames").status, 101);
    for (int k = 0; k < 10; ++k) clients_.back().Send(BinaryFrame(std::string(60'000, 'm')));
  }
  ExpectBounded(MemoryRefusal::kSession);
}

TEST_F(MemoryTest, BodiesThatAServerDoesNotRead) {
  TestServer server(gw_.network(), Address("127.0.0.1:7003"));
  server.OnConnection([](TestPeer& peer) { peer.Stall(); });
  for (int i = 0; i < 60; ++i) Add().Send(Post("/site/up", 1 << 20) + std::string(600'000, 'b'));
  ExpectBounded(MemoryRefusal::kUnfinishedRequest);
  EXPECT_GT(Count([](GatewayClient& client) { return client.Head().status == 503; }), 0u);
}

TEST_F(MemoryTest, ResponsesOfAServerThatAreNotRead) {
  TestServer server(gw_.network(), Address("127.0.0.1:7003"));
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      self.Send("HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\n" + std::string(600'000, 'a'));
    });
  });
  for (int i = 0; i < 60; ++i) {
    Add().peer().Stall();
    clients_.back().Send("GET /site/down HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  ExpectBounded(MemoryRefusal::kStalledReader);
}

TEST_F(MemoryTest, MessagesThatSubscribersDoNotRead) {
  auto publisher = gw_.Connect();
  publisher.Upgrade("/room");
  for (int i = 0; i < 4; ++i) {
    Add().Upgrade("/room");
    clients_.back().peer().Stall();
  }
  for (int i = 0; i < 15 && !gw_.memory_guard().under_pressure(); ++i)
    publisher.Send(BinaryFrame(std::string(1'000'000, 'm')));
  ExpectBounded(MemoryRefusal::kSession);
}

// Queued messages are shared, however many subscribers wait for them.
TEST_F(MemoryTest, AMessageThatManyWaitForCountsOnce) {
  auto publisher = gw_.Connect();
  publisher.Upgrade("/room");
  for (int i = 0; i < 20; ++i) {
    Add().Upgrade("/room");
    clients_.back().peer().Stall();
  }
  publisher.Send(BinaryFrame(std::string(400'000, 'm')));  // fills every socket
  const std::size_t before = held();
  publisher.Send(BinaryFrame(std::string(1'000'000, 'm')));
  EXPECT_GE(held(), before + 1'000'000 - 64 * 1024);
  EXPECT_LE(held(), before + 1'100'000);
  clients_.clear();
  gw_.loop().RunUntilIdle();
  Rest(2s);
  EXPECT_LE(held(), 200'000u);
}

TEST_F(MemoryTest, AboveTheLimitNewRequestsAreToldToRetry) {
  gw_.memory().Change(kLimit + 1);  // simulates another loop
  auto client = gw_.Connect();
  EXPECT_EQ(client.Upgrade("/small").status, 503);
  auto other = gw_.Connect();
  other.Send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(other.Head().Get("retry-after"), "5");
  gw_.memory().Change(-static_cast<std::int64_t>(kLimit) - 1);
  EXPECT_EQ(gw_.Refusals(MemoryRefusal::kRequest), 2u);
  auto again = gw_.Connect();
  EXPECT_EQ(again.Upgrade("/small").status, 101);
}

// Most of the memory of such a client is OpenSSL's for the handshake.
TEST(MemoryOfTls, UnfinishedHandshakesAreDroppedAndNewOnesRefusedAboveTheLimit) {
  const TempFolder folder;
  TestGateway gw(TlsListener(folder) +
                 "memory: 16MiB\nroutes: [ { path: /echo, plugin: echo } ]\n");
  std::deque<GatewayClient> clients;
  while (!gw.memory_guard().under_pressure()) {
    ASSERT_LT(clients.size(), 1000u);
    clients.emplace_back(gw.loop(), Address("127.0.0.1:443"));
    gw.loop().RunUntilIdle();
  }
  gw.loop().Advance(4s);
  EXPECT_GT(gw.Refusals(MemoryRefusal::kTlsHandshake), 0u);
  EXPECT_LE(gw.memory().held(), gw.memory().high_mark());

  gw.memory().Change(kLimit);  // simulates another loop
  clients.emplace_back(gw.loop(), Address("127.0.0.1:443"));
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.Refusals(MemoryRefusal::kConnection), 1u);
  EXPECT_TRUE(clients.back().peer().done());
  gw.memory().Change(-static_cast<std::int64_t>(kLimit));
}

// Without any refusal: a client that sends slowly and reads its responses is only slowed down.
TEST_F(MemoryTest, TemporaryPressureRefusesNobody) {
  while (!gw_.memory_guard().under_pressure()) {
    ASSERT_LT(clients_.size(), 20u);
    Add().Upgrade("/echo");
    clients_.back().Send(Begun(900'000, 900'001));
  }
  EXPECT_FALSE(gw_.memory().over());
  EXPECT_GT(gw_.loop_stats().memory.waiting.Get(), 0u);
  for (std::size_t i = 0; i < 5; ++i) clients_[i].peer().Reset();
  Rest(2s);
  EXPECT_FALSE(gw_.memory_guard().under_pressure());
  for (std::size_t i = 5; i < clients_.size(); ++i) {
    clients_[i].Send("!");
    const auto messages = Messages(clients_[i].Frames());
    ASSERT_EQ(messages.size(), 1u) << i;
    EXPECT_EQ(messages[0].second.size(), 900'001u);
  }
  EXPECT_EQ(gw_.loop_stats().memory.waiting.Get(), 0u);
  EXPECT_EQ(gw_.Refusals(MemoryRefusal::kSession), 0u);
}

TEST_F(MemoryTest, TheLogSaysItOnceInTenSeconds) {
  for (int i = 0; i < 30; ++i) {
    Add().Upgrade("/echo");
    clients_.back().Send(Begun(1'000'000, 1'500'000));
  }
  Rest(9s);
  EXPECT_GT(gw_.Refusals(MemoryRefusal::kSession), 1u);
  const auto lines = gw_.log().Find("clients refused");
  EXPECT_EQ(std::ranges::count_if(
                lines, [](const auto& line) { return line.fields.at("kind") == "session"; }),
            1);
  EXPECT_EQ(gw_.log().Count("clients held back"), 1u);
}

}  // namespace
}  // namespace upgate::test::memory_test
