// permessage-deflate with clients (RFC 7692): negotiation, messages, and memory limits.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/base/base64.h"
#include "gateway/ws/deflate.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"
#include "tests/support/raw_deflate.h"

namespace upgate::test::compression_test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t kRsv1 = 4;

constexpr std::string_view kConfig = R"(
backends: { b: { servers: [ "tcp://127.0.0.1:7000" ] } }
routes:
  - { path: /off, plugin: echo }
  - { path: /echo, plugin: echo, compression: { threshold: 0 }, limits: { message_size: 4MiB } }
  - path: /takeover
    plugin: echo
    compression: { threshold: 0, server_no_context_takeover: false, client_no_context_takeover: false, client_max_window_bits: 15 }
  - { path: /small, plugin: echo, compression: { threshold: 0 }, limits: { message_size: 100 } }
  - { path: /threshold, plugin: echo, compression: true }
  - { path: /b, backend: b, compression: { threshold: 0 }, limits: { message_size: 4MiB } }
  - { path: /text, backend: b, encoding: text, compression: { threshold: 0 } }
  - { path: /base64, backend: b, encoding: base64, compression: { threshold: 0 } }
)";

std::string Offer(std::string_view parameters = "") {
  return "Sec-WebSocket-Extensions: permessage-deflate" + std::string(parameters) + "\r\n";
}

std::string Compressed(std::uint8_t opcode, std::string_view payload, bool fin = true) {
  return Frame(opcode, payload, {.fin = fin, .rsv = kRsv1});
}

// The compressed payload of a message in frames of at most `piece` bytes, with `between` after each
// frame except the last.
std::string CompressedFragments(std::uint8_t opcode, std::string_view payload, std::size_t piece,
                                std::string_view between = {}) {
  std::string out;
  std::uint8_t rsv = kRsv1;
  do {
    const std::string_view part = payload.substr(0, piece);
    payload.remove_prefix(part.size());
    out += Frame(opcode, part, {.fin = payload.empty(), .rsv = rsv});
    if (!payload.empty()) out += between;
    opcode = kContinuation;
    rsv = 0;
  } while (!payload.empty());
  return out;
}

// The messages that a client received, inflated if they were compressed.
std::vector<std::string> Inflated(const std::vector<ParsedFrame>& frames, RawInflater& inflater,
                                  bool fresh) {
  std::vector<std::string> messages;
  for (const ParsedFrame& frame : frames) {
    if (frame.opcode >= 8) continue;
    EXPECT_TRUE(frame.fin);
    const auto message =
        frame.rsv == kRsv1 ? inflater.Message(frame.payload, fresh) : frame.payload;
    messages.push_back(message.value_or("no deflate data"));
  }
  return messages;
}

std::string Noise(std::size_t size) {
  std::mt19937 random(size);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

std::string Sentences(std::size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) text += "message " + std::to_string(random() % 1000) + "; ";
  text.resize(size);
  return text;
}

std::unique_ptr<GatewayClient> Another(TestGateway& gw) {
  return std::unique_ptr<GatewayClient>(new GatewayClient(gw.Connect()));
}

// ---- negotiation

TEST(CompressionHandshake, AnswersWhatTheRouteAndTheClientCanDo) {
  TestGateway gw(kConfig);
  const auto answer = [&](std::string_view path, std::string_view fields) {
    auto client = gw.Connect();
    const ResponseHead head = client.Upgrade(path, fields);
    EXPECT_EQ(head.status, 101) << fields;
    return head.Get("Sec-WebSocket-Extensions").value_or("");
  };
  EXPECT_EQ(answer("/echo", ""), "");
  EXPECT_EQ(answer("/off", Offer()), "");
  EXPECT_EQ(answer("/echo", "Sec-WebSocket-Extensions: x-other; a=b\r\n"), "");
  EXPECT_EQ(answer("/echo", Offer()),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(answer("/echo", Offer("; client_max_window_bits")),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
            "client_max_window_bits=12");
  EXPECT_EQ(answer("/takeover", Offer("; client_max_window_bits; server_max_window_bits=9")),
            "permessage-deflate; server_max_window_bits=9");
  EXPECT_EQ(answer("/takeover",
                   "Sec-WebSocket-Extensions: x-other, permessage-deflate; what\r\n"
                   "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"),
            "permessage-deflate; client_no_context_takeover")
      << "the first acceptable offer of all fields";
  EXPECT_EQ(gw.route_stats(1).sessions_compressed.Get(), 2u);
  EXPECT_EQ(gw.route_stats(0).sessions_compressed.Get(), 0u);
  EXPECT_EQ(gw.log().Last("session open", "extensions"),
            "permessage-deflate; client_no_context_takeover");
}

TEST(CompressionHandshake, AMalformedFieldIs400EvenWithoutCompression) {
  TestGateway gw(kConfig);
  for (const std::string_view path : {"/echo", "/off"}) {
    for (const std::string_view field :
         {"permessage-deflate; =1", "a b", "permessage-deflate; x=\"a b\"", ";"}) {
      auto client = gw.Connect();
      EXPECT_EQ(
          client.Upgrade(path, "Sec-WebSocket-Extensions: " + std::string(field) + "\r\n").status,
          400)
          << field;
    }
  }
  EXPECT_EQ(gw.Handshakes(stats::HandshakeOutcome::kBadRequest, 1), 4u);
}

TEST(CompressionHandshake, WithoutMemoryForItSessionsAreNotCompressed) {
  TestGateway gw(R"(
compression_memory: 25KiB
routes: [ { path: /, plugin: echo, compression: { threshold: 0 } } ]
)");
  std::vector<std::unique_ptr<GatewayClient>> clients;
  for (const bool compressed : {true, true, false}) {
    clients.push_back(Another(gw));
    EXPECT_EQ(clients.back()
                  ->Upgrade("/", Offer("; client_max_window_bits"))
                  .Count("Sec-WebSocket-Extensions"),
              compressed);
  }
  EXPECT_EQ(gw.route_stats().compression_declined.Get(), 1u);
  EXPECT_EQ(gw.route_stats().sessions_compressed.Get(), 2u);
  clients[2]->Send(TextFrame("as it is"));
  EXPECT_EQ(Messages(clients[2]->Frames()).at(0).second, "as it is");
  // Memory released by one session is available to another.
  clients[0]->peer().Reset();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.Connect()
                .Upgrade("/", Offer("; client_max_window_bits"))
                .Count("Sec-WebSocket-Extensions"),
            1u);
  EXPECT_LE(gw.loop_stats().compression.reserved_bytes.Get(), 25u * 1024);
}

// ---- messages

class CompressionAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, CompressionAtChunk, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(CompressionAtChunk, MessagesOfEveryKindComeBack) {
  for (const std::string_view path : {"/echo", "/takeover"}) {
    const bool fresh = path == "/echo";
    TestGateway gw(kConfig, {.read_chunk = GetParam()});
    auto client = gw.Connect();
    ASSERT_EQ(client.Upgrade(path, Offer()).status, 101);
    RawDeflater deflater;
    RawInflater inflater;
    const std::vector<std::string> messages{"",
                                            "Hello",
                                            "Hello",
                                            Sentences(300),
                                            Noise(200),
                                            Noise(5000),
                                            Sentences(9000),
                                            std::string(200'000, 'a'),
                                            "t\xc3\xa4xt",
                                            ""};
    std::string wire;
    for (const std::string& message : messages) {
      wire += CompressedFragments(kBinary, deflater.Message(message, fresh), 100,
                                  PingFrame("p") + PongFrame());
      wire += BinaryFrame("plain");  // uncompressed messages are always allowed
    }
    client.Send(wire);
    const auto frames = client.Frames();
    std::vector<std::string> expected;
    for (const std::string& message : messages) expected.insert(expected.end(), {message, "plain"});
    EXPECT_EQ(Inflated(frames, inflater, fresh), expected);
    EXPECT_GT(std::ranges::count(frames, kPong, &ParsedFrame::opcode), 10);
    client.Send(CloseFrame(1000));
    EXPECT_EQ(client.ReceivedClose(), 1000);
  }
}

TEST_EACH(CompressionAtChunk, ThePayloadReachesServersOfBytes) {
  for (const std::string_view path : {"/b", "/text", "/base64"}) {
    TestGateway gw(kConfig, {.read_chunk = GetParam()});
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    auto client = gw.Connect();
    ASSERT_EQ(client.Upgrade(path, Offer("; client_max_window_bits=10")).status, 101);
    RawDeflater deflater(10);
    const std::string text = Sentences(3000);
    const std::string sent = path == "/base64" ? "TWVzc2FnZQ==" : text;
    client.Send(CompressedFragments(kText, deflater.Message(sent, true), 7) +
                CompressedFragments(kText, deflater.Message("", true), 7) +
                Compressed(kText, deflater.Message(sent, true)));
    EXPECT_EQ(server[0].TakeReceived(), path == "/base64" ? "MessageMessage" : text + text);
    server[0].Send(text);
    gw.loop().RunUntilIdle();
    RawInflater inflater;
    const auto frames = client.Frames();
    std::string got;
    for (const std::string& message : Inflated(frames, inflater, true)) {
      got += path == "/base64" ? Base64Decode(message).value_or("no base64") : message;
    }
    EXPECT_EQ(got, text);
    if (GetParam() >= 4096) {
      EXPECT_EQ(frames.at(0).rsv, kRsv1);
      EXPECT_LT(frames.at(0).payload.size(), text.size());
    }
  }
}

TEST(Compression, WindowsOfEverySizeBothWays) {
  for (int client_bits = 9; client_bits <= 15; ++client_bits) {
    for (int server_bits = 8; server_bits <= 15; ++server_bits) {
      TestGateway gw(kConfig);
      auto client = gw.Connect();
      const ResponseHead head = client.Upgrade(
          "/takeover", Offer("; client_max_window_bits=" + std::to_string(client_bits) +
                             "; server_max_window_bits=" + std::to_string(server_bits)));
      ASSERT_EQ(head.status, 101);
      RawDeflater deflater(client_bits);
      // With 8 bits, zlib's inflate uses a window of 256 bytes.
      RawInflater inflater(server_bits);
      std::vector<std::string> messages;
      for (const std::size_t size : {10, 1000, 1000, 40'000, 40'000})
        messages.push_back(Sentences(size));
      std::string wire;
      for (const std::string& message : messages)
        wire += Compressed(kBinary, deflater.Message(message));
      client.Send(wire);
      EXPECT_EQ(Inflated(client.Frames(), inflater, false), messages)
          << client_bits << ", " << server_bits;
    }
  }
}

TEST(Compression, ShortAndIncompressibleMessagesAreSentUncompressed) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/threshold", Offer()).status, 101);
  client.Send(TextFrame(std::string(1023, 'a')) + TextFrame(std::string(1024, 'a')) +
              BinaryFrame(Noise(5000)));
  const auto frames = client.Frames();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].rsv, 0);
  EXPECT_EQ(frames[1].rsv, kRsv1);
  EXPECT_EQ(frames[2].rsv, 0);
  const stats::Traffic& out = gw.route_stats(4).out;
  EXPECT_EQ(out.compressed_messages.Get(), 1u);
  EXPECT_EQ(out.compressed_bytes.Get(), frames[1].payload.size());
  EXPECT_EQ(out.inflated_bytes.Get(), 1024u);
  EXPECT_EQ(out.bytes.Get(), 1023u + 1024u + 5000u);
}

TEST(Compression, IsCountedBeforeAndAfter) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo", Offer()).status, 101);
  const std::string message(10'000, 'm');
  const std::string payload = RawDeflater().Message(message);
  client.Send(CompressedFragments(kText, payload, 5));
  const stats::Traffic& in = gw.route_stats(1).in;
  EXPECT_EQ(in.compressed_messages.Get(), 1u);
  EXPECT_EQ(in.compressed_bytes.Get(), payload.size());
  EXPECT_EQ(in.inflated_bytes.Get(), message.size());
  EXPECT_EQ(in.bytes.Get(), message.size());
  EXPECT_EQ(in.text_messages.Get(), 1u);
  EXPECT_EQ(in.frames.Get(), (payload.size() + 4) / 5);
  EXPECT_EQ(in.message_size.sum(), message.size());
}

// ---- protocol violations

// The code of the Close that answers `wire`.
int CodeOf(std::string_view path, std::string_view offer, std::string_view wire,
           std::size_t chunk) {
  TestGateway gw(kConfig, {.read_chunk = chunk});
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade(path, offer).status, 101);
  client.Send(wire);
  const int code = client.ReceivedClose();
  EXPECT_TRUE(client.peer().ended());
  client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 0u);
  EXPECT_EQ(gw.loop_stats().compression.reserved_bytes.Get(), 0u);
  return code;
}

TEST_EACH(CompressionAtChunk, Rsv1IsOnlyForTheFirstFrameOfAMessage) {
  const auto code = [](std::string_view wire, std::string_view offer = Offer()) {
    return CodeOf("/echo", offer, wire, GetParam());
  };
  const std::string hello = RawDeflater().Message("Hello");
  EXPECT_EQ(code(Compressed(kText, hello), ""), 1002) << "not agreed on";
  EXPECT_EQ(code(Compressed(kPing, "")), 1002);
  EXPECT_EQ(code(Compressed(kPong, "")), 1002);
  EXPECT_EQ(code(Compressed(kClose, CloseBody(1000))), 1002);
  EXPECT_EQ(code(Compressed(kText, hello, false) + Compressed(kContinuation, "")), 1002);
  EXPECT_EQ(code(Frame(kText, "Hel", {.fin = false}) + Compressed(kContinuation, "lo")), 1002);
  EXPECT_EQ(code(Compressed(kContinuation, hello)), 1002);
  EXPECT_EQ(code(Compressed(3, hello)), 1002);
  for (const std::uint8_t rsv : std::initializer_list<std::uint8_t>{1, 2, 3, 5, 6, 7})
    EXPECT_EQ(code(Frame(kText, hello, {.rsv = rsv})), 1002);
}

TEST_EACH(CompressionAtChunk, InvalidDeflateDataAndInvalidTextAre1007) {
  const auto code = [](std::string_view wire) {
    return CodeOf("/echo", Offer(), wire, GetParam());
  };
  const auto text = [](std::string_view content) {
    return Compressed(kText, RawDeflater().Message(content));
  };
  EXPECT_EQ(code(Compressed(kBinary, "\xff\xff\xff")), 1007) << "a reserved kind of block";
  EXPECT_EQ(code(Compressed(kBinary, RawDeflater().Message(Sentences(1000)).substr(0, 100))), 1007)
      << "breaks off";
  EXPECT_EQ(code(Compressed(kBinary, "")), 1007);
  EXPECT_EQ(code(text("\xed\xa0\x80")), 1007);
  EXPECT_EQ(code(text("cut \xc3")), 1007);
  RawDeflater deflater;
  deflater.Message("known to the client alone");
  EXPECT_EQ(code(Compressed(kBinary, deflater.Message("known to the client alone"))), 1007)
      << "refers to data before the window";
}

TEST_EACH(CompressionAtChunk, AMessageIsTooBigWhenItsContentIs) {
  const auto send = [](std::string_view wire) {
    return CodeOf("/small", Offer(), wire, GetParam());
  };
  RawDeflater deflater;
  for (const std::string& message :
       {std::string(101, 'a'), Noise(101), std::string(100'000, 'a')}) {
    EXPECT_EQ(send(Compressed(kBinary, deflater.Message(message, true))), 1009);
    EXPECT_EQ(send(CompressedFragments(kBinary, deflater.Message(message, true), 1)), 1009);
  }
  EXPECT_EQ(send(Compressed(kBinary, std::string(200, '\0'))), 1009) << "by the header alone";
  TestGateway gw(kConfig, {.read_chunk = GetParam()});
  auto other = gw.Connect();
  other.Upgrade("/small", Offer());
  other.Send(Compressed(kBinary, deflater.Message(std::string(100'000, 'a'), true)));
  const auto closes = other.Frames();
  ASSERT_EQ(closes.size(), 1u);
  EXPECT_EQ(closes[0].close_reason(),
            "the message is too big: at least 101 bytes, the limit is 100");
  auto client = gw.Connect();
  client.Upgrade("/small", Offer());
  client.Send(Compressed(kBinary, deflater.Message(std::string(100, 'a'), true)) +
              Compressed(kBinary, deflater.Message(Noise(100), true)));
  EXPECT_EQ(client.Frames().size(), 2u) << "incompressible data may expand";
}

// ---- limits on memory and time

std::size_t MostQueued(TestGateway& gw) {
  std::size_t most = 0;
  for (const MemoryStream* stream : gw.network().Streams()) most = std::max(most, stream->queued());
  return most;
}

TEST(CompressionBomb, OfAGibibyteEndsWith1009) {
  const std::string bomb = Compressed(kBinary, DeflatedZeros(1024));
  for (const std::string_view path : {"/echo", "/b"}) {
    TestGateway gw(kConfig);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    auto client = gw.Connect();
    ASSERT_EQ(client.Upgrade(path, Offer()).status, 101);
    client.Send(bomb);
    EXPECT_EQ(client.ReceivedClose(), 1009);
    EXPECT_LE(gw.route_stats(path == "/echo" ? 1 : 5).in.inflated_bytes.Get(), 4u << 20)
        << "nothing is inflated beyond the limit";
  }
}

TEST(CompressionBomb, WithinTheLimitWaitsForAServerThatDoesNotRead) {
  TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/b", Offer()).status, 101);
  server[0].Stall();
  const std::string message = Compressed(kBinary, DeflatedZeros(4));
  std::string wire;
  for (int i = 0; i < 10; ++i) wire += message;
  client.Send(wire);
  EXPECT_GT(MostQueued(gw), io::kHighMark);
  EXPECT_LE(MostQueued(gw), io::kHighMark + 640 * 1024);
  EXPECT_LE(gw.route_stats(5).in.inflated_bytes.Get(), 2u << 20);
  server[0].Resume();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(server[0].TakeReceived().size(), 40u << 20);
  client.Send(CloseFrame(3000));
  server[0].Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.ReceivedClose(), 3000);
}

// One read inflates to 40 MiB: the other sessions of the loop must not wait for all of it.
TEST(CompressionBomb, YieldsToOtherSessions) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/b", Offer()).status, 101);
  std::string wire;
  for (int i = 0; i < 10; ++i) wire += Compressed(kBinary, DeflatedZeros(4));
  ASSERT_LT(wire.size(), io::kReadBufferSize);
  client.peer().Send(wire);
  const stats::Counter& inflated = gw.route_stats(5).in.inflated_bytes;
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  while (gw.loop().RunTurn()) {
    most = std::max(most, inflated.Get() - before);
    before = inflated.Get();
  }
  EXPECT_EQ(before, 40u << 20);
  EXPECT_LE(most, 1u << 20);
  EXPECT_EQ(server[0].TakeReceived().size(), 40u << 20);
}

TEST(CompressionBomb, AClientThatDoesNotReadItsEchoesIsNotInflatedFurther) {
  TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo", Offer()).status, 101);
  client.peer().Stall();
  // Incompressible data, so that its echo is as large as the message itself.
  const std::string noise = Noise(4000);
  const std::string message = Compressed(kBinary, RawDeflater().Message(noise));
  std::string wire;
  for (int i = 0; i < 500; ++i) wire += message;
  client.Send(wire);
  EXPECT_LE(MostQueued(gw), io::kHighMark + io::kReadBufferSize);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Frames().size(), 500u);
}

constexpr std::size_t kManySessions = 2'000;

// `count` clients of `path`, each of which has sent a message and received it back compressed.
std::vector<std::unique_ptr<GatewayClient>> ManyThatSpoke(TestGateway& gw, std::string_view path,
                                                          std::string_view offer, int bits) {
  std::vector<std::unique_ptr<GatewayClient>> clients;
  const std::string sent = Compressed(kText, RawDeflater(bits).Message(Sentences(2000)));
  for (std::size_t i = 0; i < kManySessions; ++i) {
    clients.push_back(Another(gw));
    EXPECT_EQ(clients.back()->Upgrade(path, offer).Count("Sec-WebSocket-Extensions"), 1u);
    clients.back()->Send(sent);
    const auto frames = clients.back()->Frames();
    EXPECT_TRUE(frames.size() == 1 && frames[0].rsv == kRsv1);
  }
  return clients;
}

TEST(CompressionMemory, IdleSessionsHoldNothingWithoutContextTakeover) {
  TestGateway gw(kConfig);
  const stats::CompressionStats& held = gw.loop_stats().compression;
  const auto clients = ManyThatSpoke(gw, "/echo", Offer(), 15);
  EXPECT_EQ(held.deflaters.Get(), 1u);
  EXPECT_EQ(held.inflaters.Get(), 1u);
  gw.loop().Advance(10s);
  EXPECT_EQ(held.deflaters.Get(), 0u);
  EXPECT_EQ(held.inflaters.Get(), 0u);
  EXPECT_EQ(held.memory_bytes.Get(), 0u);
  // A session in the middle of a message does hold memory.
  clients[0]->Send(Compressed(kText, RawDeflater().Message(Sentences(2000)).substr(0, 50), false));
  EXPECT_EQ(held.inflaters.Get(), 1u);
  gw.loop().Advance(10s);
  EXPECT_EQ(held.inflaters.Get(), 1u);
}

TEST(CompressionMemory, IdleSessionsHoldTheirWindowsAtMostWithContextTakeover) {
  TestGateway gw(kConfig);
  const stats::CompressionStats& held = gw.loop_stats().compression;
  {
    const auto clients = ManyThatSpoke(
        gw, "/takeover", Offer("; client_max_window_bits=10; server_max_window_bits=9"), 10);
    gw.loop().Advance(10s);
    EXPECT_EQ(held.deflaters.Get(), kManySessions);
    EXPECT_EQ(held.inflaters.Get(), kManySessions);
    EXPECT_EQ(held.memory_bytes.Get(),
              kManySessions * (ws::Inflater::Memory(10) + ws::Deflater::Memory(9)));
    EXPECT_EQ(held.memory_bytes.Get(), held.reserved_bytes.Get());
    for (const auto& client : clients) client->peer().Reset();
    gw.loop().Advance(10s);
  }
  EXPECT_EQ(held.deflaters.Get(), 0u);
  EXPECT_EQ(held.inflaters.Get(), 0u);
  EXPECT_EQ(held.memory_bytes.Get(), 0u);
  EXPECT_EQ(held.reserved_bytes.Get(), 0u);
}

TEST(CompressionMemory, WithContextTakeoverASessionHoldsItsWindowsOnceItUsesThem) {
  TestGateway gw(kConfig);
  const stats::CompressionStats& held = gw.loop_stats().compression;
  auto client = gw.Connect();
  ASSERT_EQ(
      client.Upgrade("/takeover", Offer("; client_max_window_bits=10; server_max_window_bits=10"))
          .status,
      101);
  EXPECT_EQ(held.memory_bytes.Get(), 0u);
  const std::uint64_t reserved = held.reserved_bytes.Get();
  EXPECT_LT(reserved, 32u * 1024);
  RawDeflater deflater(10);
  client.Send(Compressed(kText, deflater.Message("Hello")));
  EXPECT_EQ(held.memory_bytes.Get(), reserved);
}

// ---- shared messages

TEST(CompressionOfRooms, IsDoneOnceForAllThatMayShareIt) {
  TestGateway gw(R"(
routes:
  - path: /
    plugin: broadcast
    compression: { threshold: 100, server_no_context_takeover: false }
)");
  auto publisher = gw.Connect();
  ASSERT_EQ(publisher.Upgrade("/").status, 101);
  std::vector<std::unique_ptr<GatewayClient>> sharing;
  for (int i = 0; i < 3; ++i) {
    sharing.push_back(Another(gw));
    ASSERT_EQ(sharing.back()->Upgrade("/", Offer("; server_no_context_takeover")).status, 101);
  }
  auto narrow = gw.Connect();
  ASSERT_EQ(
      narrow.Upgrade("/", Offer("; server_no_context_takeover; server_max_window_bits=9")).status,
      101);
  auto remembering = gw.Connect();
  ASSERT_EQ(remembering.Upgrade("/", Offer()).status, 101);

  const std::string message = Sentences(2000);
  publisher.Send(TextFrame(message) + TextFrame("short") + BinaryFrame(Noise(200)));
  const std::vector<std::string> sent{message, "short", Noise(200)};
  for (auto* client : {sharing[0].get(), sharing[1].get(), sharing[2].get(), &narrow}) {
    RawInflater inflater(client == &narrow ? 9 : 15);
    const auto frames = client->Frames();
    EXPECT_EQ(Inflated(frames, inflater, true), sent);
    EXPECT_EQ(frames.at(0).rsv, kRsv1);
    EXPECT_EQ(frames.at(1).rsv, 0);
    EXPECT_EQ(frames.at(2).rsv, 0);
  }
  RawInflater inflater;
  const auto frames = remembering.Frames();
  EXPECT_EQ(Inflated(frames, inflater, false), sent);
  EXPECT_EQ(frames.at(0).rsv, 0);
  EXPECT_EQ(gw.loop_stats().compression.deflaters.Get(), 2u)
      << "one for each window, for all sessions";
}

}  // namespace
}  // namespace upgate::test::compression_test
