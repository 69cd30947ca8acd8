// Sessions between two WebSocket peers: relaying of the handshake and of frames, and every way to
// end.
#include <functional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::frame_tunnel_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;

constexpr std::string_view kConfig = R"(
backends:
  live: { servers: [ "ws://127.0.0.1:7000" ] }
  site: { servers: [ "http://127.0.0.1:7000" ] }
routes:
  - { path: /live/*, backend: live, limits: { message_size: 64KiB, server_message_size: 64KiB } }
  - { path: /site/*, backend: site }
  - { path: /quiet, backend: live, limits: { ping_interval: 0s, idle: 1m } }
  - { path: /listed, backend: live, subprotocols: [ a, c ] }
  - { path: /listed/enforced, backend: live, subprotocols: [ a, c ], enforce: true }
  - { path: /enforced, backend: live, enforce: true }
  - { path: /pinged, backend: live, limits: { ping_interval: 10s, idle: 60s } }
  - { path: /small, backend: live, limits: { message_size: 1KiB } }
  - { path: /rewritten, backend: live, rewrite: { cookie_path: { from: /, to: /app/ } } }
)";

constexpr std::string_view kAccepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

// A client connected through the gateway to a WebSocket server that the test plays.
class Relay {
 public:
  explicit Relay(std::string_view target = "/live/a", MemoryNetwork::Options options = {},
                 std::string_view answer_fields = "", std::string_view early = "",
                 std::string_view request_fields = "", std::string_view interim = "")
      : gw(kConfig, options),
        server_(gw.network(), Address("127.0.0.1:7000")),
        client(gw.Connect()) {
    server_.OnConnection([answer = std::string(interim).append(kAccepted).append(answer_fields) +
                                   "\r\n" + std::string(early)](TestPeer& peer) {
      peer.OnReceive([answer, head = std::string(), done = false](TestPeer& self,
                                                                  std::string_view bytes) mutable {
        head += bytes;
        if (done || head.find("\r\n\r\n") == std::string::npos) return;
        done = true;
        self.Send(answer);
      });
    });
    answer = client.Upgrade(target, request_fields);
    if (server_.size() > 0) request = server_[0].TakeReceived();
  }
  TestPeer& server() { return server_[0]; }
  void Run() { gw.loop().RunUntilIdle(); }

  TestGateway gw;

 private:
  TestServer server_;

 public:
  GatewayClient client;
  ResponseHead answer;
  std::string request;
};

class RelayAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, RelayAtChunk, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(RelayAtChunk, FramesPassBothWaysUnchanged) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  ASSERT_EQ(r.answer.status, 101);
  const std::string out = TextFrame("hello") + PingFrame("p") +
                          Fragmented(kBinary, std::string(300, 'x'), 100) +
                          Frame(kText, "compressed", {.rsv = 4});
  r.client.Send(out);
  EXPECT_EQ(r.server().TakeReceived(), out);
  const std::string back = ServerFrame(kText, "answer") + ServerFrame(kPong, "p") +
                           ServerFrame(kBinary, std::string(60000, 'y')).substr(0, 6);
  r.server().Send(back);
  r.Run();
  EXPECT_EQ(r.client.peer().TakeReceived(), back);
  EXPECT_EQ(r.gw.route_stats().in.text_messages.Get(), 2u);
  EXPECT_EQ(r.gw.route_stats().in.binary_messages.Get(), 1u);
  EXPECT_EQ(r.gw.route_stats().in.pings.Get(), 1u);
  EXPECT_EQ(r.gw.route_stats().out.text_messages.Get(), 1u);
  EXPECT_EQ(r.gw.route_stats().out.pongs.Get(), 1u);
}

TEST_EACH(RelayAtChunk, EarlyFramesOfBothEndsArrive) {
  Relay r("/live/a", {.read_chunk = GetParam()}, "", ServerFrame(kText, "early"));
  ASSERT_EQ(r.answer.status, 101);
  r.Run();
  const auto frames = r.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, "early");
}

TEST(FrameTunnel, TheHandshakeIsPassedOnWithItsOffersAndTheServersChoice) {
  Relay r("/live/a?x=1", {},
          "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: "
          "permessage-deflate\r\nSet-Cookie: s=1\r\n",
          "",
          "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; "
          "client_max_window_bits\r\nCookie: c=2\r\n");
  EXPECT_EQ(r.answer.status, 101);
  EXPECT_EQ(r.answer.Get("Sec-WebSocket-Protocol"), "b");
  EXPECT_EQ(r.answer.Get("Sec-WebSocket-Extensions"), "permessage-deflate");
  EXPECT_EQ(r.answer.Get("Set-Cookie"), "s=1");
  EXPECT_EQ(r.answer.Get("Sec-WebSocket-Accept"), kSampleAccept);
  EXPECT_EQ(r.answer.Count("Connection"), 1u);
  EXPECT_TRUE(r.request.starts_with("GET /live/a?x=1 HTTP/1.1\r\n"));
  for (const std::string_view field :
       {"Host: gateway.test\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Sec-WebSocket-Protocol: a, b\r\n", "client_max_window_bits\r\n", "Cookie: c=2\r\n",
        "X-Forwarded-Proto: http\r\n", "Upgrade: websocket\r\n"}) {
    EXPECT_NE(r.request.find(field), std::string::npos) << field << " in\n" << r.request;
  }
}

std::vector<std::string> ValuesOf(const ResponseHead& head, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [field, value] : head.headers) {
    if (field == name) values.push_back(value);
  }
  return values;
}

TEST(FrameTunnel, EveryFieldOfThe101IsForwardedWithRepetitions) {
  using Values = std::vector<std::string>;
  for (const std::string_view target : {"/live/a", "/site/socket", "/enforced", "/rewritten"}) {
    SCOPED_TRACE(target);
    Relay r(target, {},
            "Set-Cookie: a=1; Path=/x\r\nLink: </a>\r\nSet-Cookie: b=2\r\nX-Empty:\r\n"
            "Set-Cookie: c=3\r\nLink: </b>\r\nSet-Cookie: c=3\r\nServer: theirs\r\n"
            "Keep-Alive: timeout=5\r\nX-Named: y\r\nConnection: x-named\r\n");
    ASSERT_EQ(r.answer.status, 101);
    const std::string first = target == "/rewritten" ? "a=1; Path=/app/x" : "a=1; Path=/x";
    EXPECT_EQ(ValuesOf(r.answer, "Set-Cookie"), (Values{first, "b=2", "c=3", "c=3"}));
    EXPECT_EQ(ValuesOf(r.answer, "Link"), (Values{"</a>", "</b>"}));
    EXPECT_EQ(ValuesOf(r.answer, "X-Empty"), Values{""});
    EXPECT_EQ(ValuesOf(r.answer, "Server"), Values{"theirs"});
    // Fields of the gateway, and those of one connection, are not replaced.
    EXPECT_EQ(r.answer.Count("Date"), 1u);
    EXPECT_EQ(r.answer.Count("Upgrade"), 1u);
    EXPECT_EQ(r.answer.Count("Connection"), 1u);
    EXPECT_EQ(r.answer.Count("Sec-WebSocket-Accept"), 1u);
    EXPECT_EQ(r.answer.Count("Keep-Alive"), 0u);
    EXPECT_EQ(r.answer.Count("X-Named"), 0u);
  }
}

TEST_EACH(RelayAtChunk, FramingOfA101IsIgnoredAndNotForwarded) {
  for (const std::string_view framing :
       {"Content-Length: 0\r\n", "Content-Length: 7\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n", "Content-Length:\r\nTransfer-Encoding: gzip\r\n"}) {
    for (const std::string_view target : {"/live/a", "/site/socket", "/enforced"}) {
      SCOPED_TRACE(std::string(target).append(" ").append(framing));
      Relay r(target, {.read_chunk = GetParam()}, framing, ServerFrame(kText, "early"));
      ASSERT_EQ(r.answer.status, 101);
      EXPECT_EQ(r.answer.Count("Content-Length") + r.answer.Count("Transfer-Encoding"), 0u);
      r.Run();
      EXPECT_EQ(Messages(r.client.Frames()),
                (std::vector<std::pair<std::uint8_t, std::string>>{{kText, "early"}}));
    }
  }
}

TEST(FrameTunnel, UnambiguousErrorsInA101AreCorrected) {
  for (const std::string_view target : {"/live/a", "/enforced"}) {
    SCOPED_TRACE(target);
    Relay twice(target, {},
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nUpgrade: WebSocket\r\n"
                "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Protocol: b\r\n",
                "", "Sec-WebSocket-Protocol: a, b\r\n");
    EXPECT_EQ(twice.answer.status, 101);
    EXPECT_EQ(twice.answer.Get("Sec-WebSocket-Protocol"), "b");
    EXPECT_EQ(twice.answer.Get("Sec-WebSocket-Accept"), kSampleAccept);
    Relay empty(target, {}, "Sec-WebSocket-Protocol:\r\nSec-WebSocket-Extensions: \r\n");
    EXPECT_EQ(empty.answer.status, 101);
    EXPECT_EQ(empty.answer.Count("Sec-WebSocket-Protocol"), 0u);
    EXPECT_EQ(empty.answer.Count("Sec-WebSocket-Extensions"), 0u);
  }
  Relay extensions("/live/a", {},
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate\r\n",
                   "", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_EQ(extensions.answer.Get("Sec-WebSocket-Extensions"), "permessage-deflate");
}

// Many WebSocket clients take any head but a 101 for a refusal.
TEST_EACH(RelayAtChunk, InterimResponsesBeforeThe101AreDropped) {
  for (const std::string_view target : {"/live/a", "/site/socket", "/enforced"}) {
    SCOPED_TRACE(target);
    Relay r(target, {.read_chunk = GetParam()}, {}, {}, {},
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
            "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_EQ(r.answer.status, 101);
    EXPECT_EQ(r.answer.Count("Link"), 0u);
    r.client.Send(TextFrame("after"));
    std::string received = r.server().TakeReceived();
    EXPECT_EQ(Messages(TakeFrames(received)),
              (std::vector<std::pair<std::uint8_t, std::string>>{{kText, "after"}}));
  }
}

TEST(FrameTunnel, TheServerChoosesAmongTheSubprotocolsOfTheRoute) {
  for (const std::string_view target : {"/listed", "/listed/enforced"}) {
    Relay r(target, {}, "Sec-WebSocket-Protocol: c\r\n", "",
            "Sec-WebSocket-Protocol: b, c\r\nSec-WebSocket-Protocol: a\r\n");
    EXPECT_EQ(r.answer.Get("Sec-WebSocket-Protocol"), "c");
    EXPECT_NE(r.request.find("\r\nSec-WebSocket-Protocol: c, a\r\n"), std::string::npos)
        << r.request;
    EXPECT_EQ(r.request.find("b, c"), std::string::npos) << r.request;
    // Offers of the client that the route does not list are not forwarded to the server.
    EXPECT_EQ(
        Relay(target, {}, "Sec-WebSocket-Protocol: b\r\n", "", "Sec-WebSocket-Protocol: b, c\r\n")
            .answer.status,
        502);
    EXPECT_EQ(Relay(target, {}, "", "", "Sec-WebSocket-Protocol: b\r\n").answer.status, 400);
    EXPECT_EQ(Relay(target).answer.status, 101);
  }
}

TEST(FrameTunnel, MalformedOffersAreForwardedUnchanged) {
  for (const std::string_view target : {"/live/a", "/site/socket"}) {
    Relay r(
        target, {}, "Sec-WebSocket-Protocol: YWJj/ZGU=\r\n", "",
        "Sec-WebSocket-Protocol: bearer,YWJj/ZGU=,  bearer\r\nSec-WebSocket-Protocol: \"q\"\r\n");
    EXPECT_EQ(r.answer.status, 101);
    EXPECT_EQ(r.answer.Get("Sec-WebSocket-Protocol"), "YWJj/ZGU=");
    EXPECT_NE(r.request.find("\r\nSec-WebSocket-Protocol: bearer,YWJj/ZGU=,  bearer\r\n"
                             "Sec-WebSocket-Protocol: \"q\"\r\n"),
              std::string::npos)
        << r.request;
  }
  // Choosing something that was not offered is an error, even if it is a part of an offer.
  for (const std::string_view choice : {"YWJj", "bearer,YWJj/ZGU=", "BEARER", "q"}) {
    EXPECT_EQ(Relay("/live/a", {}, "Sec-WebSocket-Protocol: " + std::string(choice) + "\r\n", "",
                    "Sec-WebSocket-Protocol: bearer,YWJj/ZGU=, \"q\"\r\n")
                  .answer.status,
              502)
        << choice;
  }
}

TEST(FrameTunnel, MalformedOffersAreDroppedIfTheRouteListsSubprotocols) {
  for (const std::string_view target : {"/listed", "/listed/enforced"}) {
    Relay r(target, {}, "Sec-WebSocket-Protocol: c\r\n", "",
            "Sec-WebSocket-Protocol: x/y, c, c, a, c\r\n");
    EXPECT_EQ(r.answer.Get("Sec-WebSocket-Protocol"), "c");
    EXPECT_NE(r.request.find("\r\nSec-WebSocket-Protocol: c, a\r\n"), std::string::npos)
        << r.request;
    Relay none(target, {}, "", "", "Sec-WebSocket-Protocol: x/y\r\n");
    EXPECT_EQ(none.answer.status, 101);
    EXPECT_EQ(none.request.find("Sec-WebSocket-Protocol"), std::string::npos) << none.request;
  }
}

TEST(FrameTunnel, HttpServersTakeUpgradesToo) {
  Relay r("/site/socket");
  EXPECT_EQ(r.answer.status, 101);
  r.client.Send(TextFrame("x"));
  EXPECT_EQ(r.server().TakeReceived(), TextFrame("x"));
}

TEST(FrameTunnel, AWrongHandshakeIsA502) {
  // The correct accept key precedes these: two keys are as bad as a wrong one.
  for (const std::string_view bad :
       {"Sec-WebSocket-Protocol: unasked\r\n", "Sec-WebSocket-Extensions: unasked\r\n",
        "Upgrade: h2c\r\n", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"}) {
    Relay r("/live/a", {}, bad);
    EXPECT_EQ(r.answer.status, 502) << bad;
    EXPECT_EQ(r.gw.Handshakes(HandshakeOutcome::kBackendFailed), 1u);
  }
}

TEST(FrameTunnel, AnotherAnswerGoesToTheClientWhole) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive([](TestPeer& self, std::string_view) {
      self.Send(
          "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nsorry");
    });
  });
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/live/a");
  EXPECT_EQ(head.status, 401);
  EXPECT_EQ(head.Get("WWW-Authenticate"), "Basic");
  EXPECT_EQ(client.Body(head), "sorry");
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kServerRefused), 1u);
  EXPECT_EQ(gw.log().Last("handshake refused", "status"), "401");
  EXPECT_NE(gw.log().Last("handshake refused", "why").find("ws://127.0.0.1:7000"),
            std::string::npos);
}

TEST(FrameTunnel, AForeignOriginNeverReachesTheServer) {
  Relay r("/live/a", {}, "", "", "Origin: https://evil.example\r\n");
  EXPECT_EQ(r.answer.status, 403);
  EXPECT_EQ(r.request, "");
}

// ---- closing

TEST_EACH(RelayAtChunk, TheEndsCloseOnTheirOwn) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  r.client.Send(CloseFrame(3001, "done"));
  EXPECT_EQ(r.server().TakeReceived(), CloseFrame(3001, "done"));
  r.server().Send(ServerFrame(kClose, CloseBody(3001, "done")));
  r.server().Shutdown();
  r.Run();
  EXPECT_EQ(r.client.ReceivedClose(), 3001);
  EXPECT_TRUE(r.client.peer().ended());
  r.client.peer().Shutdown();
  r.Run();
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
  EXPECT_EQ(r.gw.log().Last("session close", "code"), "3001");
  EXPECT_EQ(r.gw.log().Last("session close", "closed_by"), "client");
  EXPECT_EQ(r.gw.log().Last("session close", "why"), "done");
}

// As a server the gateway is the first to end a connection (RFC 6455, section 7.1.1).
TEST_EACH(RelayAtChunk, TheServersAnswerEndsTheConnectionToTheClientAtOnce) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  r.client.Send(CloseFrame(1000));
  EXPECT_EQ(r.server().TakeReceived(), CloseFrame(1000));
  r.server().Send(ServerFrame(kClose, CloseBody(1000)));
  r.Run();
  EXPECT_EQ(r.client.ReceivedClose(), 1000);
  EXPECT_TRUE(r.client.peer().ended());
  EXPECT_FALSE(r.server().ended());
  r.server().Shutdown();
  r.client.peer().Shutdown();
  r.Run();
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
}

// What a client sends behind its Close must not cost it the answer, which a reset could.
TEST_EACH(RelayAtChunk, TheConnectionOfAClientThatSaidCloseStaysOpenUntilItEnds) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  r.client.Send(CloseFrame(1000));
  r.server().Send(ServerFrame(kClose, CloseBody(1000)));
  r.server().Shutdown();
  r.Run();
  EXPECT_EQ(r.client.ReceivedClose(), 1000);
  EXPECT_TRUE(r.client.peer().ended());
  EXPECT_EQ(r.gw.gateway().sessions(), 1u);
  r.client.Send("more");
  r.Run();
  EXPECT_FALSE(r.client.peer().error());
  r.client.peer().Shutdown();
  r.Run();
  EXPECT_FALSE(r.client.peer().error());
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
}

TEST_EACH(RelayAtChunk, DataAfterACloseIsNeitherReadNorForwarded) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  r.client.Send(CloseFrame(1000) + std::string("\xff\xff\xff\xff no frames, but bytes"));
  EXPECT_EQ(r.server().TakeReceived(), CloseFrame(1000));
  r.server().Send(ServerFrame(kClose, CloseBody(1000)) + "\x81\x05never");
  r.server().Shutdown();
  r.Run();
  EXPECT_EQ(r.client.peer().TakeReceived(), ServerFrame(kClose, CloseBody(1000)));
  EXPECT_TRUE(r.client.peer().ended());
  r.client.peer().Shutdown();
  r.Run();
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
  EXPECT_EQ(r.gw.log().Last("session close", "code"), "1000");
}

TEST(FrameTunnel, ALostEndTakesTheOtherWithIt) {
  for (const bool client_first : {true, false}) {
    for (const bool reset : {true, false}) {
      Relay r;
      TestPeer& lost = client_first ? r.client.peer() : r.server();
      reset ? lost.Reset() : lost.Shutdown();
      r.Run();
      if (!client_first && reset) {
        EXPECT_EQ(r.client.ReceivedClose(), 1011);
      }
      TestPeer& other = client_first ? r.server() : r.client.peer();
      EXPECT_TRUE(other.ended());
      r.gw.loop().Advance(5s);
      EXPECT_EQ(r.gw.gateway().sessions(), 0u);
      EXPECT_EQ(r.gw.log().Last("session close", "closed_by"), client_first ? "client" : "server");
    }
  }
}

TEST(FrameTunnel, AMessageThatIsTooLargeIs1009BeforeTheServerGetsIt) {
  Relay r;
  r.client.Send(TextFrame("ok") + BinaryFrame(std::string(64 * 1024 + 1, 'x')));
  EXPECT_EQ(r.server().TakeReceived(), TextFrame("ok"));
  const auto frames = r.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1009);
  constexpr std::string_view kWhy =
      "the message is too big: at least 65537 bytes, the limit is 65536";
  EXPECT_EQ(frames[0].close_reason(), kWhy);
  EXPECT_TRUE(r.server().ended());
  r.client.peer().Shutdown();
  r.gw.loop().Advance(5s);
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
  EXPECT_EQ(r.gw.log().Last("session close", "why"), kWhy);
}

TEST_EACH(RelayAtChunk, AServerThatBreaksARuleGetsACloseAndSoDoesTheClient) {
  struct Case {
    std::string bad;
    int to_server;
    int to_client;
  };
  for (const auto& [bad, code, to_client] :
       {Case{TextFrame("masked"), 1002, 1011},
        Case{ServerFrame(kBinary, std::string(64 * 1024 + 1, 'x')), 1009, 1009},
        Case{ServerFrame(kText, std::string(64 * 1024, 'x'), false) + ServerFrame(0, "x"), 1009,
             1009}}) {
    Relay r("/live/a", {.read_chunk = GetParam()});
    r.server().Send(ServerFrame(kText, "ok") + bad);
    r.Run();
    const auto frames = r.client.Frames();
    ASSERT_GE(frames.size(), 2u);
    EXPECT_EQ(frames[0].payload, "ok");
    EXPECT_EQ(frames.back().close_code(), to_client);
    if (to_client == 1009) {
      EXPECT_EQ(
          frames.back().close_reason(),
          "from the server: the message is too big: at least 65537 bytes, the limit is 65536");
    }
    EXPECT_TRUE(r.client.peer().ended());
    std::string to_server = r.server().TakeReceived();
    const auto closes = TakeFrames(to_server);
    ASSERT_EQ(closes.size(), 1u);
    EXPECT_EQ(closes[0].close_code(), code);
    r.client.peer().Shutdown();
    r.server().Shutdown();
    r.Run();
    EXPECT_EQ(r.gw.gateway().sessions(), 0u);
    EXPECT_EQ(r.gw.log().Last("session close", "code"), std::to_string(code));
  }
}

TEST(FrameTunnel, MessageSizeIsOfClientsOnly) {
  for (const std::string_view target : {"/small", "/enforced"}) {
    Relay r(target);
    const std::string payload(3 << 20, 'x');
    r.server().Send(ServerFrame(kBinary, payload));
    r.Run();
    const auto messages = Messages(r.client.Frames());
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].second, payload);
  }
}

// Chromium treats 1014 as an error: it must not reach a client from the server, however its Close
// is split.
TEST_EACH(RelayAtChunk, NoClientGets1014) {
  for (const std::string_view target : {"/live/a", "/enforced"}) {
    for (const auto& [sent, got] : {std::pair<std::uint16_t, std::uint16_t>{1014, 1011},
                                    {1013, 1013},
                                    {1012, 1012},
                                    {3062, 3062}}) {
      Relay r(target, {.read_chunk = GetParam()});
      r.server().Send(ServerFrame(kBinary, "\x03\xf6") +
                      ServerFrame(kClose, CloseBody(sent, "why")));
      r.Run();
      const auto frames = r.client.Frames();
      ASSERT_GE(frames.size(), 2u);
      EXPECT_EQ(frames[0].payload.substr(0, 1), "\x03");
      EXPECT_EQ(frames.back().close_code(), got);
      EXPECT_EQ(frames.back().close_reason(), "why");
    }
  }
  // Codes that nobody may send.
  for (const int code : {1004, 1005, 1006, 1015, 999, 0, 1100, 2999, 5000}) {
    const auto sent = static_cast<std::uint16_t>(code);
    Relay r("/live/a", {.read_chunk = GetParam()});
    r.server().Send(ServerFrame(kClose, CloseBody(sent, "why")));
    r.Run();
    const auto frames = r.client.Frames();
    ASSERT_EQ(frames.size(), 1u) << sent;
    EXPECT_EQ(frames[0].close_code(), 1011) << sent;
    EXPECT_EQ(frames[0].close_reason(), "why");
  }
  Relay half("/live/a", {.read_chunk = GetParam()});
  half.server().Send(ServerFrame(kClose, "\x03"));
  half.Run();
  EXPECT_EQ(half.client.peer().TakeReceived(), ServerFrame(kClose, CloseBody(1011)));
  Relay without("/live/a", {.read_chunk = GetParam()});
  without.server().Send(ServerFrame(kClose, ""));
  without.Run();
  EXPECT_EQ(without.client.peer().TakeReceived(), ServerFrame(kClose, ""));
  // Close codes of clients are relayed to servers unchanged.
  Relay client("/live/a", {.read_chunk = GetParam()});
  client.client.Send(CloseFrame(1014));
  EXPECT_EQ(client.server().TakeReceived(), CloseFrame(1014));
  client.server().Send(ServerFrame(kClose, CloseBody(1014)));
  client.Run();
  EXPECT_EQ(client.client.peer().TakeReceived(), ServerFrame(kClose, CloseBody(1014)));
}

TEST_EACH(RelayAtChunk, NothingOfAServerFollowsItsClose) {
  for (const std::string& rest :
       {std::string("garbage"), ServerFrame(kClose, ""), ServerFrame(kText, "hi")}) {
    Relay r("/live/a", {.read_chunk = GetParam()});
    const std::string close = ServerFrame(kClose, CloseBody(1000, "bye"));
    r.server().Send(ServerFrame(kText, "hello") + close + rest);
    r.Run();
    r.server().Send(rest);
    r.Run();
    EXPECT_EQ(r.client.peer().TakeReceived(), ServerFrame(kText, "hello") + close);
    r.client.Send(CloseFrame(1000));
    r.server().Send(rest);
    r.server().Shutdown();
    r.Run();
    EXPECT_EQ(r.client.peer().TakeReceived(), "");
    EXPECT_EQ(r.server().TakeReceived(), CloseFrame(1000));
    EXPECT_TRUE(r.client.peer().ended());
  }
}

TEST(FrameTunnel, AServerThatGoesOnAfterItsCloseIsEndedInTime) {
  for (const bool answered : {false, true}) {
    Relay r;
    r.server().Send(ServerFrame(kClose, CloseBody(1000, std::string(120, 'x'))));
    r.Run();
    if (answered) r.client.Send(CloseFrame(1000));
    for (int i = 0; i < 600 && r.gw.gateway().sessions() > 0; ++i) {
      r.client.peer().TakeReceived();
      r.server().Send("x");
      r.gw.loop().Advance(100ms);
    }
    EXPECT_EQ(r.gw.gateway().sessions(), 0u) << answered;
  }
}

TEST(FrameTunnel, TheCloseForAnErrorFollowsTheFrameInProgress) {
  Relay r;
  const std::string whole = ServerFrame(kText, "in the middle");
  r.server().Send(whole.substr(0, 5));
  r.Run();
  r.client.Send(ServerFrame(kText, "not masked"));
  r.Run();
  EXPECT_EQ(r.client.ReceivedClose(), 0);
  r.server().Send(whole.substr(5) + ServerFrame(kText, "never"));
  r.Run();
  const auto frames = r.client.Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, "in the middle");
  EXPECT_EQ(frames[1].close_code(), 1002);
  EXPECT_TRUE(r.client.peer().ended());
}

TEST(FrameTunnel, NothingFollowsACloseOfTheOtherEnd) {
  Relay r;
  r.server().Send(ServerFrame(kClose, CloseBody(1000)));
  r.Run();
  r.client.Send(ServerFrame(kText, "not masked"));
  r.Run();
  EXPECT_EQ(r.client.peer().TakeReceived(), ServerFrame(kClose, CloseBody(1000)));
  EXPECT_TRUE(r.client.peer().ended());
}

TEST(FrameTunnel, DrainClosesBothEndsBetweenFrames) {
  Relay r;
  const std::string whole = ServerFrame(kText, "in the middle");
  r.server().Send(whole.substr(0, 5));
  r.Run();
  r.gw.gateway().Drain(1001, io::Millis{0}, [] {});
  r.Run();
  EXPECT_EQ(r.client.ReceivedClose(), 0);
  r.server().Send(whole.substr(5));
  r.Run();
  const auto frames = r.client.Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].payload, "in the middle");
  EXPECT_EQ(frames[1].close_code(), 1001);
  std::string to_server = r.server().TakeReceived();
  const auto closes = TakeFrames(to_server);
  ASSERT_EQ(closes.size(), 1u);
  EXPECT_TRUE(closes[0].masked);
  EXPECT_EQ(closes[0].close_code(), 1001);
  r.client.Send(CloseFrame(1001));
  r.server().Send(ServerFrame(kClose, CloseBody(1001)));
  r.server().Shutdown();
  r.client.peer().Shutdown();
  r.Run();
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);
}

TEST(FrameTunnel, SilentClientsArePingedAndIdleSessionsClosed) {
  Relay r;
  r.gw.loop().Advance(30s);
  auto frames = r.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opcode, kPing);
  r.gw.loop().Advance(40s);
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);

  Relay quiet("/quiet");
  quiet.gw.loop().Advance(59s);
  EXPECT_EQ(quiet.client.ReceivedClose(), 0);
  quiet.gw.loop().Advance(1s);
  EXPECT_EQ(quiet.client.ReceivedClose(), 1001);
  EXPECT_EQ(quiet.gw.log().Last("session close", "why"), "");
  quiet.gw.loop().Advance(10s);
  EXPECT_EQ(quiet.gw.gateway().sessions(), 0u);
  EXPECT_NE(quiet.gw.log().Last("session close", "why").find("limits.idle"), std::string::npos);
}

// The payload of the gateway's ping to the client.
std::string TakePing(Relay& r) {
  const auto frames = r.client.Frames();
  if (frames.size() != 1 || frames[0].opcode != kPing) return "no ping";
  EXPECT_EQ(frames[0].payload.size(), 8u);
  return frames[0].payload;
}

TEST_EACH(RelayAtChunk, PongsForOurPingsDoNotReachTheServer) {
  Relay r("/live/a", {.read_chunk = GetParam()});
  // An unsolicited pong, and one that answers a ping of the server.
  r.client.Send(PongFrame("unasked1"));
  EXPECT_EQ(r.server().TakeReceived(), PongFrame("unasked1"));
  r.gw.loop().Advance(30s);
  const std::string ours = TakePing(r);
  r.server().Send(ServerFrame(kPing, "theirs 8"));
  r.Run();
  r.client.Send(TextFrame("a") + PongFrame(ours) + PongFrame("theirs 8") + TextFrame("b"));
  EXPECT_EQ(r.server().TakeReceived(), TextFrame("a") + PongFrame("theirs 8") + TextFrame("b"));
  // Late, repeated, and in the middle of a message.
  r.gw.loop().Advance(25s);
  r.client.Send(PongFrame(ours) + PongFrame(ours));
  EXPECT_EQ(r.server().TakeReceived(), "");
  const std::string message = Fragmented(kText, "0123456789", 5);
  r.client.Send(message.substr(0, 11) + PongFrame(ours) + message.substr(11));
  EXPECT_EQ(r.server().TakeReceived(), message);
  EXPECT_EQ(r.gw.route_stats().in.pongs.Get(), 6u);
  EXPECT_EQ(r.gw.gateway().sessions(), 1u);
}

// The pong proves that the client is alive, but does not count as activity.
TEST(FrameTunnel, EverythingButTheAnswerToOurPingIsActivity) {
  const auto lives_with = [](const std::function<void(Relay&, const std::string&)>& act) {
    Relay r("/pinged");
    std::string ping;
    for (int i = 0; i < 12; ++i) {
      r.gw.loop().Advance(10s);
      for (const ParsedFrame& frame : r.client.Frames()) {
        if (frame.opcode == kPing) ping = frame.payload;
        if (frame.opcode == kClose) return false;
      }
      act(r, ping);
      r.Run();
    }
    return true;
  };
  EXPECT_FALSE(
      lives_with([](Relay& r, const std::string& ping) { r.client.Send(PongFrame(ping)); }));
  EXPECT_TRUE(lives_with([](Relay& r, const std::string&) { r.client.Send(PongFrame("")); }));
  EXPECT_TRUE(lives_with([](Relay& r, const std::string&) { r.client.Send(PingFrame("x")); }));
  EXPECT_TRUE(lives_with([](Relay& r, const std::string& ping) {
    r.client.Send(PongFrame(ping));
    r.server().Send(ServerFrame(kPing, ""));
  }));
  EXPECT_TRUE(lives_with([](Relay& r, const std::string& ping) {
    r.client.Send(PongFrame(ping));
    r.server().Send(ServerFrame(kPong, ""));
  }));
  EXPECT_TRUE(lives_with([](Relay& r, const std::string&) { r.client.Send(TextFrame("")); }));
}

TEST(FrameTunnel, WithoutALimitQuietIsNotDead) {
  Relay r;
  for (int i = 0; i < 2000; ++i) {
    r.gw.loop().Advance(30s);
    r.client.Send(PongFrame(TakePing(r)));
  }
  EXPECT_EQ(r.gw.gateway().sessions(), 1u);
  EXPECT_EQ(r.server().TakeReceived(), "");
}

// The queue is empty: everything, including the ping, is in the kernel's buffer.
TEST(FrameTunnel, AReaderThatTakesFromTheSystemsBufferIsAlive) {
  Relay r("/live/a", {.send_buffer = 4 << 20});
  r.client.peer().Stall();
  std::string all;
  for (int i = 0; i < 50; ++i) all += ServerFrame(kBinary, std::string(60'000, 'x'));
  r.server().Send(all);
  r.Run();
  std::size_t taken = 0;
  for (int i = 0; i < 6; ++i) {
    r.gw.loop().Advance(29s);
    r.client.peer().Resume();
    r.gw.loop().RunTurn();
    r.client.peer().Stall();
    r.gw.loop().Advance(1s);
    EXPECT_GT(r.client.peer().received().size(), taken);
    taken = r.client.peer().received().size();
  }
  EXPECT_LT(taken, all.size());
  EXPECT_EQ(r.gw.gateway().sessions(), 1u);
  r.gw.loop().Advance(60s);
  EXPECT_EQ(r.gw.gateway().sessions(), 0u) << "it has made no more progress";
  EXPECT_NE(r.gw.log().Last("session close", "why").find("limits.ping_interval"),
            std::string::npos);
}

// Also after the closing handshake, until nothing is left or there is no progress.
TEST(FrameTunnel, TheTailOfASlowReaderIsWaitedFor) {
  for (const bool takes : {true, false}) {
    Relay r("/live/a", {.send_buffer = 4 << 20});
    r.client.peer().Stall();
    std::string all;
    for (int i = 0; i < 20; ++i) all += ServerFrame(kBinary, std::string(60'000, 'x'));
    all += ServerFrame(kClose, CloseBody(1000));
    r.server().Send(all);
    r.server().Shutdown();
    r.Run();
    r.client.Send(CloseFrame(1000));
    for (int i = 0; takes && i < 10; ++i) {
      r.gw.loop().Advance(900ms);
      r.client.peer().Resume();
      r.gw.loop().RunTurn();
      r.client.peer().Stall();
      EXPECT_EQ(r.gw.gateway().sessions(), 1u);
    }
    r.gw.loop().Advance(takes ? 11s : 6s);
    EXPECT_EQ(r.gw.gateway().sessions(), 0u);
  }
}

TEST(FrameTunnel, AReaderThatStopsStopsTheOtherEnd) {
  for (const bool client_stalls : {true, false}) {
    Relay r("/live/a", {.send_buffer = 64 * 1024});
    TestPeer& reader = client_stalls ? r.client.peer() : r.server();
    TestPeer& writer = client_stalls ? r.server() : r.client.peer();
    reader.Stall();
    std::string all;
    for (int i = 0; i < 200; ++i) {
      const std::string payload(60000, static_cast<char>('a' + i % 26));
      all += client_stalls ? ServerFrame(kBinary, payload) : BinaryFrame(payload);
    }
    writer.Send(all);
    r.Run();
    std::size_t held = 0;
    for (MemoryStream* stream : r.gw.network().Streams()) held += stream->queued();
    EXPECT_LE(held, io::kHighMark + 2 * io::kReadBufferSize);
    reader.Resume();
    r.Run();
    EXPECT_TRUE(reader.TakeReceived() == all);
  }
}

TEST(FrameTunnel, SurvivesAFailureOfEveryOperation) {
  const auto scenario = [](std::uint64_t fail_at) {
    TestGateway gw(kConfig, {.read_chunk = 100});
    if (fail_at != 0) gw.network().FailOperation(fail_at);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([](TestPeer& peer) {
      peer.OnReceive(
          [head = std::string(), open = false](TestPeer& self, std::string_view bytes) mutable {
            head += bytes;
            if (open) return self.Send(ServerFrame(kText, "echo"));
            if (head.find("\r\n\r\n") == std::string::npos) return;
            open = true;
            self.Send(std::string(kAccepted).append("\r\n"));
          });
    });
    auto client = gw.Connect();
    client.Upgrade("/live/a");
    client.Send(BinaryFrame(std::string(500, 'x')));
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

}  // namespace
}  // namespace upgate::test::frame_tunnel_test
