// Servers that fail while the gateway proxies to them: the client gets a 502 or 504, or a truncated
// response that it can detect, and no other client ever gets leftover data.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::proxy_faults_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
http: { idle_timeout: 10m, body_rate: 0 }
backends:
  site:
    servers: [ "http://127.0.0.1:7000" ]
    first_byte_timeout: 10s
    read_timeout: 5s
  patient:
    servers: [ "http://127.0.0.1:7000" ]
    first_byte_timeout: 0
    read_timeout: 0
    request_timeout: 20s
  live: { servers: [ "ws://127.0.0.1:7000" ] }
routes:
  - { path: /*, backend: site }
  - { path: /patient, backend: patient }
  - { path: /live, backend: live, limits: { sessions: 1 } }
)";

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string Get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

std::string Post(std::size_t length, std::string_view body) {
  return "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
         std::string(body);
}

// What a client has received of a response in the end.
enum class Outcome { kNothing, kWhole, kCut, kRefused };

Outcome OutcomeOf(GatewayClient& client) {
  const ResponseHead head = client.Head();
  if (head.status == 0) return client.peer().done() ? Outcome::kCut : Outcome::kNothing;
  if (head.status >= 502 && head.status <= 504) return Outcome::kRefused;
  if (client.peer().error()) return Outcome::kCut;
  return client.Body(head) == "hello" ? Outcome::kWhole : Outcome::kNothing;
}

// ---- a response that is truncated at each of its bytes

struct Framing {
  std::string_view name;
  std::string answer;
};

class BrokenOff : public TestOfCase<Framing> {};
INSTANTIATE_CASES(Framings, BrokenOff, Framing{"Length", kOk},
                  Framing{"Chunked",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n"},
                  Framing{"Interim", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + kOk});

TEST_EACH(BrokenOff, IsNeverTakenForComplete) {
  const std::string& answer = GetParam().answer;
  for (const bool reset : {false, true}) {
    for (std::size_t sent = 0; sent <= answer.size(); ++sent) {
      SCOPED_TRACE(std::to_string(sent) + (reset ? " bytes and a reset" : " bytes and an end"));
      TestGateway gw(kConfig);
      TestServer server(gw.network(), Address("127.0.0.1:7000"));
      auto client = gw.Connect();
      client.Send(Get("/a"));
      server[0].Send(answer.substr(0, sent));
      gw.loop().RunUntilIdle();
      reset ? server[0].Reset() : server[0].Shutdown();
      gw.loop().RunUntilIdle();
      while (client.peer().received().starts_with("HTTP/1.1 103")) client.Head();
      const Outcome outcome = OutcomeOf(client);
      EXPECT_EQ(outcome == Outcome::kWhole, sent == answer.size());
      EXPECT_NE(outcome, Outcome::kNothing);
    }
  }
}

// ---- the end of the request comes after the response, or never

TEST(ProxyFaults, AnEarlyResponseArrivesInFullAndTheConnectionIsNotReused) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    TestGateway gw(kConfig);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    auto client = gw.Connect();
    client.Send(Post(1000, "the beginning"));
    server[0].Send("HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    if (reset) server[0].Reset();
    gw.loop().RunUntilIdle();
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 413);
    EXPECT_EQ(client.Body(head), "large");
    EXPECT_FALSE(client.peer().error());
    // The rest of the request is read from the client's connection and discarded.
    client.Send(std::string(1000 - 13, 'x') + Get("/b"));
    ASSERT_EQ(server.size(), 2u);
    server[1].Send(kOk);
    gw.loop().RunUntilIdle();
    EXPECT_EQ(client.Body(client.Head()), "hello");
    EXPECT_TRUE(server[0].done());
  }
}

TEST(ProxyFaults, AnUnfinishedRequestIsNotTheServersFault) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Post(1000, "the beginning"));
  for (int i = 0; i < 5; ++i) {
    gw.loop().Advance(50s);
    EXPECT_FALSE(server[0].done());
    client.Send("x");
  }
  gw.loop().Advance(61s);
  EXPECT_EQ(client.Head().status, 408);
  EXPECT_TRUE(server[0].done());
}

TEST(ProxyFaults, AServerThatDoesNotReadTheRequestIsA504) {
  TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  server.OnConnection([](TestPeer& peer) { peer.Stall(); });
  auto client = gw.Connect();
  client.Send(Post(4 << 20, std::string(4 << 20, 'x')));
  gw.loop().Advance(4s);
  EXPECT_EQ(client.Head().status, 0);
  gw.loop().Advance(7s);
  EXPECT_EQ(client.Head().status, 504);
  server[0].Resume();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(server[0].error());
}

TEST(ProxyFaults, TheWholeExchangeHasATimeout) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto silent = gw.Connect();
  silent.Send(Get("/patient"));
  auto trickled = gw.Connect();
  trickled.Send(Get("/patient"));
  server[1].Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 19; ++i) {
    gw.loop().Advance(1s);
    server[1].Send("x");
  }
  gw.loop().RunUntilIdle();
  EXPECT_EQ(silent.Head().status, 0);
  EXPECT_FALSE(trickled.peer().error());
  gw.loop().Advance(1s);
  EXPECT_EQ(silent.Head().status, 504);
  EXPECT_TRUE(trickled.peer().error());
}

// The answer tells operators which limit to raise.
TEST(ProxyFaults, A504NamesTheKeyAndSoDoesTheLog) {
  struct Case {
    std::string request;
    std::string answer;
    std::string key;
  };
  for (const auto& [request, answer, key] :
       {Case{Get("/a"), "", "first_byte_timeout"}, Case{Get("/patient"), "", "request_timeout"},
        Case{Post(8 << 20, std::string(8 << 20, 'x')), "", "read_timeout"},
        Case{UpgradeRequest("/live"), "", "connect_timeout"},
        Case{Get("/a"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "read_timeout"}}) {
    SCOPED_TRACE(key);
    TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([](TestPeer& peer) { peer.Stall(); });
    auto client = gw.Connect();
    client.Send(request);
    if (!answer.empty()) server[0].Send(answer);
    gw.loop().Advance(60s);
    if (answer.empty()) {
      const ResponseHead head = client.Head();
      EXPECT_EQ(head.status, 504);
      EXPECT_NE(client.Body(head).find(key), std::string::npos);
    }
    EXPECT_NE(gw.log().Last("backend failed", "why").find(key), std::string::npos)
        << gw.log().Last("backend failed", "why");
    EXPECT_EQ(gw.log().Last("backend failed", "status"), answer.empty() ? "504" : "0");
  }
  EXPECT_EQ(config::Backend{}.first_byte_timeout, config::Millis{120'000});
}

TEST(ProxyFaults, AFloodOfInterimAnswersEnds) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Get("/a"));
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += "HTTP/1.1 102 Processing\r\n\r\n";
  server[0].Send(flood);
  gw.loop().RunUntilIdle();
  int interims = 0;
  ResponseHead head = client.Head();
  for (; head.status == 102; head = client.Head()) ++interims;
  EXPECT_LE(interims, 16);
  EXPECT_EQ(head.status, 502);
}

// ---- leftover data on a connection

TEST(ProxyFaults, BytesAfterAResponseNeverReachTheNextClient) {
  const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!";
  for (const std::size_t chunk : {kOk.size(), kOk.size() - 1, kOk.size() + 1, std::size_t{65536}}) {
    SCOPED_TRACE(chunk);
    TestGateway gw(kConfig, {.read_chunk = chunk});
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([&](TestPeer& peer) {
      peer.OnReceive([&](TestPeer& self, std::string_view) { self.Send(kOk + poison); });
    });
    // Both requests have arrived when the first response comes.
    auto client = gw.Connect();
    client.Send(Get("/a") + Get("/b"));
    EXPECT_EQ(client.Body(client.Head()), "hello");
    EXPECT_EQ(client.Body(client.Head()), "hello");
    EXPECT_EQ(server.size(), 2u);
  }
}

TEST(ProxyFaults, AnEndAfterAResponseIsSeenBeforeTheNextRequestIsSent) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  server.OnConnection([&](TestPeer& peer) {
    peer.OnReceive([&](TestPeer& self, std::string_view) {
      self.Send(kOk);
      self.Shutdown();
    });
  });
  auto client = gw.Connect();
  client.Send(Get("/a") + "POST /b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Body(client.Head()), "hello");
  EXPECT_EQ(client.Head().status, 200);
  EXPECT_EQ(server.size(), 2u);
}

// ---- handshakes with WebSocket servers

TEST(ProxyFaults, AServerThatDiesInTheHandshakeGivesItsPlaceBack) {
  for (const bool reset : {false, true}) {
    TestGateway gw(kConfig);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([&](TestPeer& peer) {
      peer.OnReceive(
          [&](TestPeer& self, std::string_view) { reset ? self.Reset() : self.Shutdown(); });
    });
    // The route allows one session at a time.
    for (int i = 0; i < 3; ++i) EXPECT_EQ(gw.Connect().Upgrade("/live").status, 502);
    EXPECT_EQ(gw.Handshakes(stats::HandshakeOutcome::kBackendFailed, 2), 3u);
  }
}

TEST(ProxyFaults, AHandshakeThatIsAnsweredDuringTheShutdownIsASessionThatIsClosed) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/live"));
  ASSERT_EQ(server.size(), 1u);
  bool empty = false;
  gw.gateway().Drain(1001, io::Millis{0}, [&] { empty = true; });
  server[0].Send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      std::string(kSampleAccept) + "\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(client.ReceivedClose(), 1001);
  client.Send(CloseFrame(1001));
  client.peer().Close();
  server[0].Send(ServerFrame(kClose, CloseBody(1001)));
  server[0].Shutdown();
  gw.loop().Advance(10s);
  EXPECT_TRUE(empty);
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

}  // namespace
}  // namespace upgate::test::proxy_faults_test
