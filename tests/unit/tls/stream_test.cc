#include "gateway/tls/stream.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;

constexpr std::size_t kWhole = 64 * 1024;

class StreamTest : public TestOfCase<std::size_t> {
 protected:
  Contexts contexts_;
  Session session_{*contexts_.server, *contexts_.client, GetParam()};
};

INSTANTIATE_CASES(BytesPerRead, StreamTest, 1, 2, 3, 7, 4096, kWhole);

TEST_EACH(StreamTest, HandshakeAgreesOnTls13AndSaysSo) {
  EXPECT_EQ(session_.server.stream->tls(), nullptr);
  session_.Handshake();
  const io::TlsInfo* info = session_.server.stream->tls();
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->version, "TLSv1.3");
  EXPECT_EQ(info->cipher, "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(info->server_name, "localhost");
  EXPECT_EQ(info->client_subject, "");
  ASSERT_NE(session_.client.stream->tls(), nullptr);
  EXPECT_EQ(session_.client.stream->tls()->version, "TLSv1.3");
  EXPECT_EQ(session_.server.deliveries + session_.client.deliveries, 0);
}

TEST_EACH(StreamTest, AHandshakeIsEnteredInTheLedgerWithWhatOpenSslTakesForIt) {
  const std::size_t fresh = session_.server.stream->held_bytes();
  EXPECT_GE(fresh, 10u * 1024);
  EXPECT_LE(fresh, 20u * 1024);
  EXPECT_GE(session_.loop.memory.held() - fresh, 34u * 1024) << "the client has begun";
  std::size_t begun = 0;
  session_.client_end->tamper = [&](std::string&) {
    begun = std::max(begun, session_.server.stream->held_bytes());
  };
  session_.Handshake();
  EXPECT_GE(begun, 34u * 1024);
  EXPECT_LE(session_.loop.memory.held(), 2u * 14 * 1024);
  EXPECT_LT(session_.server.stream->held_bytes(), 1024u);
}

TEST_EACH(StreamTest, CarriesBytesBothWays) {
  session_.Handshake();
  session_.client.Send("ping");
  session_.server.Send("pong");
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "ping");
  EXPECT_EQ(session_.client.received, "pong");
}

TEST_EACH(StreamTest, PendingDataIsKnownBeforeItIsRead) {
  session_.Handshake();
  session_.server.Send("x");  // after the session tickets
  session_.loop.Run();
  EXPECT_FALSE(session_.client.stream->HasUnread());
  session_.client.Read(false);
  session_.server.Send("y");
  EXPECT_TRUE(session_.client.stream->HasUnread());
  session_.loop.Run();
  EXPECT_TRUE(session_.client.stream->HasUnread());
  session_.client.Read(true);
  session_.loop.Run();
  EXPECT_EQ(session_.client.received, "xy");
  EXPECT_FALSE(session_.client.stream->HasUnread());
  // A partial record also counts.
  session_.server_end->tamper = [](std::string& bytes) { bytes.resize(bytes.size() / 2); };
  session_.server.Send("z");
  session_.loop.Run();
  EXPECT_EQ(session_.client.received, "xy");
  EXPECT_TRUE(session_.client.stream->HasUnread());
}

TEST_EACH(StreamTest, CarriesBulkDataBothWays) {
  session_.Handshake();
  const std::string sent = Pattern(GetParam() < 100 ? 100'000 : 1024 * 1024);
  session_.client.Send(sent);
  session_.server.Send(sent);
  session_.loop.Run();
  EXPECT_TRUE(session_.server.received == sent);
  EXPECT_TRUE(session_.client.received == sent);
  EXPECT_LE(session_.server.largest, io::kReadBufferSize);
}

TEST_EACH(StreamTest, WritesFromInsideOnBytes) {
  session_.server.on_bytes = [&](Bytes data) {
    session_.server.Call([&](auto& s) { s.Write(data); });
  };
  session_.Handshake();
  const std::string sent = Pattern(50'000);
  session_.client.Send(sent);
  session_.loop.Run();
  EXPECT_TRUE(session_.client.received == sent);
}

TEST_EACH(StreamTest, HalfCloseLetsTheOtherSideFinish) {
  session_.Handshake();
  session_.client.Send("last words");
  session_.client.Call([](auto& s) { s.Shutdown(); });
  session_.client.Send("too late");
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "last words");
  EXPECT_EQ(session_.server.ends, 1);
  EXPECT_EQ(session_.client.flushed, 1);
  session_.server.Send("answer");
  session_.server.Call([](auto& s) { s.Shutdown(); });
  session_.loop.Run();
  EXPECT_EQ(session_.client.received, "answer");
  EXPECT_EQ(session_.client.ends, 1);
  EXPECT_THAT(session_.client.errors, IsEmpty());
  EXPECT_THAT(session_.server.errors, IsEmpty());
}

TEST_EACH(StreamTest, FinWithoutCloseNotifyIsTruncation) {
  session_.Handshake();
  session_.client.Send("half of it");
  session_.client.stream.reset();
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "half of it");
  EXPECT_EQ(session_.server.ends, 0);
  ASSERT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.server.errors[0].code, Errc::kReset);
  EXPECT_THAT(session_.server.errors[0].message, HasSubstr("truncated"));
}

TEST_EACH(StreamTest, WhoKnowsWhereMessagesEndTakesTruncationForAnEnd) {
  session_.Handshake();
  session_.server.takes_truncation = true;
  session_.client.Send("all of it");
  session_.client.stream.reset();
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "all of it");
  EXPECT_EQ(session_.server.truncations, 1);
  EXPECT_EQ(session_.server.ends, 1);
  EXPECT_THAT(session_.server.errors, IsEmpty());
  // It may still write, and end its own side.
  session_.server.Send("late");
  session_.server.Call([](auto& s) { s.Shutdown(); });
  session_.loop.Run();
  EXPECT_EQ(session_.server.ends, 1);
}

TEST_EACH(StreamTest, AnEndWithCloseNotifyIsNotATruncation) {
  session_.Handshake();
  session_.server.takes_truncation = true;
  session_.client.Call([](auto& s) { s.Shutdown(); });
  session_.loop.Run();
  session_.client.stream.reset();
  session_.loop.Run();
  EXPECT_EQ(session_.server.ends, 1);
  EXPECT_EQ(session_.server.truncations, 0);
}

TEST_EACH(StreamTest, WritesBeforeTheHandshakeWaitForIt) {
  const std::string early = Pattern(20'000);
  session_.server.Send("hello");
  session_.server.Send(early);
  session_.server.Call([](auto& s) { s.Shutdown(); });
  EXPECT_EQ(session_.server.stream->queued(), 20'005u);
  session_.Handshake();
  EXPECT_TRUE(session_.client.received == "hello" + early);
  EXPECT_EQ(session_.client.ends, 1);
  EXPECT_EQ(session_.server.flushed, 1);
  EXPECT_EQ(session_.server.drained, 0);
}

TEST_EACH(StreamTest, PausedReaderGetsTheRestWithoutNewCiphertext) {
  const std::string sent = Pattern(GetParam() < 100 ? 20'000 : 150'000);
  session_.server.on_bytes = [&](Bytes) { session_.server.Read(false); };
  session_.Handshake();
  for (std::size_t at = 0; at < sent.size(); at += 100)
    session_.client.Send(std::string_view(sent).substr(at, 100));
  session_.loop.Run();
  int resumed = 0;
  while (session_.server.received.size() < sent.size()) {
    const int before = session_.server.deliveries;
    session_.loop.Run();
    ASSERT_EQ(session_.server.deliveries, before) << "delivered while off";
    session_.server.Read(true);
    ASSERT_EQ(session_.server.deliveries, before) << "delivered from inside SetReading";
    session_.loop.Run();
    ASSERT_EQ(session_.server.deliveries, before + 1);
    ++resumed;
  }
  EXPECT_TRUE(session_.server.received == sent);
  EXPECT_GT(resumed, 1);
}

TEST_EACH(StreamTest, CorruptRecordIsAnErrorAndAnswered) {
  session_.Handshake();
  session_.client_end->tamper = [](std::string& bytes) {
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
  };
  session_.client.Send("x");
  session_.loop.Run();
  ASSERT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.server.errors[0].code, Errc::kProtocol);
  EXPECT_EQ(session_.server.received, "");
  ASSERT_EQ(session_.client.errors.size(), 1u);
  EXPECT_EQ(session_.client.errors[0].code, Errc::kReset);
  EXPECT_THAT(session_.client.errors[0].message, HasSubstr("bad record mac"));
}

// The error of a server that gets these bytes and then the end of the connection. It never answers
// in plain HTTP.
Error FailureOn(std::string_view bytes, std::size_t chunk) {
  Contexts contexts;
  PipeLoop loop;
  auto [near, far] = loop.Connect(chunk);
  Recorder server;
  server.Watch(
      contexts.server->Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
  server.Read(true);
  far->Write(AsBytes(bytes));
  loop.Run();
  far->Shutdown();
  Recorder client;
  client.Watch(std::move(far));
  client.Read(true);
  loop.Run();
  EXPECT_FALSE(client.received.starts_with("HTTP")) << client.received;
  EXPECT_EQ(server.deliveries + server.ends, 0);
  return server.errors.size() == 1 ? server.errors[0] : Error{Errc::kOther, "not one error"};
}

TEST_EACH(StreamTest, PlainHttpIsRefusedInPlainHttp) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 63\r\n"
      "Connection: close\r\n"
      "\r\n"
      "Plain HTTP was sent to a TLS port: the URL needs https or wss.\n";
  EXPECT_EQ(kAnswer.size() - kAnswer.find("Plain"), 63u);
  for (const std::string_view request : {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /",
                                         "PUT /", "HEAD /", "CONNECT a:443"}) {
    PipeLoop loop;
    auto [near, far] = loop.Connect(GetParam());
    Recorder server;
    server.Watch(
        contexts_.server->Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
    server.Read(true);
    Recorder client;
    client.Watch(std::move(far));
    client.Read(true);
    client.Send(request);
    loop.Run();
    EXPECT_EQ(client.received, kAnswer) << request;
    EXPECT_EQ(client.ends, 1);
    EXPECT_EQ(server.deliveries + server.ends, 0);
    ASSERT_EQ(server.errors.size(), 1u);
    EXPECT_EQ(server.errors[0].code, Errc::kTls);
    EXPECT_EQ(server.errors[0].message, "plain HTTP on a TLS port");
    EXPECT_EQ(server.errors[0].tls_fault, TlsFault::kPlainHttp);
  }
}

TEST_EACH(StreamTest, GarbageIsRefused) {
  using namespace std::string_view_literals;
  for (const std::string_view garbage :
       {"\x16\x03\x01\xff\xff"sv, "\x16\x02\x00\x00\x05zzzzz"sv, "\x17\x03\x03\x00\x05zzzzz"sv,
        "\x80\x16\x03\x03\0\0"sv, "\x00\x00\x00\x00\x00\x00\x00"sv,
        "\x16\x03\x01\x00\x04\x01\x00\x00\x00"sv, "\x16\x03\x01\x00\x00"sv, "SSH-2.0-x\r\n"sv}) {
    EXPECT_EQ(FailureOn(garbage, GetParam()).code, Errc::kTls) << testing::PrintToString(garbage);
  }
}

// As long as the header comes in one piece, which it does but in tests.
TEST_EACH(StreamTest, AProxyHeaderIsToldFromOtherGarbage) {
  using namespace std::string_view_literals;
  for (const std::string_view header :
       {"PROXY TCP4 192.0.2.7 203.0.113.1 5555 443\r\n"sv, "PROXY UNKNOWN\r\n"sv,
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\1\x7f\0\0\1\0\1\0\2"sv}) {
    const Error error = FailureOn(header, GetParam());
    EXPECT_EQ(error.code, Errc::kTls);
    if (GetParam() < 16) continue;
    EXPECT_THAT(error.message, HasSubstr("set proxy_protocol: required"));
    EXPECT_EQ(error.tls_fault, TlsFault::kNotTls);
  }
  EXPECT_THAT(FailureOn("PROXYFOR: a\r\n\r\n", GetParam()).message,
              testing::Not(HasSubstr("proxy_protocol")));
}

TEST_EACH(StreamTest, FinDuringTheHandshakeIsATlsError) {
  for (const std::string_view start : {"", "\x16", "\x16\x03\x01\x02"}) {
    const Error error = FailureOn(start, GetParam());
    EXPECT_EQ(error.code, Errc::kTls);
    EXPECT_THAT(error.message, HasSubstr("during the TLS handshake"));
  }
}

TEST_EACH(StreamTest, AHandshakeThatIsNotOverInTimeIsATlsError) {
  for (const std::string_view start : {"", "\x16", "\x16\x03\x01\x02"}) {
    PipeLoop loop;
    auto [near, far] = loop.Connect(GetParam());
    Recorder server;
    server.Watch(
        contexts_.server->Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
    server.Read(true);
    far->Write(AsBytes(start));
    loop.Run();
    EXPECT_TRUE(server.errors.empty());
    loop.Expire();
    ASSERT_EQ(server.errors.size(), 1u);
    EXPECT_EQ(server.errors[0].code, Errc::kTls);
    EXPECT_EQ(server.errors[0].message, "the TLS handshake took longer than http.head_timeout");
  }
}

TEST_EACH(StreamTest, AfterTheHandshakeTimeDoesNotMatter) {
  session_.Handshake();
  session_.loop.Expire();
  session_.client.Send("late");
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "late");
  EXPECT_TRUE(session_.server.errors.empty());
}

class StreamShapeTest : public testing::Test {
 protected:
  // Plaintext sizes of the TLS 1.3 records sent since the handshake.
  std::vector<std::size_t> PlaintextSizes() {
    constexpr std::size_t kTagAndType = 17;
    std::vector<std::size_t> sizes = session_.client_end->RecordSizes();
    sizes.erase(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(before_));
    for (std::size_t& size : sizes) size -= kTagAndType;
    return sizes;
  }
  void Handshake() {
    session_.Handshake();
    before_ = session_.client_end->RecordSizes().size();
    writes_before_ = session_.client_end->writes();
  }
  int writes() const { return session_.client_end->writes() - writes_before_; }

  Contexts contexts_;
  Session session_{*contexts_.server, *contexts_.client};
  std::size_t before_ = 0;
  int writes_before_ = 0;
};

TEST_F(StreamShapeTest, SmallSlicesShareARecordAndAWrite) {
  Handshake();
  const std::string small = Pattern(100);
  session_.client.Call(
      [&](auto& s) { s.Write({AsBytes("head"), AsBytes(small), Bytes(), AsBytes("tail")}); });
  EXPECT_EQ(writes(), 1);
  EXPECT_THAT(PlaintextSizes(), ElementsAre(108));
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "head" + small + "tail");
  EXPECT_EQ(session_.server.deliveries, 1);
}

TEST_F(StreamShapeTest, LargeSlicesMakeFullRecordsAndOneWrite) {
  Handshake();
  const std::string large = Pattern(60'000);
  session_.client.Call(
      [&](auto& s) { s.Write({AsBytes("head"), AsBytes(large), AsBytes("tail")}); });
  EXPECT_EQ(writes(), 1);
  EXPECT_THAT(PlaintextSizes(), ElementsAre(16384, 16384, 16384, 60'008 - 3 * 16384));
  session_.loop.Run();
  EXPECT_TRUE(session_.server.received == "head" + large + "tail");
}

TEST_F(StreamShapeTest, ManySlicesArriveAsTheyWereSent) {
  Handshake();
  const std::string all = Pattern(200'000);
  std::vector<Bytes> slices;
  for (std::size_t at = 0, size = 1; at < all.size(); at += size, size = size * 3 % 20'011) {
    slices.push_back(AsBytes(std::string_view(all).substr(at, size)));
  }
  session_.client.Call([&](auto& s) { s.Write(slices); });
  EXPECT_EQ(writes(), 1);
  EXPECT_THAT(PlaintextSizes(), Each(Le(16384u)));
  EXPECT_EQ(PlaintextSizes().size(), (all.size() + 16383) / 16384);
  session_.loop.Run();
  EXPECT_TRUE(session_.server.received == all);
}

TEST_F(StreamShapeTest, AnEmptyWriteSendsNothing) {
  Handshake();
  session_.client.Call([](auto& s) { s.Write(std::span<const Bytes>()); });
  session_.client.Send("");
  EXPECT_EQ(writes(), 0);
}

TEST_F(StreamShapeTest, SlowReaderHoldsTheSenderBack) {
  session_.server.on_bytes = [&](Bytes) { session_.server.Read(false); };
  Handshake();
  const std::string piece = Pattern(64 * 1024);
  int pieces = 0;
  while (!session_.client.stream->congested() && pieces < 100) {
    session_.client.Send(piece);
    session_.loop.Run();
    ++pieces;
  }
  EXPECT_LT(pieces, 10);
  EXPECT_FALSE(session_.server_end->reading());
  EXPECT_EQ(session_.client.drained, 0);
  session_.server.on_bytes = {};
  session_.server.Read(true);
  session_.loop.Run();
  EXPECT_EQ(session_.client.drained, 1);
  EXPECT_EQ(session_.server.received.size(), piece.size() * static_cast<std::size_t>(pieces));
}

TEST_F(StreamShapeTest, LowerStreamRestsWhileReadingIsOff) {
  Handshake();
  session_.server.Read(false);
  EXPECT_FALSE(session_.server_end->reading());
  session_.client.Send("unread");
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "");
  session_.server.Read(true);
  EXPECT_TRUE(session_.server_end->reading());
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "unread");
}

TEST_F(StreamShapeTest, ReadingOffAgainBeforeTheLoopRunsDeliversNothing) {
  session_.server.on_bytes = [&](Bytes) { session_.server.Read(false); };
  Handshake();
  for (int i = 0; i < 1000; ++i) session_.client.Send(Pattern(100));
  session_.loop.Run();
  const int before = session_.server.deliveries;
  session_.server.Read(true);
  EXPECT_TRUE(session_.loop.something_waits());
  session_.server.Read(false);
  EXPECT_FALSE(session_.loop.something_waits());
  session_.loop.Run();
  EXPECT_EQ(session_.server.deliveries, before);
}

TEST_F(StreamShapeTest, WithoutAHandlerReadingStops) {
  Handshake();
  session_.server.stream->SetHandler(nullptr);
  EXPECT_FALSE(session_.server_end->reading());
  session_.client.Send("for nobody yet");
  session_.loop.Run();
  session_.server.stream->SetHandler(&session_.server);
  session_.server.Read(true);
  session_.loop.Run();
  EXPECT_EQ(session_.server.received, "for nobody yet");
}

TEST_F(StreamShapeTest, ResetReachesThePeer) {
  Handshake();
  session_.client.stream->Abort();
  session_.client.stream.reset();
  session_.loop.Run();
  ASSERT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.server.errors[0].message, "connection reset");
}

TEST_F(StreamShapeTest, ResetDuringTheHandshakeIsATlsError) {
  session_.server.Read(true);
  session_.client_end->Abort();
  session_.connect.pending.reset();
  session_.loop.Run();
  ASSERT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.server.errors[0].code, Errc::kTls);
  EXPECT_EQ(session_.server.errors[0].message, "connection reset during the TLS handshake");
}

TEST_F(StreamShapeTest, CiphertextAfterCloseNotifyIsNotRead) {
  Handshake();
  session_.client.Call([](auto& s) { s.Shutdown(); });
  session_.loop.Run();
  EXPECT_EQ(session_.server.ends, 1);
  EXPECT_FALSE(session_.server_end->reading());
}

TEST_F(StreamShapeTest, EarlyWritesAreBounded) {
  session_.server.Send(std::string(kMaxWaiting, 'x'));
  EXPECT_TRUE(session_.server.stream->congested());
  session_.server.Send("x");
  EXPECT_THAT(session_.server.errors, IsEmpty());
  session_.loop.Run();
  ASSERT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.server.errors[0].code, Errc::kLimit);
  EXPECT_EQ(session_.server.stream->queued(), 0u);
}

TEST_F(StreamShapeTest, AfterTooManyEarlyWritesTheRestIsDropped) {
  session_.server.Send(std::string(kMaxWaiting + 1, 'x'));
  session_.server.Send("y");
  session_.server.Call([](auto& s) { s.Shutdown(); });
  EXPECT_EQ(session_.server.stream->queued(), 0u);
  session_.loop.Run();
  EXPECT_EQ(session_.server.errors.size(), 1u);
  EXPECT_EQ(session_.connect.connected, 0);
  ASSERT_EQ(session_.connect.failures.size(), 1u);
  EXPECT_EQ(session_.connect.failures[0].code, Errc::kTls);
}

TEST_F(StreamShapeTest, EarlyWritesThatCongestAreReportedAsDrained) {
  session_.server.Send(std::string(300 * 1024, 'x'));
  EXPECT_TRUE(session_.server.stream->congested());
  Handshake();
  EXPECT_EQ(session_.client.received.size(), 300u * 1024);
  EXPECT_EQ(session_.server.drained, 1);
}

TEST_F(StreamShapeTest, AHandshakeThatHasBegunGoesOnWhileReadingIsOff) {
  session_.server.Read(true);
  session_.server.Read(false);
  session_.loop.Run();
  EXPECT_EQ(session_.connect.connected, 1);
  EXPECT_NE(session_.server.stream->tls(), nullptr);
}

TEST_F(StreamShapeTest, TheServerWaitsForReading) {
  session_.loop.Run();
  EXPECT_EQ(session_.server_end->writes(), 0);
  EXPECT_FALSE(session_.server_end->reading());
}

TEST_F(StreamShapeTest, AddressesAreThoseOfTheConnection) {
  EXPECT_EQ(ToString(session_.server.stream->local_address()), "127.0.0.1:443");
  EXPECT_EQ(ToString(session_.server.stream->peer_address()), "127.0.0.2:1234");
}

TEST_F(StreamShapeTest, StaysSmall) {
  EXPECT_LE(sizeof(Stream), 224u);
}

}  // namespace
}  // namespace upgate::tls::test
