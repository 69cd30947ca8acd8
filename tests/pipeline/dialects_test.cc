// Clients of the drafts before RFC 6455: handshakes, frames, and endings.
#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "gateway/base/base64.h"
#include "gateway/ws/handshake.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::dialects_test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using config::Dialect;
using stats::HandshakeOutcome;

constexpr std::string_view kConfig = R"(
listeners:
  - { address: "127.0.0.1:80", dialects: [ rfc6455, hybi08, hixie76, hixie75 ] }
  - { address: "127.0.0.1:81" }
backends:
  bytes: { servers: [ "tcp://127.0.0.1:7000" ] }
  live: { servers: [ "ws://127.0.0.1:7001" ] }
routes:
  - { path: /bytes, backend: bytes, limits: { message_size: 1MiB, ping_interval: 30s, idle: 1h } }
  - { path: /small, backend: bytes, limits: { message_size: 100 } }
  - { path: /binary, backend: bytes, encoding: binary }
  - { path: /mqtt, backend: bytes, subprotocols: [ mqtt ] }
  - { path: /idle, backend: bytes, limits: { ping_interval: 0s, idle: 1m } }
  - { path: /live/*, backend: live, limits: { message_size: 64KiB, ping_interval: 30s, idle: 1h } }
  - { path: /echo, plugin: echo }
  - { path: /room, plugin: broadcast }
  - { path: /standard, plugin: echo, dialects: [ rfc6455 ] }
  - { path: /hixie, plugin: echo, dialects: [ hixie76 ] }
  - path: /pages
    plugin: echo
    require_origin: true
    cors: { allow_origins: [ "http://a.example" ], allow_credentials: true }
)";

std::string Text(std::string_view text) {
  return "\0"s + std::string(text) + "\xff";
}
const std::string kClosing = "\xff\0"s;
constexpr std::string_view kKey3 = "^n:ds[4U";
constexpr std::string_view kProof = "8jKS'y:G*Co,Wxa-";

// A complete handshake, except for the 8 bytes.
std::string Request(Dialect dialect, std::string_view target, std::string_view extra = {}) {
  std::string request =
      "GET " + std::string(target) +
      " HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: gateway.test\r\n" +
      std::string(extra);
  if (dialect == Dialect::kHixie76) {
    request +=
        "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\nSec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n";
  } else if (dialect != Dialect::kHixie75) {
    request += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "s +
               (dialect == Dialect::kHybi08 ? "8" : "13") + "\r\n";
  }
  return request + "\r\n";
}

std::string Whole(Dialect dialect, std::string_view target, std::string_view extra = {}) {
  return Request(dialect, target, extra) + std::string(dialect == Dialect::kHixie76 ? kKey3 : "");
}

// A gateway with a TCP server and a WebSocket server behind it, and a client of one dialect.
class Old {
 public:
  explicit Old(Dialect dialect = Dialect::kHixie76, MemoryNetwork::Options options = {})
      : gw(kConfig, options),
        bytes(gw.network(), Address("127.0.0.1:7000")),
        live(gw.network(), Address("127.0.0.1:7001")),
        client(gw.Connect()),
        dialect_(dialect) {
    live.OnConnection([this](TestPeer& peer) {
      peer.OnReceive([this, head = std::string(), done = false](TestPeer& self,
                                                                std::string_view piece) mutable {
        head += piece;
        if (done || !head.contains("\r\n\r\n")) return;
        done = true;
        live_request = head;
        const std::size_t key = head.find("Sec-WebSocket-Key: ");
        if (key == std::string::npos)
          return self.Send("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
        self.Send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
            "Upgrade\r\nSet-Cookie: s=1\r\n" +
            live_fields + "Sec-WebSocket-Accept: " + ws::AcceptKey(head.substr(key + 19, 24)) +
            "\r\n\r\n");
      });
    });
  }

  // Sends a handshake; returns the response.
  ResponseHead Open(std::string_view target, std::string_view extra = {}) {
    client.Send(Whole(dialect_, target, extra));
    const ResponseHead head = client.Head();
    if (dialect_ == Dialect::kHixie76 && head.status == 101) {
      EXPECT_EQ(Take().substr(0, kProof.size()), kProof);
    }
    return head;
  }
  void MustOpen(std::string_view target, std::string_view extra = {}) {
    ASSERT_EQ(Open(target, extra).status, 101);
  }
  void Send(std::string_view wire) { client.Send(wire); }
  std::string Take() { return client.Rest() + client.peer().TakeReceived(); }
  void Run() { gw.loop().RunUntilIdle(); }
  void FromLive(std::string_view frames) {
    live[0].Send(frames);
    Run();
  }
  std::vector<ParsedFrame> AtLive() {
    live_bytes += live[0].TakeReceived();
    if (const auto end = live_bytes.find("\r\n\r\n"); live_bytes.starts_with("GET"))
      live_bytes.erase(0, end + 4);
    return TakeFrames(live_bytes);
  }
  // Closes the client and waits for all timeouts; then the session must be gone.
  void Finish() {
    client.peer().Shutdown();
    Run();
    gw.loop().Advance(30s);
    EXPECT_EQ(gw.gateway().sessions(), 0u);
  }
  std::uint64_t Closes(std::uint16_t code, std::size_t route) {
    return gw.route_stats(route).close_codes.standard[code - 1000].Get();
  }

  TestGateway gw;
  TestServer bytes;
  TestServer live;
  std::string live_fields;  // extra fields of the server's 101
  std::string live_request;
  std::string live_bytes;
  GatewayClient client;

 private:
  Dialect dialect_;
};

// ---- the handshake

TEST(DialectHandshake, Of76MatchesTheDraftExactly) {
  Old o;
  o.Send(Whole(Dialect::kHixie76, "/echo?x=%20y",
               "Origin: http://gateway.test\r\nSec-WebSocket-Protocol: sample\r\n"));
  const std::string all = o.Take();
  EXPECT_TRUE(all.starts_with(
      "HTTP/1.1 101 WebSocket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Origin: http://gateway.test\r\nSec-WebSocket-Location: "
      "ws://gateway.test/echo?x=%20y\r\nDate: "))
      << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\n" + std::string(kProof))) << all;
  EXPECT_FALSE(all.contains("Accept"));
}

TEST(DialectHandshake, Of75MatchesTheDraftExactly) {
  Old o(Dialect::kHixie75);
  o.Send(Whole(Dialect::kHixie75, "/mqtt",
               "Origin: http://gateway.test\r\nWebSocket-Protocol: mqtt\r\n"));
  const std::string all = o.Take();
  EXPECT_TRUE(all.starts_with(
      "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
      "WebSocket-Origin: http://gateway.test\r\nWebSocket-Location: ws://gateway.test/mqtt\r\n"
      "WebSocket-Protocol: mqtt\r\nDate: "))
      << all;
  EXPECT_TRUE(all.ends_with("\r\n\r\n"));
}

TEST(DialectHandshake, OfHybi08) {
  Old o(Dialect::kHybi08);
  const ResponseHead head =
      o.Open("/echo",
             "Sec-WebSocket-Origin: http://gateway.test\r\nSec-WebSocket-Extensions: "
             "permessage-deflate\r\n");
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.Get("Sec-WebSocket-Accept"), kSampleAccept);
  EXPECT_EQ(head.Count("Sec-WebSocket-Extensions"), 0u);
  o.Send(TextFrame("hello"));
  const auto frames = o.client.Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, "hello");
}

TEST(DialectHandshake, TheEightBytesMayBeLateAndInPieces) {
  for (const std::size_t chunk : {1, 3, 4096}) {
    Old o(Dialect::kHixie76, {.read_chunk = chunk});
    o.Send(Request(Dialect::kHixie76, "/bytes"));
    EXPECT_EQ(o.Take(), "");
    EXPECT_EQ(o.bytes.size(), 0u) << "no server is contacted for an incomplete handshake";
    o.gw.loop().Advance(5s);
    o.Send(kKey3.substr(0, 3));
    o.Send(kKey3.substr(3, 4));
    EXPECT_EQ(o.Take(), "");
    o.Send(std::string(kKey3.substr(7)) + Text("first") + "\0sec"s);
    EXPECT_TRUE(o.Take().ends_with(kProof));
    EXPECT_EQ(o.bytes[0].TakeReceived(), "firstsec");
    o.Send("ond\xff");
    EXPECT_EQ(o.bytes[0].TakeReceived(), "ond");
  }
}

TEST(DialectHandshake, EightBytesThatNeverComeEndWithTheHeadTimeout) {
  Old o;
  o.Send(Request(Dialect::kHixie76, "/bytes") + "1234567");
  o.gw.loop().Advance(30s);
  EXPECT_EQ(o.client.Head().status, 408);
  EXPECT_EQ(o.bytes.size(), 0u);
}

TEST(DialectHandshake, ListenersAndRoutesSelectTheDialects) {
  const auto answer = [](Dialect dialect, std::string_view target, std::size_t listener = 0) {
    TestGateway gw(kConfig);
    GatewayClient client = gw.Connect(listener);
    client.Send(Whole(dialect, target));
    return client.Head();
  };
  for (const Dialect draft : {Dialect::kHybi08, Dialect::kHixie76, Dialect::kHixie75}) {
    EXPECT_EQ(answer(draft, "/echo").status, 101);
    const ResponseHead off = answer(draft, "/echo", 1);
    EXPECT_EQ(off.status, 426);
    EXPECT_EQ(off.Get("Sec-WebSocket-Version"), "13");
    EXPECT_EQ(answer(draft, "/standard").status, 426);
  }
  EXPECT_EQ(answer(Dialect::kHixie76, "/hixie", 1).status, 101)
      << "the route overrides the listener";
  EXPECT_EQ(answer(Dialect::kHixie75, "/hixie").status, 400);
  EXPECT_EQ(answer(Dialect::kRfc6455, "/hixie").status, 400);
  EXPECT_EQ(answer(Dialect::kRfc6455, "/echo").status, 101);
}

TEST(DialectHandshake, WrongKeysAre400) {
  for (const std::string_view keys :
       {"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n",
        "Sec-WebSocket-Key1: 12\r\nSec-WebSocket-Key2: 1 2\r\n",
        "Sec-WebSocket-Key1: 1 1\r\nSec-WebSocket-Key1: 1 1\r\nSec-WebSocket-Key2: 1 2\r\n"}) {
    TestGateway gw(kConfig);
    GatewayClient client = gw.Connect();
    client.Send("GET /echo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: a\r\n" +
                std::string(keys) + "\r\n12345678");
    EXPECT_EQ(client.Head().status, 400) << keys;
    EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kBadRequest, 6), 1u);
  }
}

TEST(DialectHandshake, OriginsAreHeldToTheRoute) {
  struct Case {
    Dialect dialect;
    std::string_view field;
    int status;
  };
  for (const Case& c :
       {Case{Dialect::kHixie76, "Origin: http://a.example\r\n", 101},
        Case{Dialect::kHixie76, "Origin: http://b.example\r\n", 403},
        Case{Dialect::kHixie76, "Sec-WebSocket-Origin: http://a.example\r\n", 403},
        Case{Dialect::kHixie76, "", 403},
        Case{Dialect::kHixie75, "Origin: http://a.example\r\n", 101},
        Case{Dialect::kHixie75, "Origin: http://b.example\r\n", 403},
        Case{Dialect::kHybi08, "Sec-WebSocket-Origin: http://a.example\r\n", 101},
        Case{Dialect::kHybi08, "Origin: http://a.example\r\n", 101},
        Case{Dialect::kHybi08,
             "Sec-WebSocket-Origin: http://b.example\r\nOrigin: http://a.example\r\n", 403},
        Case{Dialect::kHybi08,
             "Sec-WebSocket-Origin: http://a.example\r\nSec-WebSocket-Origin: http://a.example\r\n",
             403},
        Case{Dialect::kRfc6455, "Sec-WebSocket-Origin: http://a.example\r\n", 403}}) {
    Old o(c.dialect);
    const ResponseHead head = o.Open("/pages", c.field);
    EXPECT_EQ(head.status, c.status) << NameOf(c.dialect) << " " << c.field;
    if (head.status != 101) continue;
    EXPECT_EQ(head.Get("Access-Control-Allow-Origin"), "http://a.example");
    EXPECT_EQ(head.Get("Access-Control-Allow-Credentials"), "true");
  }
}

TEST(DialectHandshake, SubprotocolsAreThoseOfTheRoute) {
  EXPECT_EQ(Old().Open("/mqtt", "Sec-WebSocket-Protocol: mqtt\r\n").Get("Sec-WebSocket-Protocol"),
            "mqtt");
  EXPECT_EQ(Old().Open("/mqtt", "Sec-WebSocket-Protocol: other\r\n").status, 400);
  EXPECT_EQ(Old(Dialect::kHixie75).Open("/mqtt", "WebSocket-Protocol: other\r\n").status, 400);
}

TEST(DialectHandshake, WithoutBinaryMessagesTheEncodingIsTextOrBase64) {
  for (const Dialect dialect : {Dialect::kHixie76, Dialect::kHixie75}) {
    EXPECT_EQ(Old(dialect).Open("/binary").status, 400);
    EXPECT_EQ(Old(dialect).Open("/bytes?encoding=binary").status, 400);
    EXPECT_EQ(Old(dialect).Open("/bytes?encoding=text").status, 101);
  }
  EXPECT_EQ(Old().Open("/bytes", "Sec-WebSocket-Protocol: binary\r\n").status, 400);
  Old o;
  o.Open("/binary");
  EXPECT_EQ(o.bytes.size(), 0u);
  EXPECT_EQ(Old(Dialect::kHybi08).Open("/binary").status, 101);
}

// ---- frames to bytes and to services

class DialectAtChunk : public TestOfCase<std::tuple<Dialect, std::size_t>> {
 protected:
  Dialect dialect() const { return std::get<0>(GetParam()); }
  MemoryNetwork::Options options() const { return {.read_chunk = std::get<1>(GetParam())}; }
};

std::vector<std::tuple<Dialect, std::size_t>> DialectsAndChunks() {
  std::vector<std::tuple<Dialect, std::size_t>> cases;
  for (const Dialect dialect : {Dialect::kHixie76, Dialect::kHixie75}) {
    for (const std::size_t chunk : {1, 2, 3, 7, 4096, 65536}) cases.emplace_back(dialect, chunk);
  }
  return cases;
}
INSTANTIATE_CASES_IN(DialectsAndBytesPerRead, DialectAtChunk, NameByValue{}, DialectsAndChunks());

TEST_EACH(DialectAtChunk, TextToAServerOfBytesAndBack) {
  Old o(dialect(), options());
  o.MustOpen("/bytes");
  o.Send(Text("one") + Text("") + Text("tw\xc3\xb6") + "\x80\x03\xff\xff\xff"s + "\x01gone\xff" +
         Text(std::string(5000, 'x')));
  EXPECT_EQ(o.bytes[0].TakeReceived(), "onetw\xc3\xb6" + std::string(5000, 'x'));
  o.bytes[0].Send("answ\xc3\xa4r");
  o.Run();
  std::string texts = o.Take();
  std::erase(texts, '\0');
  std::erase(texts, '\xff');
  EXPECT_EQ(texts, "answ\xc3\xa4r");
  const auto& stats = o.gw.route_stats(0);
  EXPECT_EQ(stats.in.text_messages.Get(), 4u);
  EXPECT_EQ(stats.sessions_by_dialect[static_cast<std::size_t>(dialect())].Get(), 1u);
}

TEST_EACH(DialectAtChunk, BinaryAsBase64ToAServerOfBytesAndBack) {
  Old o(dialect(), options());
  o.MustOpen("/bytes?encoding=base64");
  const std::string binary = "\0\xff\x80\x01 any bytes \xff\0"s;
  o.Send(Text(Base64Encode(AsBytes(binary))) + Text(Base64Encode(AsBytes("more"))));
  EXPECT_EQ(o.bytes[0].TakeReceived(), binary + "more");
  o.bytes[0].Send(binary);
  o.Run();
  std::string back;
  std::string wire = o.Take();
  while (!wire.empty()) {
    ASSERT_EQ(wire[0], '\0');
    const std::size_t end = wire.find('\xff');
    ASSERT_NE(end, wire.npos);
    back += Base64Decode(wire.substr(1, end - 1)).value_or("?");
    wire.erase(0, end + 1);
  }
  EXPECT_EQ(back, binary);
}

TEST_EACH(DialectAtChunk, EchoInsideTheGateway) {
  Old o(dialect(), options());
  o.MustOpen("/echo");
  const std::string wire = Text("hello") + Text("") + Text(std::string(70000, 'x'));
  o.Send(wire);
  EXPECT_EQ(o.Take(), wire);
}

TEST_EACH(DialectAtChunk, AWebSocketServerGetsFramesOfTheStandard) {
  Old o(dialect(), options());
  o.MustOpen("/live/a");
  o.Send(Text("hello") + Text("second"));
  const auto frames = o.AtLive();
  std::string payload;
  for (const auto& frame : frames) {
    EXPECT_TRUE(frame.masked);
    payload += frame.payload;
  }
  EXPECT_EQ(payload, "hellosecond");
  EXPECT_EQ(Messages(frames).size(), 2u);
  o.FromLive(ServerFrame(kText, "an", false) + ServerFrame(kPing, "p") +
             ServerFrame(kContinuation, "swer"));
  EXPECT_EQ(o.Take(), Text("answer"));
  const auto pongs = o.AtLive();
  ASSERT_EQ(pongs.size(), 1u) << "the gateway answers for the client";
  EXPECT_EQ(pongs[0], (ParsedFrame{.opcode = kPong, .masked = true, .payload = "p"}));
  o.Finish();
}

TEST(DialectSession, AWebSocketServerGetsTheHandshakeOfTheStandard) {
  for (const Dialect dialect : {Dialect::kHybi08, Dialect::kHixie76, Dialect::kHixie75}) {
    Old o(dialect);
    o.live_fields = "Sec-WebSocket-Protocol: b\r\n";
    const std::string offer = dialect == Dialect::kHixie75 ? "WebSocket-Protocol: b\r\n"
                                                           : "Sec-WebSocket-Protocol: b\r\n";
    const std::string origin = dialect == Dialect::kHybi08
                                   ? "Sec-WebSocket-Origin: http://gateway.test\r\n"
                                   : "Origin: http://gateway.test\r\n";
    const ResponseHead head =
        o.Open("/live/a?x=1",
               offer + origin + "Cookie: c=2\r\nSec-WebSocket-Extensions: deflate-stream\r\n");
    ASSERT_EQ(head.status, 101);
    EXPECT_EQ(
        head.Get(dialect == Dialect::kHixie75 ? "WebSocket-Protocol" : "Sec-WebSocket-Protocol"),
        "b");
    EXPECT_EQ(head.Get("Set-Cookie"), "s=1");
    EXPECT_EQ(head.Count("Sec-WebSocket-Accept"), dialect == Dialect::kHybi08 ? 1u : 0u);
    EXPECT_TRUE(o.live_request.starts_with("GET /live/a?x=1 HTTP/1.1\r\n"));
    for (const std::string_view field :
         {"\r\nSec-WebSocket-Version: 13\r\n", "\r\nSec-WebSocket-Protocol: b\r\n",
          "\r\nCookie: c=2\r\n", "\r\nOrigin: http://gateway.test\r\n",
          "\r\nUpgrade: websocket\r\n"}) {
      EXPECT_TRUE(o.live_request.contains(field)) << field << o.live_request;
    }
    for (const std::string_view field : {"Key1", "Key2", "Sec-WebSocket-Origin",
                                         "Sec-WebSocket-Extensions", "\r\nWebSocket-Protocol"}) {
      EXPECT_FALSE(o.live_request.contains(field)) << field << o.live_request;
    }
  }
}

TEST(DialectSession, AServerMayNotChooseFeaturesThatADraftLacks) {
  Old o(Dialect::kHybi08);
  o.live_fields = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  EXPECT_EQ(o.Open("/live/a", "Sec-WebSocket-Extensions: permessage-deflate\r\n").status, 502);
}

// ---- closing

TEST_EACH(DialectAtChunk, TheClientsClose) {
  Old o(dialect(), options());
  o.MustOpen("/bytes");
  o.Send(Text("last"));
  dialect() == Dialect::kHixie76 ? o.Send(kClosing) : o.client.peer().Shutdown();
  o.Run();
  EXPECT_EQ(o.bytes[0].TakeReceived(), "last");
  EXPECT_TRUE(o.bytes[0].ended());
  o.bytes[0].Send("bye");
  o.bytes[0].Shutdown();
  o.Run();
  std::string rest = o.Take();
  std::erase(rest, '\0');
  std::erase(rest, '\xff');
  EXPECT_EQ(rest, "bye");
  EXPECT_TRUE(o.client.peer().ended());
  o.Finish();
  EXPECT_EQ(o.Closes(1000, 0), 1u);
}

TEST_EACH(DialectAtChunk, TheServersEnd) {
  Old o(dialect(), options());
  o.MustOpen("/bytes");
  o.bytes[0].Send("x");
  o.bytes[0].Shutdown();
  o.Run();
  EXPECT_EQ(o.Take(), Text("x") + (dialect() == Dialect::kHixie76 ? kClosing : ""));
  EXPECT_EQ(o.client.peer().ended(), dialect() == Dialect::kHixie75);
  if (dialect() == Dialect::kHixie76) o.Send(kClosing);
  o.Finish();
  EXPECT_TRUE(o.client.peer().ended());
  EXPECT_EQ(o.Closes(1000, 0), 1u);
}

TEST_EACH(DialectAtChunk, ClosesThroughAWebSocketServer) {
  Old o(dialect(), options());
  o.MustOpen("/live/a");
  dialect() == Dialect::kHixie76 ? o.Send(kClosing) : o.client.peer().Shutdown();
  o.Run();
  const auto frames = o.AtLive();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1000);
  o.FromLive(ServerFrame(kClose, CloseBody(1000)));
  o.live[0].Shutdown();
  o.Run();
  EXPECT_EQ(o.Take(), dialect() == Dialect::kHixie76 ? kClosing : "");
  EXPECT_TRUE(o.client.peer().ended());
  o.Finish();

  Old other(dialect(), options());
  other.MustOpen("/live/a");
  other.FromLive(ServerFrame(kText, "bye") + ServerFrame(kClose, CloseBody(1001)));
  EXPECT_EQ(other.Take(), Text("bye") + (dialect() == Dialect::kHixie76 ? kClosing : ""));
  dialect() == Dialect::kHixie76 ? other.Send(kClosing) : other.client.peer().Shutdown();
  other.Run();
  const auto answers = other.AtLive();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].close_code(), 1000);
  other.Finish();
  EXPECT_EQ(other.Closes(1001, 5), 1u);
}

TEST(DialectSession, AClientOf76ThatLeavesWithoutACloseIs1006) {
  Old o;
  o.MustOpen("/bytes");
  o.client.peer().Shutdown();
  o.Finish();
  EXPECT_EQ(o.Closes(1006, 0), 1u);
}

TEST(DialectSession, AClientOf75ThatLeavesWithinAFrameIs1006) {
  Old o(Dialect::kHixie75);
  o.MustOpen("/bytes");
  o.Send("\0half"s);
  o.Finish();
  EXPECT_EQ(o.Closes(1006, 0), 1u);
}

TEST(DialectSession, ATextThatIsNotUtf8Is1007) {
  Old o;
  o.MustOpen("/echo");
  o.Send("\0\xc0\xff"s);
  EXPECT_EQ(o.Take(), kClosing);
  o.Finish();
  EXPECT_EQ(o.Closes(1007, 6), 1u);
}

TEST(DialectSession, AWrongLengthIs1002) {
  Old o;
  o.MustOpen("/echo");
  o.Send("\x80"s + std::string(9, '\xff') + "\x7f" + Text("never"));
  EXPECT_EQ(o.Take(), kClosing);
  o.Finish();
  EXPECT_EQ(o.Closes(1002, 6), 1u);
}

TEST(DialectSession, AMessageWithoutEndIsStoppedAtTheLimit) {
  for (const std::string_view target : {"/small", "/live/a"}) {
    Old o;
    o.MustOpen(target);
    o.Send("\0"s);
    for (int i = 0; i < 40 && !o.client.peer().ended(); ++i) o.Send(std::string(4096, 'x'));
    EXPECT_EQ(o.Take(), kClosing) << target;
    EXPECT_TRUE(o.client.peer().ended());
    o.Finish();
    EXPECT_EQ(o.Closes(1009, target == "/small" ? 1 : 5), 1u);
    EXPECT_THAT(o.gw.log().Last("session close", "why"),
                testing::MatchesRegex("the message is too big: at least [0-9]+ bytes, the limit "
                                      "is [0-9]+"));
  }
}

TEST(DialectSession, ABinaryMessageForTheClientIs1003) {
  for (const Dialect dialect : {Dialect::kHixie76, Dialect::kHixie75}) {
    Old o(dialect);
    o.MustOpen("/live/a");
    o.FromLive(ServerFrame(kText, "fine") + ServerFrame(kBinary, "\xff\0"s));
    const auto frames = o.AtLive();
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].close_code(), 1003);
    o.FromLive(ServerFrame(kText, "ignored") + ServerFrame(kClose, CloseBody(1003)));
    o.live[0].Shutdown();
    o.Run();
    EXPECT_EQ(o.Take(), Text("fine") + (dialect == Dialect::kHixie76 ? kClosing : ""));
    EXPECT_TRUE(o.client.peer().ended());
    o.Finish();
    EXPECT_EQ(o.Closes(1003, 5), 1u);
  }
}

TEST(DialectSession, InARoomABinaryMessageEndsOnlyTheClientThatCannotHaveIt) {
  Old o;
  o.MustOpen("/room");
  GatewayClient modern = o.gw.Connect();
  GatewayClient sender = o.gw.Connect();
  EXPECT_EQ(modern.Upgrade("/room").status, 101);
  EXPECT_EQ(sender.Upgrade("/room").status, 101);
  sender.Send(TextFrame("text"));
  EXPECT_EQ(o.Take(), Text("text"));
  sender.Send(BinaryFrame("binary"));
  EXPECT_EQ(o.Take(), kClosing);
  EXPECT_EQ(modern.Frames().size(), 2u);
  o.client.peer().Shutdown();
  o.Run();
  EXPECT_EQ(o.gw.gateway().sessions(), 2u);
  EXPECT_EQ(o.Closes(1003, 7), 1u);
}

TEST(DialectSession, AServerWhoseTextIsNotUtf8CannotForgeFrames) {
  Old o;
  o.MustOpen("/live/a");
  o.FromLive(ServerFrame(kText, "a\xff\0injected"s));
  EXPECT_EQ(o.Take(), "");
  EXPECT_TRUE(o.client.peer().ended());
  const auto frames = o.AtLive();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1007);
  o.Finish();
}

TEST(DialectSession, TheShutdownOfTheGateway) {
  Old o;
  o.MustOpen("/bytes");
  bool empty = false;
  o.gw.gateway().Drain(1001, io::Millis{0}, [&] { empty = true; });
  o.Run();
  EXPECT_EQ(o.Take(), kClosing);
  o.Send(kClosing);
  o.client.peer().Shutdown();
  o.bytes[0].Shutdown();
  o.Run();
  EXPECT_TRUE(empty);
}

// ---- time and backpressure

TEST(DialectSession, AQuietClientIsKeptBecauseItCannotAnswerPings) {
  for (const std::string_view target : {"/bytes", "/live/a"}) {
    for (const Dialect dialect : {Dialect::kHixie76, Dialect::kHixie75}) {
      Old o(dialect);
      o.MustOpen(target);
      o.gw.loop().Advance(10min);
      EXPECT_EQ(o.gw.gateway().sessions(), 1u) << target;
      EXPECT_EQ(o.Take(), "");
      EXPECT_FALSE(o.client.peer().done());
    }
  }
}

TEST(DialectSession, AnIdleClientIsClosed) {
  Old o;
  o.MustOpen("/idle");
  // Frames that are ignored do not count as activity.
  for (int i = 0; i < 12; ++i) {
    o.Send("\x01reserved\xff");
    o.gw.loop().Advance(5s);
  }
  EXPECT_EQ(o.Take(), kClosing);
  o.Finish();
  EXPECT_EQ(o.Closes(1001, 4), 1u);
}

TEST(DialectSession, AServerThatDoesNotReadStopsTheClient) {
  Old o(Dialect::kHixie76, {.send_buffer = 64 * 1024});
  o.MustOpen("/bytes");
  o.bytes[0].Stall();
  const std::string text = Text(std::string(60000, 'x'));
  for (int i = 0; i < 20; ++i) o.Send(text);
  EXPECT_GT(o.client.peer().stream()->queued(), 0u);
  o.bytes[0].Resume();
  o.Run();
  EXPECT_EQ(o.bytes[0].TakeReceived().size(), 20u * 60000u);
  EXPECT_EQ(o.client.peer().stream()->queued(), 0u);
}

TEST(DialectSession, AClientThatDoesNotReadStopsTheServer) {
  for (const std::string_view target : {"/bytes", "/live/a"}) {
    Old o(Dialect::kHixie76, {.send_buffer = 64 * 1024});
    o.MustOpen(target);
    TestPeer& server = target == "/bytes" ? o.bytes[0] : o.live[0];
    const std::string piece =
        target == "/bytes" ? std::string(60000, 'x') : ServerFrame(kText, std::string(60000, 'x'));
    o.client.peer().Stall();
    for (int i = 0; i < 20; ++i) {
      server.Send(piece);
      o.Run();
    }
    EXPECT_GT(server.stream()->queued(), 0u);
    o.client.peer().Resume();
    o.Run();
    const std::string all = o.Take();
    EXPECT_EQ(std::ranges::count(all, 'x'), 20 * 60000);
    EXPECT_EQ(server.stream()->queued(), 0u);
  }
}

}  // namespace
}  // namespace upgate::test::dialects_test
