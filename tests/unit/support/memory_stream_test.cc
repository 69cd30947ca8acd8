#include "tests/support/memory_stream.h"

#include <functional>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/support/memory_network.h"
#include "tests/support/test_peer.h"

namespace upgate::test {
namespace {

// Records events: "bytes:…", "end", "error", "drained", "flushed".
struct Listener final : io::StreamHandler {
  void OnBytes(MutableBytes data) override {
    events.push_back("bytes:" + std::string(AsText(data)));
    if (on_bytes) on_bytes(data);
  }
  void OnEnd() override { events.emplace_back("end"); }
  void OnError(const Error& why) override {
    events.emplace_back("error");
    error = why;
  }
  void OnWritable() override { events.emplace_back("drained"); }
  void OnFlushed() override { events.emplace_back("flushed"); }

  std::vector<std::string> events;
  std::optional<Error> error;
  std::function<void(MutableBytes)> on_bytes;
};

using Events = std::vector<std::string>;

// `inside` is the end under test, `peer` the test's end of the same connection.
class MemoryStreamTest : public testing::Test, io::AcceptHandler {
 protected:
  void Connect() {
    const auto listener = network.Listen(Address("127.0.0.1:80"), {}, *this).value();
    peer = std::make_unique<TestPeer>(network, listener->address());
    network.RunUntilIdle();
    inside->SetHandler(&heard);
    inside->SetReading(true);
  }
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    inside.reset(dynamic_cast<MemoryStream*>(stream.release()));
  }

  MemoryNetwork network;
  Listener heard;
  std::unique_ptr<MemoryStream> inside;
  std::unique_ptr<TestPeer> peer;
};

class MemoryStreamChunkTest : public MemoryStreamTest, public WithCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, MemoryStreamChunkTest, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(MemoryStreamChunkTest, BytesArriveInPiecesOfTheChunkThenTheEnd) {
  network.options().read_chunk = GetParam();
  Connect();
  std::string sent;
  for (int i = 0; i < 5000; ++i) sent.push_back(static_cast<char>(i * 7));
  peer->Send(sent);
  peer->Shutdown();
  EXPECT_TRUE(heard.events.empty()) << "events never come from inside a call";
  std::string got;
  heard.on_bytes = [&](MutableBytes data) {
    EXPECT_LE(data.size(), GetParam());
    Append(got, data);
  };
  network.RunUntilIdle();
  EXPECT_EQ(got, sent);
  EXPECT_EQ(heard.events.size(), (sent.size() + GetParam() - 1) / GetParam() + 1);
  EXPECT_EQ(heard.events.back(), "end");
}

TEST_F(MemoryStreamTest, StartsSilentAndReadingTakesEffectAtOnce) {
  Connect();
  inside->SetReading(false);
  peer->Send("a");
  peer->Shutdown();
  network.RunUntilIdle();
  EXPECT_TRUE(heard.events.empty());
  heard.on_bytes = [&](MutableBytes) { inside->SetReading(false); };
  inside->SetReadChunk(1);
  peer->Send("dropped: after our own end");
  inside->SetReading(true);
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"bytes:a"}));
  inside->SetReading(true);
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"bytes:a", "end"}));
}

TEST_F(MemoryStreamTest, NoHandlerHearsNothing) {
  Connect();
  peer->Send("x");
  inside->SetHandler(nullptr);
  network.RunUntilIdle();
  EXPECT_TRUE(heard.events.empty());
  EXPECT_FALSE(inside->reading());
  EXPECT_NONFATAL_FAILURE(inside->SetReading(true), "without a handler");
  inside->SetHandler(&heard);
  inside->SetReading(true);
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"bytes:x"}));
}

TEST_F(MemoryStreamTest, SlicesGoOutInOrderAndWhatTheSystemRefusesIsQueued) {
  network.options().send_buffer = 4;
  Connect();
  peer->Stall();
  inside->Write({AsBytes("ab"), AsBytes(""), AsBytes("cdef")});
  EXPECT_EQ(inside->queued(), 2u);
  inside->Write(AsBytes("gh"));
  EXPECT_EQ(inside->queued(), 4u);
  network.RunUntilIdle();
  EXPECT_EQ(inside->queued(), 4u);
  peer->Resume();
  network.RunUntilIdle();
  EXPECT_EQ(inside->queued(), 0u);
  EXPECT_EQ(peer->received(), "abcdefgh");
  EXPECT_TRUE(heard.events.empty()) << "was never congested";
}

TEST_F(MemoryStreamTest, DrainedComesOnceAtTheLowMarkAfterCongestion) {
  network.options().send_buffer = 1000;
  Connect();
  peer->Stall();
  inside->Write(AsBytes(std::string(1000 + io::kHighMark, 'x')));
  EXPECT_FALSE(inside->congested());
  inside->Write(AsBytes("y"));
  EXPECT_TRUE(inside->congested());
  network.RunUntilIdle();
  EXPECT_TRUE(heard.events.empty());
  peer->Resume();
  peer->OnReceive([&](TestPeer&, std::string_view) {
    EXPECT_EQ(heard.events.empty(), inside->queued() > io::kLowMark);
  });
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"drained"}));
  EXPECT_EQ(peer->received().size(), 1001 + io::kHighMark);
}

TEST_F(MemoryStreamTest, ShutdownFollowsTheQueueAndReadingGoesOn) {
  network.options().send_buffer = 3;
  Connect();
  inside->Write(AsBytes("last words"));
  inside->Shutdown();
  inside->Write(AsBytes("dropped"));
  network.RunUntilIdle();
  EXPECT_EQ(peer->received(), "last words");
  EXPECT_TRUE(peer->ended());
  peer->Send("still here");
  peer->Shutdown();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events.back(), "end");
  EXPECT_FALSE(peer->error() || heard.error);
}

TEST_F(MemoryStreamTest, FlushedOnceTheQueueAndTheEndAreWithTheSystem) {
  network.options().send_buffer = 4;
  Connect();
  inside->SetReading(false);
  peer->Stall();
  inside->Write(AsBytes("abcdefgh"));
  inside->Shutdown();
  network.RunUntilIdle();
  EXPECT_TRUE(heard.events.empty());
  peer->Resume();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"flushed"}));
  EXPECT_EQ(peer->received(), "abcdefgh");
}

TEST_F(MemoryStreamTest, FlushedFollowsAShutdownOfAnEmptyQueueButNeverAnError) {
  Connect();
  inside->Shutdown();
  inside->Shutdown();
  EXPECT_TRUE(heard.events.empty());
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"flushed"}));

  Connect();
  heard.events.clear();
  inside->Shutdown();
  peer->Reset();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"error"}));
}

TEST_F(MemoryStreamTest, ClosingDropsTheQueueAndEndsThePeerAfterWhatTheSystemTook) {
  network.options().send_buffer = 3;
  Connect();
  peer->Stall();
  inside->Write(AsBytes("abcdef"));
  inside.reset();
  peer->Resume();
  network.RunUntilIdle();
  EXPECT_EQ(peer->received(), "abc");
  EXPECT_TRUE(peer->ended());
  EXPECT_FALSE(peer->error());
  peer->Send("to nobody");
  network.RunUntilIdle();
  ASSERT_TRUE(peer->error());
  EXPECT_EQ(peer->error()->code, Errc::kReset);
}

TEST_F(MemoryStreamTest, ResetIsAnErrorAfterTheRemainingData) {
  Connect();
  peer->Send("abc");
  peer->Reset();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"bytes:abc", "error"}));
  EXPECT_EQ(heard.error.value().code, Errc::kReset);
  inside->Write(AsBytes("dropped"));
  EXPECT_EQ(inside->queued(), 0u);
  network.RunUntilIdle();
  EXPECT_EQ(heard.events.size(), 2u) << "nothing follows an error";
}

TEST_F(MemoryStreamTest, ResetIsReportedWhileReadingIsOff) {
  Connect();
  inside->SetReading(false);
  peer->Send("never read");
  peer->Reset();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"error"}));
}

TEST_F(MemoryStreamTest, ResetAfterAnEndIsStillTold) {
  Connect();
  peer->Shutdown();
  network.RunUntilIdle();
  peer->Reset();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"end", "error"}));
}

TEST_F(MemoryStreamTest, WritingToAClosedPeerIsAResetLater) {
  Connect();
  peer->Close();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"end"}));
  inside->Write(AsBytes("x"));
  EXPECT_EQ(heard.events.size(), 1u);
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"end", "error"}));
}

TEST_F(MemoryStreamTest, AQueueTowardsAPeerThatClosesIsAReset) {
  network.options().send_buffer = 2;
  Connect();
  peer->Stall();
  inside->Write(AsBytes("abcdef"));
  peer->Close();
  network.RunUntilIdle();
  EXPECT_EQ(heard.events.back(), "error");
  EXPECT_EQ(inside->queued(), 0u);
}

TEST_F(MemoryStreamTest, ClosingWithUnreadBytesIsAResetWhereAskedFor) {
  network.options().reset_on_unread = true;
  Connect();
  inside->Write(AsBytes("413"));
  peer->Send("too much");
  inside.reset();
  network.RunUntilIdle();
  EXPECT_EQ(peer->received(), "413");
  EXPECT_TRUE(peer->error());
  EXPECT_FALSE(peer->ended());
}

TEST_F(MemoryStreamTest, NthReadAndWriteFail) {
  Connect();
  inside->SetReadChunk(1);
  inside->FailRead(3);
  peer->Send("abcd");
  network.RunUntilIdle();
  EXPECT_EQ(heard.events, (Events{"bytes:a", "bytes:b", "error"}));
  EXPECT_TRUE(peer->error());

  Connect();
  heard.events.clear();
  inside->FailWrite(2, {Errc::kTimeout, "gone"});
  inside->Write(AsBytes("one"));
  inside->Write(AsBytes("two"));
  EXPECT_TRUE(heard.events.empty());
  network.RunUntilIdle();
  EXPECT_EQ(peer->received(), "one");
  EXPECT_EQ(heard.events, (Events{"error"}));
  EXPECT_EQ(heard.error.value().code, Errc::kTimeout);
  EXPECT_TRUE(peer->error());
}

TEST_F(MemoryStreamTest, BytesMayBeChangedWithTheirHeadroomAndAreGarbageTheNextTime) {
  Connect();
  inside->SetReadChunk(4);
  int calls = 0;
  heard.on_bytes = [&](MutableBytes data) {
    ++calls;
    std::byte* front = data.data() - io::kReadHeadroom;
    for (std::size_t i = 0; i < io::kReadHeadroom; ++i) EXPECT_EQ(front[i], std::byte{0xDD});
    std::fill(front, data.data() + data.size(), std::byte{'!'});
  };
  peer->Send("abcdefgh");
  network.RunUntilIdle();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(heard.events, (Events{"bytes:abcd", "bytes:efgh"}));
}

#ifdef __SANITIZE_ADDRESS__
TEST_F(MemoryStreamTest, WritingPastTheBytesAndReadingThemLaterStopTheProgram) {
  Connect();
  std::byte* kept = nullptr;
  heard.on_bytes = [&](MutableBytes data) {
    EXPECT_DEATH(data.data()[data.size()] = std::byte{0}, "use-after-poison");
    kept = data.data();
  };
  peer->Send("abc");
  network.RunUntilIdle();
  ASSERT_NE(kept, nullptr);
  EXPECT_DEATH(*kept = std::byte{0}, "use-after-poison");
}
#else
TEST_F(MemoryStreamTest, WritingPastTheBytesIsReported) {
  Connect();
  heard.on_bytes = [](MutableBytes data) { data.data()[data.size()] = std::byte{0}; };
  peer->Send("abc");
  EXPECT_NONFATAL_FAILURE(network.RunUntilIdle(), "wrote past the 3 bytes");
}
#endif

TEST_F(MemoryStreamTest, DestroyingAStreamInItsOwnCallbackIsReported) {
  Connect();
  heard.on_bytes = [&](MutableBytes) { inside.reset(); };
  peer->Send("abc");
  EXPECT_NONFATAL_FAILURE(network.RunUntilIdle(), "destroyed by its own handler");
  EXPECT_TRUE(peer->ended());
}

TEST_F(MemoryStreamTest, AnotherStreamsCallbackMayDestroyIt) {
  Connect();
  auto first = std::move(inside);
  auto first_peer = std::move(peer);
  Listener first_heard;
  first->SetHandler(&first_heard);
  Connect();
  first_heard.on_bytes = [&](MutableBytes) { inside.reset(); };
  first_peer->Send("x");
  peer->Send("y");
  network.RunUntilIdle();
  EXPECT_EQ(first_heard.events, (Events{"bytes:x"}));
  EXPECT_TRUE(heard.events.empty());
  EXPECT_TRUE(peer->ended());
}

}  // namespace
}  // namespace upgate::test
