#include "gateway/ws/hixie_stream.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::ws {
namespace {

using namespace std::string_literals;
using config::Dialect;
using test::ServerFrame;

// Reads the frames like a session. Owns the stream, and records events in order.
class Reader final : public io::StreamHandler, private io::AcceptHandler {
 public:
  explicit Reader(test::FakeLoop& loop, Dialect dialect = Dialect::kHixie76, std::string early = {})
      : loop_(loop), dialect_(dialect), early_(std::move(early)) {
    listener_ = *loop.network().Listen(test::Address("127.0.0.1:80"), {}, *this);
  }

  HixieStream& stream() { return *stream_; }
  std::vector<test::ParsedFrame> Frames() { return test::TakeFrames(bytes_); }
  std::string Texts() {
    std::string texts;
    for (const auto& frame : Frames()) texts += frame.payload;
    return texts;
  }
  void Go() {
    stream_->SetHandler(this);
    stream_->SetReading(true);
    loop_.RunUntilIdle();
  }

  std::string events;  // "end", "error", "drained", "flushed", with a comma each
  std::function<void()> on_bytes;

 private:
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    stream_ = std::make_unique<HixieStream>(std::move(stream), dialect_, early_, loop_.io());
  }
  void OnBytes(MutableBytes data) override {
    EXPECT_LE(data.size(), io::kReadBufferSize);
    Append(bytes_, data);
    std::fill_n(data.data() - io::kReadHeadroom, io::kReadHeadroom, std::byte{'#'});
    if (on_bytes) on_bytes();
  }
  void OnEnd() override { events += "end,"; }
  void OnError(const Error&) override { events += "error,"; }
  void OnWritable() override { events += "drained,"; }
  void OnFlushed() override { events += "flushed,"; }

  test::FakeLoop& loop_;
  Dialect dialect_;
  std::string early_;
  std::string bytes_;
  std::unique_ptr<io::Listener> listener_;
  std::unique_ptr<HixieStream> stream_;
};

class HixieStreamTest : public testing::Test {
 protected:
  void Connect(Dialect dialect = Dialect::kHixie76, std::string early = {}) {
    reader = std::make_unique<Reader>(loop, dialect, std::move(early));
    client = std::make_unique<test::TestPeer>(loop.network(), test::Address("127.0.0.1:80"));
    loop.RunUntilIdle();
  }
  void Start(Dialect dialect = Dialect::kHixie76) {
    Connect(dialect);
    reader->Go();
  }
  void Send(std::string_view bytes) {
    client->Send(bytes);
    loop.RunUntilIdle();
  }
  void Write(std::string_view frames) {
    reader->stream().Write(AsBytes(frames));
    loop.RunUntilIdle();
  }

  test::FakeLoop loop;
  std::unique_ptr<Reader> reader;
  std::unique_ptr<test::TestPeer> client;
};

TEST_F(HixieStreamTest, TextsGoBothWays) {
  Start();
  Send("\0one\xff\0two"s);
  EXPECT_EQ(reader->Texts(), "onetwo");
  Write(ServerFrame(test::kText, "answer"));
  EXPECT_EQ(client->TakeReceived(), "\0answer\xff"s);
  const std::string frame = ServerFrame(test::kText, "in slices");
  reader->stream().Write(
      {AsBytes(frame).first(1), AsBytes(frame).subspan(1, 4), AsBytes(frame).subspan(5)});
  loop.RunUntilIdle();
  EXPECT_EQ(client->TakeReceived(), "\0in slices\xff"s);
}

TEST_F(HixieStreamTest, EarlyDataComesFirstAndFromTheLoop) {
  Connect(Dialect::kHixie76, "\0ear"s);
  reader->stream().SetHandler(reader.get());
  reader->stream().SetReading(true);
  EXPECT_EQ(reader->Texts(), "");
  Send("ly\xff\0second\xff"s);
  EXPECT_EQ(reader->Texts(), "earlysecond");
}

TEST_F(HixieStreamTest, ManySmallTextsOfOneReadComeInPiecesOfTheUsualSize) {
  Start();
  std::string small;
  for (int i = 0; i < 20000; ++i) small += "\0x\xff"s;
  Send(small);
  EXPECT_EQ(reader->Frames().size(), 20000u);
}

TEST_F(HixieStreamTest, NothingIsDeliveredWhileReadingIsOffAndNothingIsLost) {
  Start();
  std::string small;
  for (int i = 0; i < 40000; ++i) small += "\0x\xff"s;
  int pieces = 0;
  reader->on_bytes = [&] {
    ++pieces;
    reader->stream().SetReading(false);
    // Answered by the stream itself, after earlier data.
    if (pieces == 1) reader->stream().Write(AsBytes(ServerFrame(test::kPing, "p")));
  };
  Send(small);
  EXPECT_EQ(pieces, 1);
  EXPECT_TRUE(reader->stream().HasUnread());
  for (int i = 1; i < 100 && reader->stream().HasUnread(); ++i) {
    loop.RunUntilIdle();
    EXPECT_EQ(pieces, i);
    reader->stream().SetReading(true);
    loop.RunUntilIdle();
  }
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 40001u);
  std::size_t pongs = 0;
  for (const auto& frame : frames) pongs += frame.opcode == test::kPong ? 1 : 0;
  EXPECT_EQ(pongs, 1u);
  EXPECT_EQ(frames.front().opcode, test::kText);
}

TEST_F(HixieStreamTest, PingsAreAnsweredFromTheLoopAndTheClientHearsNothing) {
  Start();
  reader->stream().Write(AsBytes(ServerFrame(test::kPing, "a") + ServerFrame(test::kPing, "b")));
  EXPECT_EQ(reader->Frames().size(), 0u) << "never from inside a call";
  loop.RunUntilIdle();
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0], (test::ParsedFrame{.opcode = test::kPong, .masked = true, .payload = "b"}));
  EXPECT_EQ(client->received(), "");
}

TEST_F(HixieStreamTest, PingsWithoutEndTakeNoMemoryWhileReadingIsOff) {
  Start();
  reader->stream().SetReading(false);
  for (int i = 0; i < 1000; ++i) Write(ServerFrame(test::kPing, std::to_string(i)));
  reader->stream().SetReading(true);
  loop.RunUntilIdle();
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, "999");
}

TEST_F(HixieStreamTest, TheClosingHandshakeOf76InBothDirections) {
  Start();
  Send("\0last\xff\xff\0\0late\xff"s);
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].close_code(), 1000);
  Write(ServerFrame(test::kClose, test::CloseBody(1000)) + ServerFrame(test::kText, "late"));
  EXPECT_EQ(client->TakeReceived(), "\xff\0"s);
  EXPECT_FALSE(client->ended());
  reader->stream().Shutdown();
  loop.RunUntilIdle();
  EXPECT_TRUE(client->ended());
  client->Shutdown();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "flushed,end,");
}

TEST_F(HixieStreamTest, ACloseToA75ClientEndsTheConnectionAndItsEndIsAClose) {
  Start(Dialect::kHixie75);
  Write(ServerFrame(test::kText, "bye") + ServerFrame(test::kClose, test::CloseBody(1001)));
  EXPECT_EQ(client->TakeReceived(), "\0bye\xff"s);
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(reader->events, "") << "the client has not ended its side yet";
  client->Shutdown();
  loop.RunUntilIdle();
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1000);
  EXPECT_EQ(reader->events, "end,");
  reader->stream().Shutdown();
  EXPECT_EQ(reader->events, "end,") << "never from inside a call";
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "end,flushed,");
}

TEST_F(HixieStreamTest, ABinaryMessageIsAClose1003FromTheClientAndEndsTheClient) {
  Start();
  Write(ServerFrame(test::kText, "ok") + ServerFrame(test::kBinary, "no") +
        ServerFrame(test::kText, "no more"));
  auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1003);
  Send("\0late\xff"s);
  EXPECT_EQ(reader->Frames().size(), 0u);
  Write(ServerFrame(test::kClose, test::CloseBody(1003)));
  EXPECT_EQ(client->TakeReceived(), "\0ok\xff\xff\0"s);
}

TEST_F(HixieStreamTest, FramesThatBreakTheRulesEndTheClientsSide) {
  Start();
  Write(ServerFrame(test::kText, "begun", false) + ServerFrame(test::kContinuation, "\xff\0"s));
  const auto frames = reader->Frames();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].close_code(), 1007);
  EXPECT_EQ(client->TakeReceived(), "\0begun"s);
  EXPECT_TRUE(client->ended());
}

TEST_F(HixieStreamTest, TheQueueIsThatOfTheStreamBelow) {
  Start();
  client->Stall();
  const std::string frame = ServerFrame(test::kText, std::string(60000, 'x'));
  std::size_t sent = 0;
  while (!reader->stream().congested()) {
    Write(frame);
    sent += 60002;
  }
  EXPECT_GT(reader->stream().queued(), io::kHighMark);
  EXPECT_EQ(reader->events, "");
  client->Resume();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "drained,");
  EXPECT_EQ(reader->stream().queued(), 0u);
  EXPECT_EQ(client->TakeReceived().size(), sent);
}

TEST_F(HixieStreamTest, AfterAnErrorNothingFollows) {
  Start();
  client->stream()->Break();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "error,");
  Write(ServerFrame(test::kPing, "p") + ServerFrame(test::kBinary, "b"));
  reader->stream().Shutdown();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "error,");
  EXPECT_EQ(reader->Frames().size(), 0u);
}

TEST_F(HixieStreamTest, AnErrorIsReportedWhileReadingIsOff) {
  Start();
  reader->stream().SetReading(false);
  client->Reset();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "error,");
}

TEST_F(HixieStreamTest, TheEndWaitsForEarlierData) {
  Start();
  reader->stream().SetReading(false);
  client->Send("\0x\xff"s);
  client->Shutdown();
  loop.RunUntilIdle();
  EXPECT_EQ(reader->events, "");
  reader->stream().SetReading(true);
  loop.RunUntilIdle();
  EXPECT_EQ(reader->Texts(), "x");
  EXPECT_EQ(reader->events, "end,");
  Write(ServerFrame(test::kPing, "p") + ServerFrame(test::kBinary, "b"));
  EXPECT_EQ(reader->Frames().size(), 0u) << "nothing follows the end";
}

TEST_F(HixieStreamTest, OtherDialectsAreUnchanged) {
  Connect();
  test::TestServer server(loop.network(), test::Address("127.0.0.1:81"));
  auto stream = loop.network().Dial(test::Address("127.0.0.1:81"));
  const io::ByteStream* plain = stream.get();
  const auto upgraded = AsRfc6455(Dialect::kHybi08, {std::move(stream), "early"}, loop.io());
  EXPECT_EQ(upgraded.stream.get(), plain);
  EXPECT_EQ(upgraded.early, "early");
}

}  // namespace
}  // namespace upgate::ws
