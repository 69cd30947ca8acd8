// Sessions between two WebSocket peers on a route with `enforce`: the gateway is an endpoint
// towards both.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"
#include "tests/support/raw_deflate.h"

namespace upgate::test::relay_session_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;

constexpr std::uint8_t kRsv1 = 4;

constexpr std::string_view kConfig = R"(
backends: { live: { servers: [ "ws://127.0.0.1:7000" ] } }
routes:
  - { path: /plain, backend: live, enforce: true, limits: { message_size: 1MiB, server_message_size: 1MiB } }
  - { path: /client, backend: live, enforce: true, compression: { threshold: 0 } }
  - { path: /server, backend: live, enforce: true, server_compression: { threshold: 0 }, limits: { message_size: 1MiB, server_message_size: 1MiB } }
  - path: /both
    backend: live
    enforce: true
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
    server_compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false }
  - { path: /asking, backend: live, enforce: true, server_compression: { client_max_window_bits: 10, server_max_window_bits: 11 } }
  - { path: /pinged, backend: live, enforce: true, limits: { idle: 1m, ping_interval: 10s } }
  - { path: /quiet, backend: live, enforce: true, limits: { idle: 1m, ping_interval: 0 } }
)";

constexpr std::string_view kAccepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
constexpr std::string_view kOffer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
constexpr std::string_view kFresh =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
    "client_no_context_takeover\r\n";

// A client connected through the gateway to a WebSocket server, which the test plays.
class Relay {
 public:
  explicit Relay(std::string_view target, MemoryNetwork::Options options = {},
                 std::string_view answer_fields = "", std::string_view request_fields = "",
                 std::string_view early = "")
      : gw(kConfig, options),
        server_(gw.network(), Address("127.0.0.1:7000")),
        client(gw.Connect()) {
    server_.OnConnection(
        [answer = std::string(kAccepted).append(answer_fields).append("\r\n").append(early)](
            TestPeer& peer) {
          peer.OnReceive([answer, head = std::string(), done = false](
                             TestPeer& self, std::string_view bytes) mutable {
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
  void ServerSends(std::string_view bytes) {
    server().Send(bytes);
    Run();
  }
  // The frames that the server received; all of them must be masked.
  std::vector<ParsedFrame> ServerFrames() {
    bytes_ += server().TakeReceived();
    auto frames = TakeFrames(bytes_);
    for (ParsedFrame& frame : frames) {
      EXPECT_TRUE(frame.masked);
      frame.masked = false;
    }
    return frames;
  }
  std::vector<ParsedFrame> ClientFrames() {
    auto frames = client.Frames();
    for (const ParsedFrame& frame : frames) EXPECT_FALSE(frame.masked);
    return frames;
  }
  // Closes both ends; then the session is gone.
  void ExpectOver() {
    EXPECT_TRUE(client.peer().done());
    client.peer().Shutdown();
    Run();
    server().Shutdown();
    Run();
    EXPECT_EQ(gw.gateway().sessions(), 0u);
    EXPECT_EQ(gw.loop_stats().compression.reserved_bytes.Get(), 0u);
  }

  TestGateway gw;

 private:
  TestServer server_;
  std::string bytes_;

 public:
  GatewayClient client;
  ResponseHead answer;
  std::string request;
};

using Received = std::vector<std::pair<std::uint8_t, std::string>>;

std::string Text(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i)
    text += "message " + std::to_string(i * 7919 % 1000) + "; ";
  text.resize(size);
  return text;
}

class EnforcedAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, EnforcedAtChunk, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(EnforcedAtChunk, MessagesPassBothWays) {
  Relay r("/plain", {.read_chunk = GetParam()});
  ASSERT_EQ(r.answer.status, 101);
  const Received sent{{kText, "t\xc3\xa4xt"},
                      {kBinary, Text(300)},
                      {kBinary, Text(70'000)},
                      {kText, ""},
                      {kText, Text(1000)}};
  std::string from_client;
  std::string from_server;
  for (const auto& [opcode, payload] : sent) {
    from_client +=
        payload.size() == 1000 ? Fragmented(opcode, payload, 100) : Frame(opcode, payload);
    from_server += ServerFrame(opcode, payload);
  }
  r.client.Send(from_client);
  EXPECT_EQ(Messages(r.ServerFrames()), sent);
  r.ServerSends(from_server);
  EXPECT_EQ(Messages(r.ClientFrames()), sent);
  const stats::RouteStats& stats = r.gw.route_stats();
  for (const stats::Traffic* traffic : {&stats.in, &stats.out}) {
    EXPECT_EQ(traffic->text_messages.Get(), 3u);
    EXPECT_EQ(traffic->binary_messages.Get(), 2u);
    EXPECT_EQ(traffic->bytes.Get(), 5u + 300 + 70'000 + 1000);
    EXPECT_EQ(traffic->message_size.sum(), 5u + 300 + 70'000 + 1000);
  }
  EXPECT_EQ(r.gw.server_stats().bytes_received.Get(), from_server.size());
  EXPECT_GT(r.gw.server_stats().bytes_sent.Get(), 71'000u);
}

TEST_EACH(EnforcedAtChunk, DataAfterTheHandshakesArrives) {
  Relay r("/plain", {.read_chunk = GetParam()}, "", "", ServerFrame(kText, "early"));
  r.Run();
  EXPECT_EQ(Messages(r.ClientFrames()), (Received{{kText, "early"}}));
  EXPECT_EQ(r.gw.server_stats().bytes_received.Get(), 7u);
}

TEST_EACH(EnforcedAtChunk, PingsAreAnsweredHopByHop) {
  Relay r("/plain", {.read_chunk = GetParam()});
  r.client.Send(Frame(kText, "a", {.fin = false}) + PingFrame("to the gateway") +
                PongFrame("unasked") + Frame(kContinuation, "b"));
  r.ServerSends(ServerFrame(kPing, "as well") + ServerFrame(kPong, ""));
  EXPECT_EQ(r.ClientFrames(),
            (std::vector{ParsedFrame{.opcode = kPong, .payload = "to the gateway"}}));
  const auto frames = r.ServerFrames();
  EXPECT_EQ(Messages(frames), (Received{{kText, "ab"}}));
  EXPECT_EQ(std::ranges::count(frames, kPing, &ParsedFrame::opcode), 0);
  EXPECT_EQ(std::ranges::count(frames, ParsedFrame{.opcode = kPong, .payload = "as well"}), 1);
}

// ---- compression

TEST(RelayHandshake, EachSideHasItsOwnExtensions) {
  Relay plain("/plain", {}, "", kOffer);
  EXPECT_EQ(plain.answer.Count("Sec-WebSocket-Extensions"), 0u);
  EXPECT_EQ(plain.request.find("Sec-WebSocket-Extensions"), std::string::npos);

  Relay client("/client", {}, "", kOffer);
  EXPECT_EQ(client.answer.Get("Sec-WebSocket-Extensions"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(client.request.find("Sec-WebSocket-Extensions"), std::string::npos);

  Relay server("/server", {}, kFresh, "Sec-WebSocket-Extensions: x-other\r\n");
  EXPECT_EQ(server.answer.status, 101);
  EXPECT_EQ(server.answer.Count("Sec-WebSocket-Extensions"), 0u);
  EXPECT_NE(server.request.find(
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                "client_no_context_takeover; client_max_window_bits\r\n"),
            std::string::npos)
      << server.request;
  EXPECT_EQ(server.request.find("x-other"), std::string::npos);
}

TEST(RelayHandshake, AServerMayDeclineCompression) {
  Relay r("/server");
  ASSERT_EQ(r.answer.status, 101);
  EXPECT_EQ(r.gw.loop_stats().compression.reserved_bytes.Get(), 0u);
  r.client.Send(TextFrame(Text(1000)));
  EXPECT_EQ(r.ServerFrames().at(0).rsv, 0);
  r.ServerSends(Frame(kText, "x", {.rsv = kRsv1, .mask = {}}));
  EXPECT_EQ(r.ServerFrames().at(0).close_code(), 1002);
  EXPECT_EQ(r.client.ReceivedClose(), 1011);
}

TEST(RelayHandshake, AServerThatAgreesOnWhatWasNotOfferedIsA502) {
  for (const std::string_view fields :
       {"Sec-WebSocket-Extensions: x-other\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11; "
        "client_max_window_bits=11\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: ;\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; mode=fast\r\n"}) {
    Relay r("/asking", {}, fields, kOffer);
    EXPECT_EQ(r.answer.status, 502) << fields;
    EXPECT_EQ(r.gw.loop_stats().compression.reserved_bytes.Get(), 0u);
    EXPECT_EQ(r.gw.Handshakes(HandshakeOutcome::kBackendFailed, 4), 1u);
  }
  Relay plain("/plain", {}, kOffer, kOffer);
  EXPECT_EQ(plain.answer.status, 502) << "the client's offer was not forwarded";
}

TEST_EACH(EnforcedAtChunk, CompressionEndsAtTheGatewayOnEitherSide) {
  const std::string text = Text(3000);
  Relay client("/client", {.read_chunk = GetParam()}, "", kOffer);
  client.client.Send(Frame(kText, RawDeflater().Message(text), {.rsv = kRsv1}));
  auto frames = client.ServerFrames();
  EXPECT_EQ(Messages(frames), (Received{{kText, text}}));
  EXPECT_EQ(std::ranges::count(frames, kRsv1, &ParsedFrame::rsv), 0);
  client.ServerSends(ServerFrame(kText, text.substr(0, 1000), false) + ServerFrame(kPing, "") +
                     ServerFrame(kContinuation, text.substr(1000)));
  frames = client.ClientFrames();
  ASSERT_EQ(frames.size(), 1u) << "whole";
  EXPECT_EQ(frames[0].rsv, kRsv1);
  EXPECT_EQ(RawInflater().Message(frames[0].payload), text);

  Relay server("/server", {.read_chunk = GetParam()}, kFresh);
  server.client.Send(Fragmented(kText, text, 1000) + TextFrame("short"));
  frames = server.ServerFrames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].rsv, kRsv1);
  EXPECT_EQ(RawInflater().Message(frames[0].payload), text);
  server.ServerSends(Frame(kBinary, RawDeflater().Message(text), {.rsv = kRsv1, .mask = {}}));
  EXPECT_EQ(Messages(server.ClientFrames()), (Received{{kBinary, text}}));
}

TEST(RelayStats, TheServersSideIsCountedByItself) {
  Relay r("/server", {}, kFresh);
  const std::string text = Text(3000);
  r.client.Send(PingFrame() + Fragmented(kText, text, 1000) + TextFrame("x"));
  const auto frames = r.ServerFrames();
  ASSERT_EQ(frames.size(), 2u);
  const std::string back = RawDeflater().Message(text);
  r.ServerSends(Frame(kBinary, back, {.rsv = kRsv1, .mask = {}}) + ServerFrame(kPing, "") +
                ServerFrame(kPing, ""));
  const stats::ServerStats& server = r.gw.server_stats();
  EXPECT_EQ(server.sessions_compressed.Get(), 1u);
  EXPECT_EQ(server.out.text_messages.Get(), 2u);
  EXPECT_EQ(server.out.frames.Get(), 2u);
  EXPECT_EQ(server.out.bytes.Get(), 3001u);
  EXPECT_EQ(server.out.pings.Get() + server.out.closes.Get(), 0u);
  EXPECT_EQ(server.out.pongs.Get(), 2u);
  EXPECT_EQ(server.out.compressed_messages.Get(), 1u);
  EXPECT_EQ(server.out.compressed_bytes.Get(), frames[0].payload.size());
  EXPECT_EQ(server.out.inflated_bytes.Get(), 3000u);
  EXPECT_EQ(server.in.binary_messages.Get(), 1u);
  EXPECT_EQ(server.in.bytes.Get(), 3000u);
  EXPECT_EQ(server.in.pings.Get(), 2u);
  EXPECT_EQ(server.in.compressed_messages.Get(), 1u);
  EXPECT_EQ(server.in.compressed_bytes.Get(), back.size());
  EXPECT_EQ(server.in.message_size.sum(), 3000u);
  const stats::RouteStats& route = r.gw.route_stats(2);
  EXPECT_EQ(route.in.frames.Get(), 4u);
  EXPECT_EQ(route.in.pings.Get(), 1u);
  EXPECT_EQ(route.in.compressed_messages.Get() + route.out.compressed_messages.Get(), 0u);

  Relay plain("/plain");
  EXPECT_EQ(plain.gw.server_stats().sessions_compressed.Get(), 0u);
  EXPECT_EQ(plain.gw.server_stats().compression_declined.Get(), 0u);
}

TEST(RelayStats, AnOfferThatThereWasNoMemoryForIsCounted) {
  TestGateway gw(R"(
compression_memory: 0
backends: { live: { servers: [ "ws://127.0.0.1:7000" ] } }
routes: [ { path: /, backend: live, enforce: true, server_compression: true } ]
)");
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/"));
  EXPECT_EQ(server[0].received().find("Sec-WebSocket-Extensions"), std::string::npos);
  EXPECT_EQ(gw.server_stats().compression_declined.Get(), 1u);
}

TEST(RelaySession, UncompressedMessagesForACompressingClientAreNotSplit) {
  Relay r("/client", {}, "", kOffer);
  r.client.Send(BinaryFrame(Text(20'000)) + BinaryFrame(Text(10'000)));
  EXPECT_EQ(r.ServerFrames().size(), 2u);
}

TEST_EACH(EnforcedAtChunk, BothSidesMayUseContextTakeover) {
  Relay r("/both", {.read_chunk = GetParam()}, kOffer, kOffer);
  ASSERT_EQ(r.answer.status, 101);
  RawDeflater client_deflater, server_deflater;
  RawInflater client_inflater, server_inflater;
  for (int i = 0; i < 3; ++i) {
    const std::string text = Text(500);
    r.client.Send(Frame(kText, client_deflater.Message(text), {.rsv = kRsv1}));
    const auto to_server = r.ServerFrames();
    ASSERT_EQ(to_server.size(), 1u);
    EXPECT_EQ(server_inflater.Message(to_server[0].payload), text);
    r.ServerSends(Frame(kText, server_deflater.Message(text), {.rsv = kRsv1, .mask = {}}));
    const auto to_client = r.ClientFrames();
    ASSERT_EQ(to_client.size(), 1u);
    EXPECT_EQ(client_inflater.Message(to_client[0].payload), text);
    if (i == 2) {
      EXPECT_LT(to_client[0].payload.size(), 20u);
      EXPECT_LT(to_server[0].payload.size(), 20u);
    }
  }
  r.client.Send(CloseFrame(1000));
  r.ServerSends(Frame(kClose, CloseBody(1000), {.mask = {}}));
  r.ExpectOver();
}

TEST(RelayMemory, IdleSessionsHoldNothingForEitherSideWithoutContextTakeover) {
  constexpr std::size_t kSessions = 2'000;
  TestGateway gw(R"(
backends: { live: { servers: [ "ws://127.0.0.1:7000" ] } }
routes: [ { path: /, backend: live, enforce: true, compression: { threshold: 0 }, server_compression: { threshold: 0 } } ]
)");
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  std::vector<std::unique_ptr<TestPeer>> clients;
  for (std::size_t i = 0; i < kSessions; ++i) {
    clients.push_back(std::make_unique<TestPeer>(gw.network(), Address("127.0.0.1:80")));
    clients.back()->Send(UpgradeRequest("/", "gateway.test", kOffer));
  }
  gw.loop().RunUntilIdle();
  ASSERT_EQ(server.size(), kSessions);
  for (std::size_t i = 0; i < kSessions; ++i)
    server[i].Send(std::string(kAccepted).append(kFresh).append("\r\n"));
  gw.loop().RunUntilIdle();
  const std::string message = RawDeflater().Message(Text(1000));
  for (std::size_t i = 0; i < kSessions; ++i) {
    clients[i]->Send(Frame(kText, message, {.rsv = kRsv1}));
    server[i].Send(Frame(kText, message, {.rsv = kRsv1, .mask = {}}));
  }
  gw.loop().RunUntilIdle();
  gw.loop().Advance(10s);
  const stats::CompressionStats& held = gw.loop_stats().compression;
  EXPECT_EQ(gw.gateway().sessions(), kSessions);
  EXPECT_EQ(gw.route_stats().in.compressed_messages.Get(), kSessions);
  EXPECT_EQ(gw.route_stats().out.compressed_messages.Get(), kSessions);
  EXPECT_EQ(held.memory_bytes.Get(), 0u);
  EXPECT_EQ(held.deflaters.Get(), 0u);
  EXPECT_EQ(held.inflaters.Get(), 0u);
}

// ---- protocol violations

TEST_EACH(EnforcedAtChunk, AClientThatBreaksARuleGetsItsCodeAndTheServer1001) {
  const auto codes = [](std::string_view wire, std::string_view target = "/plain",
                        std::string_view offer = "") {
    Relay r(target, {.read_chunk = GetParam()}, "", offer);
    r.client.Send(wire);
    const int client = r.client.ReceivedClose();
    const auto frames = r.ServerFrames();
    const int server = frames.empty() ? 0 : frames.back().close_code().value_or(1005);
    r.ServerSends(Frame(kClose, CloseBody(1001), {.mask = {}}));
    r.ExpectOver();
    return std::pair(client, server);
  };
  EXPECT_EQ(codes(ServerFrame(kText, "not masked")), std::pair(1002, 1001));
  EXPECT_EQ(codes(TextFrame("\xff")), std::pair(1007, 1001));
  EXPECT_EQ(codes(Frame(kText, "\xc3", {.fin = false}) + Frame(kContinuation, "x")),
            std::pair(1007, 1001));
  EXPECT_EQ(codes(Frame(kText, "x", {.rsv = kRsv1})), std::pair(1002, 1001));
  EXPECT_EQ(codes(Frame(kPing, std::string(126, 'x'))), std::pair(1002, 1001));
  EXPECT_EQ(codes(Frame(kContinuation, "x")), std::pair(1002, 1001));
  EXPECT_EQ(codes(Frame(kBinary, "", {.claimed_length = 2 << 20})), std::pair(1009, 1001));
  EXPECT_EQ(codes(CloseFrame(1005)), std::pair(1002, 1001));
  EXPECT_EQ(codes(Frame(kBinary, "\xff\xff", {.rsv = kRsv1}), "/client", kOffer),
            std::pair(1007, 1001));
}

TEST_EACH(EnforcedAtChunk, AServerThatBreaksARuleGetsItsCodeAndTheClient1011Or1009) {
  const auto codes = [](std::string_view wire, std::string_view target = "/plain",
                        std::string_view answer = "") {
    Relay r(target, {.read_chunk = GetParam()}, answer);
    r.ServerSends(wire);
    const auto to_client = r.client.Frames();
    const int client = to_client.empty() ? 0 : to_client.back().close_code().value_or(1005);
    if (client == 1009) {
      EXPECT_THAT(to_client.back().close_reason(),
                  testing::MatchesRegex("from the server: the message is too big: at least [0-9]+ "
                                        "bytes, the limit is [0-9]+"));
    }
    const auto frames = r.ServerFrames();
    const int server = frames.empty() ? 0 : frames.back().close_code().value_or(1005);
    EXPECT_TRUE(r.server().ended());
    r.client.Send(CloseFrame(1011));
    r.ExpectOver();
    return std::pair(client, server);
  };
  EXPECT_EQ(codes(TextFrame("masked")), std::pair(1011, 1002));
  EXPECT_EQ(codes(ServerFrame(kText, "\xff")), std::pair(1011, 1007));
  EXPECT_EQ(codes(Frame(kBinary, "", {.mask = {}, .claimed_length = 2 << 20})),
            std::pair(1009, 1009));
  EXPECT_EQ(codes(Frame(kBinary, DeflatedZeros(64), {.rsv = kRsv1, .mask = {}}), "/server", kFresh),
            std::pair(1009, 1009));
}

// If messages of the server are not limited, only the data collected for a compressor is.
TEST_EACH(EnforcedAtChunk, LongMessagesOfServersGoToACompressorInPieces) {
  if (GetParam() < 7) return;  // slow, and shows nothing new
  for (const std::string_view target : {"/client", "/both"}) {
    Relay r(target, {.read_chunk = GetParam()}, "", kOffer);
    const std::string long_one = Text(3 << 20);
    const std::string short_one = Text(900'000);
    std::string all;
    for (std::size_t i = 0; i < long_one.size(); i += 1 << 19)
      all += ServerFrame(i == 0 ? kText : kContinuation, long_one.substr(i, 1 << 19),
                         i + (1 << 19) >= long_one.size());
    r.ServerSends(all + ServerFrame(kText, short_one) + ServerFrame(kText, long_one) +
                  ServerFrame(kBinary, "x"));
    const auto frames = r.ClientFrames();
    const auto messages = Messages(frames);
    ASSERT_EQ(messages.size(), 4u);
    EXPECT_TRUE(messages[0].second == long_one);
    EXPECT_LT(messages[1].second.size(), short_one.size()) << "compressed";
    EXPECT_TRUE(messages[2].second == long_one);
    EXPECT_EQ(messages[3].first, kBinary);
    EXPECT_EQ(frames[0].rsv, 0);
  }
}

// ---- closing

TEST_EACH(EnforcedAtChunk, TheClientsCloseFollowsItsMessagesAndTheServersAnswerComesBack) {
  Relay r("/plain", {.read_chunk = GetParam()});
  r.client.Send(TextFrame("last") + CloseFrame(3001, "enough"));
  const auto frames = r.ServerFrames();
  EXPECT_EQ(Messages(frames), (Received{{kText, "last"}}));
  EXPECT_EQ(frames.back().close_code(), 3001);
  EXPECT_EQ(frames.back().close_reason(), "enough");
  EXPECT_FALSE(r.server().ended()) << "a server is the first to end the connection";
  EXPECT_EQ(r.client.peer().received(), "") << "the server answers";
  r.ServerSends(ServerFrame(kText, "still under way") +
                Frame(kClose, CloseBody(3002, "so be it"), {.mask = {}}));
  const auto answer = r.ClientFrames();
  EXPECT_EQ(Messages(answer), (Received{{kText, "still under way"}}));
  EXPECT_EQ(answer.back().close_code(), 3002);
  EXPECT_EQ(answer.back().close_reason(), "so be it");
  r.ExpectOver();
  EXPECT_EQ(r.gw.log().Last("session close", "code"), "3001");
  EXPECT_EQ(r.gw.log().Last("session close", "closed_by"), "client");
  EXPECT_EQ(r.gw.log().Last("session close", "why"), "enough");
}

TEST_EACH(EnforcedAtChunk, TheServersClosePassesAndTheClientsAnswerGoesBack) {
  Relay r("/plain", {.read_chunk = GetParam()});
  r.ServerSends(ServerFrame(kText, "last") +
                Frame(kClose, CloseBody(1012, "restart"), {.mask = {}}));
  r.server().Shutdown();
  r.Run();
  const auto frames = r.ClientFrames();
  EXPECT_EQ(Messages(frames), (Received{{kText, "last"}}));
  EXPECT_EQ(frames.back().close_code(), 1012);
  r.client.Send(TextFrame("still under way") + CloseFrame(1012));
  const auto answer = r.ServerFrames();
  EXPECT_EQ(Messages(answer), (Received{{kText, "still under way"}}));
  EXPECT_EQ(answer.back().close_code(), 1012);
  r.ExpectOver();
  EXPECT_EQ(r.gw.log().Last("session close", "closed_by"), "server");
  EXPECT_EQ(r.gw.log().Last("session close", "why"), "restart");
}

TEST(RelaySession, ClosesThatCrossAnswerEachOther) {
  Relay r("/plain");
  r.client.peer().Send(CloseFrame(3001));
  r.server().Send(Frame(kClose, CloseBody(3002), {.mask = {}}));
  r.Run();
  EXPECT_NE(r.client.ReceivedClose(), 0);
  EXPECT_TRUE(r.ServerFrames().back().close_code());
  r.ExpectOver();
}

TEST(RelaySession, ACloseWithoutACodePassesAsOne) {
  Relay r("/plain");
  r.client.Send(Frame(kClose, ""));
  EXPECT_EQ(r.ServerFrames().back(), (ParsedFrame{.opcode = kClose, .payload = ""}));
  r.ServerSends(Frame(kClose, "", {.mask = {}}));
  EXPECT_EQ(r.client.ReceivedClose(), 1005);
  r.ExpectOver();
}

TEST(RelaySession, ALostEndIsReportedToTheOther) {
  const auto lose_client = [](auto how) {
    Relay r("/plain");
    how(r.client.peer());
    r.Run();
    EXPECT_EQ(r.ServerFrames().back().close_code(), 1001);
    r.ServerSends(Frame(kClose, CloseBody(1001), {.mask = {}}));
    r.server().Shutdown();
    r.Run();
    EXPECT_EQ(r.gw.gateway().sessions(), 0u);
    EXPECT_EQ(r.gw.log().Last("session close", "code"), "1006");
  };
  lose_client([](TestPeer& peer) { peer.Shutdown(); });
  lose_client([](TestPeer& peer) { peer.Reset(); });
  const auto lose_server = [](auto how) {
    Relay r("/plain");
    how(r.server());
    r.Run();
    EXPECT_EQ(r.client.ReceivedClose(), 1011);
    r.client.Send(CloseFrame(1011));
    r.client.peer().Shutdown();
    r.Run();
    EXPECT_EQ(r.gw.gateway().sessions(), 0u);
    EXPECT_EQ(r.gw.log().Last("session close", "closed_by"), "server");
  };
  lose_server([](TestPeer& peer) { peer.Shutdown(); });
  lose_server([](TestPeer& peer) { peer.Reset(); });
}

TEST(RelaySession, EndsInBoundedTimeWithPeersThatNeverAnswer) {
  Relay r("/plain");
  r.client.Send(CloseFrame(1000));
  r.gw.loop().Advance(5s);
  EXPECT_EQ(r.client.ReceivedClose(), 1000) << "the server's answer is not waited for any longer";
  r.gw.loop().Advance(10s);
  EXPECT_EQ(r.gw.gateway().sessions(), 0u);

  Relay stopping("/plain");
  bool empty = false;
  stopping.gw.gateway().Drain(1001, io::Millis{0}, [&] { empty = true; });
  stopping.Run();
  EXPECT_EQ(stopping.client.ReceivedClose(), 1001);
  EXPECT_EQ(stopping.ServerFrames().back().close_code(), 1001);
  stopping.gw.loop().Advance(15s);
  EXPECT_TRUE(empty);
}

TEST(RelaySession, BothSidesAreKeptAlive) {
  Relay r("/plain");
  r.gw.loop().Advance(31s);
  const auto to_client = r.ClientFrames();
  const auto to_server = r.ServerFrames();
  ASSERT_EQ(to_client.size() + to_server.size(), 2u);
  EXPECT_EQ(to_client[0].opcode, kPing);
  EXPECT_EQ(to_client, to_server);
  r.client.Send(PongFrame(to_client[0].payload));
  r.gw.loop().Advance(31s);
  EXPECT_EQ(r.client.ReceivedClose(), 1011) << "the server was silent";

  Relay quiet("/quiet");
  quiet.gw.loop().Advance(61s);
  EXPECT_EQ(quiet.client.ReceivedClose(), 1001);
  EXPECT_EQ(quiet.ServerFrames().back().close_code(), 1001);
}

// Pings are not relayed to the other peer, but keep the session alive.
TEST(RelaySession, AnyFrameButTheAnswerToOurPingIsActivity) {
  const auto lives_with = [](const std::function<void(Relay&, std::string_view)>& act) {
    Relay r("/pinged");
    for (int i = 0; i < 12; ++i) {
      r.gw.loop().Advance(10s);
      std::string ping;
      for (const ParsedFrame& frame : r.ClientFrames()) {
        if (frame.opcode == kPing) ping = frame.payload;
        if (frame.opcode == kClose) return false;
      }
      r.ServerFrames();
      act(r, ping);
      r.Run();
    }
    return true;
  };
  const auto answer = [](Relay& r, std::string_view ping) {
    r.client.Send(PongFrame(ping));
    r.ServerSends(ServerFrame(kPong, ping));
  };
  EXPECT_FALSE(lives_with(answer));
  EXPECT_TRUE(lives_with([&](Relay& r, std::string_view ping) {
    answer(r, ping);
    r.ServerSends(ServerFrame(kPing, ""));
  }));
  EXPECT_TRUE(lives_with([&](Relay& r, std::string_view ping) {
    answer(r, ping);
    r.client.Send(PongFrame("unasked"));
  }));
  EXPECT_TRUE(lives_with([&](Relay& r, std::string_view ping) {
    answer(r, ping);
    r.client.Send(TextFrame(""));
  }));
}

// ---- memory

TEST(RelaySession, AnEndThatDoesNotReadStopsTheOther) {
  const auto most = [](Relay& r) {
    std::size_t queued = 0;
    for (const MemoryStream* stream : r.gw.network().Streams())
      queued = std::max(queued, stream->queued());
    return queued;
  };
  for (const std::string_view target : {"/plain", "/server"}) {
    Relay r(target, {.send_buffer = 64 * 1024}, target == "/server" ? kFresh : "");
    r.server().Stall();
    std::string noise = Text(50'000);
    for (std::size_t i = 0; i < noise.size(); ++i)
      noise[i] = static_cast<char>(noise[i] ^ static_cast<char>(i * i >> 3));
    for (int i = 0; i < 50; ++i) r.client.peer().Send(BinaryFrame(noise));
    r.Run();
    EXPECT_LE(most(r), io::kHighMark + 2 * io::kReadBufferSize);
    r.server().Resume();
    r.Run();
    EXPECT_EQ(Messages(r.ServerFrames()).size(), 50u);
  }
  Relay r("/plain", {.send_buffer = 64 * 1024});
  r.client.peer().Stall();
  for (int i = 0; i < 50; ++i) r.server().Send(ServerFrame(kBinary, std::string(50'000, 'm')));
  r.Run();
  EXPECT_LE(most(r), io::kHighMark + 2 * io::kReadBufferSize);
  r.client.peer().Resume();
  r.Run();
  EXPECT_EQ(Messages(r.ClientFrames()).size(), 50u);
}

TEST(RelaySession, ABombOfTheServerWaitsForTheClient) {
  Relay r("/server", {.send_buffer = 64 * 1024}, kFresh);
  r.client.peer().Stall();
  std::string wire;
  for (int i = 0; i < 20; ++i) wire += Frame(kBinary, DeflatedZeros(1), {.rsv = kRsv1, .mask = {}});
  r.ServerSends(wire);
  std::size_t queued = 0;
  for (const MemoryStream* stream : r.gw.network().Streams())
    queued = std::max(queued, stream->queued());
  EXPECT_GT(queued, io::kHighMark);
  EXPECT_LE(queued, io::kHighMark + 640 * 1024);
  r.client.peer().Resume();
  r.Run();
  EXPECT_EQ(Messages(r.ClientFrames()).size(), 20u);
}

}  // namespace
}  // namespace upgate::test::relay_session_test
