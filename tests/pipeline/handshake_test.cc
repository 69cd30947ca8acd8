// The opening handshake through the whole gateway: which requests are accepted or refused, the
// responses, and what the server sees.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::handshake_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;

constexpr std::string_view kSeedRequest =
    "GET ws://echo.websocket.org/?encoding=text HTTP/1.1\r\n"
    "Origin: http://websocket.org\r\n"
    "Cookie: __utma=99as\r\n"
    "Connection: Upgrade\r\n"
    "Host: echo.websocket.org\r\n"
    "Sec-WebSocket-Key: uRovscZjNol/umbTt5uKmw==\r\n"
    "Upgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "\r\n";

constexpr std::string_view kSeedAnswer =
    "HTTP/1.1 101 WebSocket Protocol Handshake\r\n"
    "Date: Fri, 10 Feb 2012 17:38:18 GMT\r\n"
    "Connection: Upgrade\r\n"
    "Server: upgate\r\n"
    "Upgrade: WebSocket\r\n"
    "Access-Control-Allow-Origin: http://websocket.org\r\n"
    "Access-Control-Allow-Credentials: true\r\n"
    "Sec-WebSocket-Accept: rLHCkw/SKsO9GAH/ZSFhBATDKrU=\r\n"
    "Access-Control-Allow-Headers: content-type\r\n"
    "\r\n";

constexpr std::string_view kSeedConfig = R"(
backends: { echo: { servers: [ "tcp://127.0.0.1:7000" ] } }
routes:
  - path: /
    backend: echo
    cors: { allow_origins: [ "http://websocket.org" ], allow_credentials: true, allow_headers: [ content-type ] }
)";

constexpr std::string_view kEcho = R"(
backends: { echo: { servers: [ "tcp://127.0.0.1:7000" ] } }
routes:
  - { path: /echo, backend: echo }
  - { path: /mqtt, backend: echo, subprotocols: [ mqtt, mqttv3.1 ] }
  - { path: /binary, backend: echo, encoding: binary }
  - { path: /base64, backend: echo, encoding: base64 }
  - { path: /text, backend: echo, encoding: text }
  - { path: /strict, backend: echo, require_origin: true }
  - { path: /two, backend: echo, limits: { sessions: 2 } }
  - { path: /self, plugin: echo }
  - { path: /stats, plugin: stats }
)";

struct EchoServer {
  explicit EchoServer(TestGateway& gateway, std::string_view at = "127.0.0.1:7000")
      : server(gateway.network(), Address(at)) {
    server.OnConnection([](TestPeer& peer) {
      peer.OnReceive([](TestPeer& self, std::string_view bytes) { self.Send(bytes); });
    });
  }
  TestServer server;
};

class SeedHandshake : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, SeedHandshake, 1, 2, 3, 7, 64, 4096);

TEST_EACH(SeedHandshake, IsAnsweredLineForLineAndEchoes) {
  TestGateway gw(kSeedConfig, {.read_chunk = GetParam()});
  gw.loop().timers().SetUnixSeconds(1328895498);
  EchoServer echo(gw);
  auto client = gw.Connect();
  client.Send(kSeedRequest);
  EXPECT_EQ(client.peer().TakeReceived(), kSeedAnswer);

  client.Send(TextFrame("Hello, \xe2\x82\xac!"));
  std::string text;
  for (const auto& frame : client.Frames()) {
    EXPECT_EQ(frame.opcode, kText);
    text += frame.payload;
  }
  EXPECT_EQ(text, "Hello, \xe2\x82\xac!");
}

TEST_EACH(SeedHandshake, EarlyFramesAfterTheHeadAreNotLost) {
  TestGateway gw(kSeedConfig, {.read_chunk = GetParam()});
  EchoServer echo(gw);
  auto client = gw.Connect();
  client.Send(std::string(kSeedRequest) + TextFrame("early"));
  EXPECT_EQ(client.Head().status, 101);
  std::string text;
  for (const auto& frame : client.Frames()) text += frame.payload;
  EXPECT_EQ(text, "early");
}

TEST(Handshake, TextAndBinaryFramesEchoThroughATcpServer) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/echo");
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.Get("Sec-WebSocket-Accept"), kSampleAccept);
  EXPECT_EQ(head.Count("Access-Control-Allow-Origin"), 0u);
  client.Send(TextFrame("text") + BinaryFrame(std::string("\0\xff", 2)));
  std::string payload;
  for (const auto& frame : client.Frames()) {
    EXPECT_EQ(frame.opcode, kBinary);
    EXPECT_FALSE(frame.masked);
    payload += frame.payload;
  }
  EXPECT_EQ(payload, std::string("text\0\xff", 6));
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kAccepted), 1u);
  EXPECT_EQ(gw.route_stats().sessions_open.Get(), 1u);
  EXPECT_EQ(gw.route_stats().in.text_messages.Get(), 1u);
  EXPECT_EQ(gw.route_stats().in.binary_messages.Get(), 1u);
  EXPECT_EQ(gw.route_stats().in.bytes.Get(), 6u);
  EXPECT_EQ(gw.server_stats().bytes_sent.Get(), 6u);
  EXPECT_EQ(gw.server_stats().bytes_received.Get(), 6u);
}

// ---- access

TEST(Handshake, ForeignOriginIsRefusedBeforeTheServerIsTouched) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/echo", "Origin: https://evil.example\r\n");
  EXPECT_EQ(head.status, 403);
  EXPECT_NE(client.Body(head).find("origin"), std::string::npos);
  EXPECT_EQ(echo.server.size(), 0u);
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kForbiddenOrigin), 1u);
  EXPECT_EQ(gw.log().Last("handshake refused", "status"), "403");
  EXPECT_EQ(gw.log().Last("handshake refused", "origin"), "https://evil.example");
  EXPECT_NE(gw.log().Last("handshake refused", "why").find("seen as http://gateway.test;"),
            std::string::npos);
}

TEST(Handshake, SameOriginPassesWithoutCorsFields) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/echo", "Origin: http://gateway.test\r\n");
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.Count("Access-Control-Allow-Origin"), 0u);
}

TEST(Handshake, ARouteCanRequireAnOrigin) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  EXPECT_EQ(gw.Connect().Upgrade("/strict").status, 403);
  EXPECT_EQ(gw.Connect().Upgrade("/strict", "Origin: http://gateway.test\r\n").status, 101);
}

TEST(Handshake, PreflightIsAnsweredByTheGateway) {
  TestGateway gw(kSeedConfig);
  EchoServer echo(gw);
  auto client = gw.Connect();
  client.Send(
      "OPTIONS / HTTP/1.1\r\nHost: gateway.test\r\nOrigin: http://websocket.org\r\n"
      "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: content-type\r\n\r\n");
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 204);
  EXPECT_EQ(head.Get("Access-Control-Allow-Origin"), "http://websocket.org");
  EXPECT_EQ(echo.server.size(), 0u);

  client.Send(
      "OPTIONS / HTTP/1.1\r\nHost: gateway.test\r\nOrigin: http://other.example\r\n"
      "Access-Control-Request-Method: GET\r\n\r\n");
  EXPECT_EQ(client.Head().status, 403);
}

TEST(Handshake, RefusalsOfARouteWithCorsVaryByOrigin) {
  TestGateway gw(kSeedConfig);
  EchoServer echo(gw);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/", "Origin: https://evil.example\r\n");
  EXPECT_EQ(head.status, 403);
  EXPECT_EQ(head.Get("Vary"), "Origin");
}

// ---- subprotocols and encodings

struct SubprotocolCase {
  std::string_view target, offer;
  int status;
  std::string_view chosen;
};

TEST(Handshake, Subprotocols) {
  for (const SubprotocolCase& c : {
           SubprotocolCase{"/mqtt", "mqtt", 101, "mqtt"},
           SubprotocolCase{"/mqtt", "other, mqttv3.1, mqtt", 101, "mqttv3.1"},
           SubprotocolCase{"/mqtt", "other", 400, ""},
           SubprotocolCase{"/mqtt", "", 101, ""},
           SubprotocolCase{"/echo", "other", 101, ""},
           SubprotocolCase{"/echo", "base64", 101, "base64"},
           SubprotocolCase{"/echo", "binary, base64", 101, "binary"},
           SubprotocolCase{"/binary", "base64, binary", 101, "binary"},
           SubprotocolCase{"/binary", "base64", 101, ""},
           SubprotocolCase{"/base64", "binary, base64", 101, "base64"},
           SubprotocolCase{"/text", "binary, base64", 101, ""},
           // Offers that are not a token, or are repeated, are skipped.
           SubprotocolCase{"/mqtt", "bearer, YWJj/ZGU=, mqtt", 101, "mqtt"},
           SubprotocolCase{"/mqtt", "mqtt, mqtt", 101, "mqtt"},
           SubprotocolCase{"/mqtt", "YWJj/ZGU=", 101, ""},
           SubprotocolCase{"/mqtt", "bearer, YWJj/ZGU=", 400, ""},
           SubprotocolCase{"/echo", "bearer, YWJj/ZGU=", 101, ""},
           SubprotocolCase{"/echo", "a/b, base64", 101, "base64"},
           SubprotocolCase{"/self", "bearer, YWJj/ZGU=", 101, ""},
       }) {
    SCOPED_TRACE(std::string(c.target) + " " + std::string(c.offer));
    TestGateway gw(kEcho);
    EchoServer echo(gw);
    auto client = gw.Connect();
    const std::string field =
        c.offer.empty() ? "" : "Sec-WebSocket-Protocol: " + std::string(c.offer) + "\r\n";
    const ResponseHead head = client.Upgrade(c.target, field);
    EXPECT_EQ(head.status, c.status);
    EXPECT_EQ(head.Get("Sec-WebSocket-Protocol").value_or(""), c.chosen);
  }
}

TEST(Handshake, UnknownEncodingIsRefusedByName) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/echo?encoding=utf16");
  EXPECT_EQ(head.status, 400);
  EXPECT_NE(client.Body(head).find("base64"), std::string::npos);
}

// ---- requests that are not handshakes

TEST(Handshake, OrdinaryRequestsToAWebSocketRouteAreToldToUpgrade) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  client.Send("GET /echo HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 426);
  EXPECT_EQ(head.Get("Upgrade"), "websocket");
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kBadRequest), 1u);
  (void)client.Body(head);
  client.Send("GET /nowhere HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
  EXPECT_EQ(client.Head().status, 404);
}

TEST(Handshake, HandshakesWithoutARouteAreLoggedAndOrdinaryRequestsAreNot) {
  TestGateway gw(kEcho);
  auto page = gw.Connect();
  page.Send("GET /nowhere HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
  EXPECT_EQ(page.Head().status, 404);
  EXPECT_EQ(gw.log().Count("handshake refused"), 0u);
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/nowhere?token=secret", "Origin: https://app.example\r\n").status, 404);
  EXPECT_EQ(gw.log().Last("handshake refused", "path"), "/nowhere");
  EXPECT_EQ(gw.log().Last("handshake refused", "status"), "404");
  EXPECT_EQ(gw.log().Last("handshake refused", "origin"), "https://app.example");
  EXPECT_FALSE(gw.log().Mentions("secret"));
}

TEST(Handshake, ServicesAnswerHttpAndWebSocketOnOneRoute) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  client.Send("GET /stats HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(client.Body(head).find("\"routes\""), std::string::npos);
  EXPECT_EQ(client.Upgrade("/stats").status, 101);
  client.Send(TextFrame("now"));
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opcode, kText);
  EXPECT_TRUE(frames[0].payload.starts_with("{"));
}

// ---- unreachable servers

TEST(Handshake, ARefusedServerIsA502AndTheConnectionGoesOn) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/echo");
  EXPECT_EQ(head.status, 502);
  EXPECT_NE(client.Body(head).find("cannot be reached"), std::string::npos);
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kBackendFailed), 1u);
  EXPECT_NE(gw.log().Last("backend failed", "why").find("tcp://127.0.0.1:7000"), std::string::npos);
  EXPECT_EQ(gw.log().Last("backend failed", "status"), "502");
  EXPECT_EQ(gw.log().Last("backend failed", "path"), "/echo");
  EXPECT_EQ(gw.log().Last("backend failed", "host"), "gateway.test");
}

TEST(Handshake, AServerThatFailsAndRecoversIsLoggedOncePerChange) {
  TestGateway gw(kEcho);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(gw.Connect().Upgrade("/echo").status, 502);
  EXPECT_EQ(gw.log().Count("server failed"), 1u);
  EXPECT_EQ(gw.log().Last("server failed", "server"), "tcp://127.0.0.1:7000");
  EXPECT_EQ(gw.log().Count("server recovered"), 0u);
  {
    EchoServer echo(gw);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(gw.Connect().Upgrade("/echo").status, 101);
    EXPECT_EQ(gw.log().Count("server recovered"), 1u);
    EXPECT_EQ(gw.log().Last("server recovered", "server"), "tcp://127.0.0.1:7000");
  }
  EXPECT_EQ(gw.Connect().Upgrade("/echo").status, 502);
  EXPECT_EQ(gw.log().Count("server failed"), 2u);
}

TEST(Handshake, ManyRefusalsAreNotLoggedOneByOne) {
  constexpr std::size_t kMost = upgrade::SharedCounts::kLinesOfClients;
  TestGateway gw(kEcho);
  for (std::size_t i = 0; i < 3 * kMost; ++i) {
    EXPECT_EQ(gw.Connect().Upgrade("/nowhere").status, 404);
    EXPECT_EQ(gw.Connect().Upgrade("/echo").status, 502);
  }
  EXPECT_EQ(gw.log().Count("handshake refused"), kMost);
  EXPECT_EQ(gw.log().Count("backend failed"), kMost);
  gw.loop().Advance(io::Seldom::kInterval);
  EXPECT_EQ(gw.Connect().Upgrade("/nowhere").status, 404);
  EXPECT_EQ(gw.log().Count("handshake refused"), kMost + 1);
  EXPECT_EQ(gw.log().Last("handshake refused", "left_out"), std::to_string(2 * kMost));
}

TEST(Handshake, TheLinesOfASessionSayWhatTheClientAskedFor) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo?token=secret", "Origin: http://gateway.test\r\n").status, 101);
  client.peer().Reset();
  gw.loop().Advance(10s);
  for (const char* event : {"session open", "session close"}) {
    EXPECT_EQ(gw.log().Last(event, "host"), "gateway.test") << event;
    EXPECT_EQ(gw.log().Last(event, "path"), "/echo") << event;
    EXPECT_EQ(gw.log().Last(event, "origin"), "http://gateway.test") << event;
  }
  EXPECT_FALSE(gw.log().Mentions("secret"));
}

TEST(Handshake, ASilentServerIsA504AfterTheConnectTimeout) {
  TestGateway gw(kEcho);
  gw.network().HangConnects(Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/echo"));
  EXPECT_EQ(client.Head().status, 0);
  gw.loop().Advance(3s);
  EXPECT_EQ(client.Head().status, 504);
  EXPECT_EQ(gw.server_stats().connect_timeouts.Get(), 1u);
}

constexpr std::string_view kThreeServers = R"(
backends: { b: { servers: [ "tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3" ] } }
routes: [ { path: /, backend: b } ]
)";

TEST(Handshake, ServersAreTakenInTurn) {
  TestGateway gw(kThreeServers);
  EchoServer one(gw, "127.0.0.1:1"), two(gw, "127.0.0.1:2"), three(gw, "127.0.0.1:3");
  std::vector<std::unique_ptr<GatewayClient>> clients;
  for (int i = 0; i < 7; ++i) {
    clients.push_back(std::make_unique<GatewayClient>(gw.loop(), Address("127.0.0.1:80")));
    EXPECT_EQ(clients.back()->Upgrade("/").status, 101);
  }
  EXPECT_EQ(one.server.size(), 3u);
  EXPECT_EQ(two.server.size(), 2u);
  EXPECT_EQ(three.server.size(), 2u);
}

TEST(Handshake, TheNextServerIsTriedBeforeThe101) {
  TestGateway gw(kThreeServers);
  gw.network().HangConnects(Address("127.0.0.1:1"));
  EchoServer three(gw, "127.0.0.1:3");
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/"));
  gw.loop().Advance(3s);
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(three.server.size(), 1u);
  EXPECT_EQ(gw.server_stats(0).connect_failures.Get(), 1u);
  EXPECT_EQ(gw.server_stats(1).connect_failures.Get(), 1u);
  EXPECT_EQ(gw.server_stats(2).connects.Get(), 1u);
}

TEST(Handshake, AClientThatLeavesMeanwhileReleasesTheServer) {
  TestGateway gw(kEcho);
  gw.network().HangConnects(Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/echo"));
  client.peer().Reset();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kClientGone), 1u);
}

TEST(Handshake, NamesAreResolvedAndEveryAddressTried) {
  TestGateway gw(R"(
backends: { b: { servers: [ "tcp://db.internal:5432" ] } }
routes: [ { path: /, backend: b } ]
)");
  gw.network().SetHost("db.internal", {*Ip::Parse("127.0.0.8"), *Ip::Parse("127.0.0.9")});
  EchoServer echo(gw, "127.0.0.9:5432");
  EXPECT_EQ(gw.Connect().Upgrade("/").status, 101);
  EXPECT_EQ(echo.server.size(), 1u);
}

TEST(Handshake, UnixServers) {
  TestGateway gw(R"(
backends: { b: { servers: [ "unix:/run/vault.sock" ] } }
routes: [ { path: /, backend: b } ]
)");
  EchoServer echo(gw, "unix:/run/vault.sock");
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 101);
  client.Send(BinaryFrame("x"));
  EXPECT_EQ(client.Frames().size(), 1u);
}

// ---- limits

TEST(Handshake, SessionsOfARouteAreLimitedAndPlacesComeBack) {
  TestGateway gw(kEcho);
  EchoServer echo(gw);
  auto one = gw.Connect(), two = gw.Connect(), three = gw.Connect();
  EXPECT_EQ(one.Upgrade("/two").status, 101);
  EXPECT_EQ(two.Upgrade("/two").status, 101);
  const ResponseHead full = three.Upgrade("/two");
  EXPECT_EQ(full.status, 503);
  EXPECT_TRUE(full.Get("Retry-After"));
  one.peer().Reset();
  gw.loop().RunUntilIdle();
  gw.loop().Advance(10s);
  EXPECT_EQ(gw.Connect().Upgrade("/two").status, 101);
}

TEST(Handshake, AFailedServerGivesThePlaceBack) {
  TestGateway gw(kEcho);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(gw.Connect().Upgrade("/two").status, 502);
  EchoServer echo(gw);
  EXPECT_EQ(gw.Connect().Upgrade("/two").status, 101);
}

// ---- logs

TEST(Handshake, LogsNameTheSessionAndNoSecrets) {
  TestGateway gw(kSeedConfig);
  EchoServer echo(gw);
  auto client = gw.Connect(0, Address("127.0.0.5:5555"));
  client.Send(kSeedRequest);
  EXPECT_EQ(gw.log().Last("session open", "client"), "127.0.0.5:5555");
  EXPECT_EQ(gw.log().Last("session open", "route"), "/");
  EXPECT_EQ(gw.log().Last("session open", "server"), "tcp://127.0.0.1:7000");
  client.Send(TextFrame("Hello") + CloseFrame(1000));
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  gw.loop().Advance(5s);
  EXPECT_EQ(gw.log().Count("session close"), 1u);
  EXPECT_EQ(gw.log().Last("session close", "messages_in"), "1");
  EXPECT_EQ(gw.log().Last("session close", "bytes_in"), "5");
  EXPECT_EQ(gw.log().Last("session close", "code"), "1000");
  EXPECT_EQ(gw.log().Last("session close", "closed_by"), "client");
  EXPECT_FALSE(gw.log().Mentions("__utma"));
  EXPECT_FALSE(gw.log().Mentions("uRovscZjNol"));
  EXPECT_FALSE(gw.log().Mentions("encoding=text"));
}

}  // namespace
}  // namespace upgate::test::handshake_test
