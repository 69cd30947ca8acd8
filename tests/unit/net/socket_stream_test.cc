#include "gateway/net/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/net/socket.h"
#include "tests/support/cases.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

enum class Kind { kTcp, kUnix };

std::string NameOf(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kTcp ? "Tcp" : "Unix";
}

// Both ends of a connection on one loop, each with a Recorder and with reading off.
class StreamTest : public TestOfCase<Kind> {
 protected:
  StreamTest() {
    const SocketAddress address =
        GetParam() == Kind::kTcp ? kLoopback : SocketAddress(UnixPath{directory_.File("stream")});
    Acceptor acceptor;
    listener_ = std::move(*loop_.view().network.Listen(address, {}, acceptor));
    Connector connector;
    connector.pending = loop_.view().network.Connect(listener_->address(), connector);
    EXPECT_TRUE(Until([&] { return connector.done() && !acceptor.streams.empty(); }));
    near_ = std::move(connector.stream);
    far_ = std::move(acceptor.streams.at(0));
    near_->SetHandler(&near_log_);
    far_->SetHandler(&far_log_);
  }

  bool Until(const std::function<bool()>& done) { return RunUntil(loop_, done); }

  // Writes until the kernel accepts no more and the stream is congested.
  std::string Congest(io::ByteStream& stream) {
    std::string written;
    const std::string piece = Pattern(100'003);
    while (!stream.congested()) {
      stream.Write(AsBytes(piece));
      written += piece;
    }
    return written;
  }

  TempDirectory directory_;
  Loop loop_{PollerUnderTest()};
  Recorder near_log_;
  Recorder far_log_;
  std::unique_ptr<io::Listener> listener_;
  std::unique_ptr<io::ByteStream> near_;
  std::unique_ptr<io::ByteStream> far_;
};

INSTANTIATE_NAMED_CASES(Sockets, StreamTest, NameOf, Kind::kTcp, Kind::kUnix);

TEST_EACH(StreamTest, EchoesEverySize) {
  far_log_.on_bytes = [&](MutableBytes data) { far_->Write(Bytes(data)); };
  near_->SetReading(true);
  far_->SetReading(true);
  for (const std::size_t size : {1U, 2U, 1000U, 65535U, 65536U, 65537U, 300'000U, 3'000'000U}) {
    const std::string sent = Pattern(size);
    near_log_.received.clear();
    near_->Write(AsBytes(sent));
    ASSERT_TRUE(Until([&] { return near_log_.received.size() >= size; })) << size;
    EXPECT_TRUE(near_log_.received == sent) << size;
  }
  EXPECT_EQ(near_->queued(), 0U);
}

TEST_EACH(StreamTest, GathersMoreSlicesThanOneCallTakes) {
  std::vector<std::string> parts;
  std::vector<Bytes> slices;
  std::string all;
  for (std::size_t i = 0; i < 200; ++i) parts.push_back(Pattern(i % 7 == 0 ? 0 : i));
  for (const std::string& part : parts) {
    slices.push_back(AsBytes(part));
    all += part;
  }
  far_->SetReading(true);
  near_->Write(slices);
  near_->Write({AsBytes("and"), Bytes{}, AsBytes(" more")});
  near_->Write(Bytes{});
  all += "and more";
  EXPECT_TRUE(Until([&] { return far_log_.received.size() >= all.size(); }));
  EXPECT_TRUE(far_log_.received == all);
}

TEST_EACH(StreamTest, ASlowPeerCongestsOnceAndDrainsOnce) {
  // Small, so that the queue drains in many steps.
  const int send_buffer = 8192;
  ::setsockopt(dynamic_cast<SocketStream&>(*near_).fd(), SOL_SOCKET, SO_SNDBUF, &send_buffer,
               sizeof send_buffer);
  const std::string written = Congest(*near_);
  const std::size_t queued = near_->queued();
  EXPECT_GT(queued, io::kHighMark);
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(near_log_.drained, 0);
  std::size_t queued_at_drain = SIZE_MAX;
  near_log_.on_drained = [&] { queued_at_drain = near_->queued(); };
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.received.size() >= written.size(); }));
  EXPECT_TRUE(far_log_.received == written);
  EXPECT_EQ(near_log_.drained, 1);
  EXPECT_LE(queued_at_drain, io::kLowMark);
  EXPECT_EQ(near_->queued(), 0U);
}

TEST_EACH(StreamTest, AQueueThatWasNeverCongestedDrainsInSilence) {
  std::string written;
  const std::string piece = Pattern(10'000);
  while (near_->queued() == 0) {
    near_->Write(AsBytes(piece));
    written += piece;
  }
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.received.size() >= written.size(); }));
  EXPECT_TRUE(far_log_.received == written);
  EXPECT_EQ(near_log_.drained, 0);
}

TEST_EACH(StreamTest, RefillingFromOnDrainedGoesOn) {
  std::string written = Congest(*near_);
  near_log_.on_drained = [&] {
    if (near_log_.drained < 4) written += Congest(*near_);
  };
  far_->SetReading(true);
  EXPECT_TRUE(
      Until([&] { return near_log_.drained == 4 && far_log_.received.size() >= written.size(); }));
  EXPECT_TRUE(far_log_.received == written);
}

TEST_EACH(StreamTest, PendingDataIsKnownBeforeItIsRead) {
  EXPECT_FALSE(near_->HasUnread());
  far_->Write(AsBytes("x"));
  EXPECT_TRUE(near_->HasUnread());
  EXPECT_TRUE(near_->HasUnread());
  near_->SetReading(true);
  EXPECT_TRUE(Until([&] { return near_log_.received == "x"; }));
  EXPECT_FALSE(near_->HasUnread());
  far_->Shutdown();
  EXPECT_TRUE(near_->HasUnread());
  EXPECT_TRUE(Until([&] { return near_log_.ends == 1; }));
  EXPECT_TRUE(near_->HasUnread());
}

TEST_EACH(StreamTest, ABreakIsKnownBeforeItIsReported) {
  far_->Write(AsBytes("unread"));
  near_->Write(AsBytes("unread"));
  far_.reset();
  EXPECT_TRUE(near_->HasUnread());
}

TEST_EACH(StreamTest, EachSideEndsOnItsOwn) {
  near_->SetReading(true);
  far_->SetReading(true);
  near_->Write(AsBytes("question"));
  near_->Shutdown();
  near_->Shutdown();
  EXPECT_EQ(near_log_.flushed, 0);  // never from inside a call
  near_->Write(AsBytes("dropped"));
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_EQ(far_log_.received, "question");
  EXPECT_EQ(near_log_.flushed, 1);
  far_->Write(AsBytes("answer"));
  EXPECT_TRUE(Until([&] { return near_log_.received == "answer"; }));
  EXPECT_EQ(near_log_.ends, 0);
  far_->Shutdown();
  EXPECT_TRUE(Until([&] { return near_log_.ends == 1; }));
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(far_log_.ends, 1);
  EXPECT_EQ(near_log_.errors + far_log_.errors, 0);
}

TEST_EACH(StreamTest, ShutdownWaitsForTheQueue) {
  const std::string written = Congest(*near_);
  near_->Shutdown();
  near_->Write(AsBytes("dropped"));
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(near_log_.flushed, 0);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_TRUE(Until([&] { return near_log_.flushed == 1; }));
  EXPECT_TRUE(far_log_.received == written);
}

TEST_EACH(StreamTest, TheLastWriteWaitsForTheQueueAndThenEnds) {
  std::string written = Congest(*near_);
  near_->WriteLast(std::array{AsBytes("last"), AsBytes(" words")});
  near_->Write(AsBytes("dropped"));
  EXPECT_EQ(near_log_.flushed, 0);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_EQ(near_log_.flushed, 1);
  EXPECT_TRUE(far_log_.received == written + "last words");
}

TEST_EACH(StreamTest, DestroyingSendsWhatTheSystemTookAndThenTheEnd) {
  near_->Write(AsBytes("bye"));
  near_.reset();
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_EQ(far_log_.received, "bye");
}

TEST_EACH(StreamTest, TheDestructorSendsTheEnd) {
  far_->SetReading(true);
  near_->Write(AsBytes("last words"));
  EXPECT_TRUE(near_->EndsOnDestruction());
  near_.reset();
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_EQ(far_log_.received, "last words");
  EXPECT_EQ(far_log_.errors, 0);
}

// What the system still has to deliver is supervised by the owner of the stream.
TEST_EACH(StreamTest, TheDestructorCannotSendAQueueNorASecondEnd) {
  const std::string written = Congest(*near_);
  EXPECT_FALSE(near_->EndsOnDestruction());
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.received.size() == written.size(); }));
  EXPECT_TRUE(Until([&] { return near_->EndsOnDestruction(); }));
  near_->Shutdown();
  EXPECT_FALSE(near_->EndsOnDestruction());
}

TEST_EACH(StreamTest, PausingTakesEffectAtOnceAndNothingIsLost) {
  const std::string written = Congest(*near_);
  near_->Shutdown();
  far_log_.on_bytes = [&](MutableBytes) { far_->SetReading(false); };
  for (int round = 1; round <= 3; ++round) {
    far_->SetReading(true);
    EXPECT_TRUE(Until([&] { return far_log_.reads == round; }));
    EXPECT_LT(RunFor(loop_, 8ms), 12U);
    EXPECT_EQ(far_log_.reads, round);
  }
  far_log_.on_bytes = nullptr;
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_TRUE(far_log_.received == written);
}

TEST_EACH(StreamTest, AFastPeerGetsABoundedPartOfTheTurn) {
  // A fast peer within one turn: it refills the socket in every callback.
  const std::string refill = Pattern(io::kReadBufferSize);
  Congest(*near_);
  std::uint64_t turn = loop_.turns();
  int in_turn = 0;
  int most = 0;
  far_log_.on_bytes = [&](MutableBytes) {
    if (std::exchange(turn, loop_.turns()) != loop_.turns()) in_turn = 0;
    most = std::max(most, ++in_turn);
    near_->Write(AsBytes(refill));
  };
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.reads > 50; }));
  EXPECT_LE(most, 2 * SocketStream::kReads);
}

// Always has leftover work for the next turn, and takes `work` for it each time.
class Busy final : public io::Later {
 public:
  explicit Busy(Loop& loop, std::chrono::microseconds work = {}) : loop_(loop), work_(work) {
    loop_.Continue(*this);
  }
  void OnLater() override {
    const auto end = std::chrono::steady_clock::now() + work_;
    while (std::chrono::steady_clock::now() < end) {
    }
    loop_.Continue(*this);
  }

 private:
  Loop& loop_;
  std::chrono::microseconds work_;
};

// A connection that keeps enabling reading has no leftover work.
TEST_EACH(StreamTest, ReadingThatIsOnAlreadyDoesNotStandInLine) {
  far_log_.on_bytes = [&](MutableBytes) { far_->SetReading(true); };
  far_->SetReading(true);
  std::deque<Busy> crowd;
  for (int i = 0; i < 20; ++i) crowd.emplace_back(loop_, 1ms);
  for (int message = 1; message <= 3; ++message) {
    near_->Write(AsBytes("x"));
    const std::uint64_t before = loop_.turns();
    ASSERT_TRUE(Until([&] { return far_log_.reads == message; }));
    EXPECT_LE(loop_.turns() - before, 4U) << message;
  }
}

TEST_EACH(StreamTest, InACrowdedTurnLittleIsReadOfAPeerThatWasQuiet) {
  std::size_t first = 0;
  far_log_.on_bytes = [&](MutableBytes data) {
    if (first == 0) first = data.size();
  };
  far_->SetReading(true);
  Busy busy(loop_);
  const std::string written = Congest(*near_);
  near_->Shutdown();
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_TRUE(far_log_.received == written);
  EXPECT_LE(first, 4096U);
}

TEST_EACH(StreamTest, TheHeadroomIsWritableAndThePayloadAligned) {
  bool aligned = true;
  far_log_.on_bytes = [&](MutableBytes data) {
    aligned = aligned && reinterpret_cast<std::uintptr_t>(data.data()) % 64 == 0;
    // A header directly in front of the payload, and both in one write.
    std::byte* const start = data.data() - io::kReadHeadroom;
    std::fill_n(start, io::kReadHeadroom, std::byte{'h'});
    data[0] = std::byte{'P'};
    far_->Write(Bytes(start, io::kReadHeadroom + data.size()));
  };
  near_->SetReading(true);
  far_->SetReading(true);
  near_->Write(AsBytes("payload"));
  const std::string expected = std::string(io::kReadHeadroom, 'h') + "Payload";
  EXPECT_TRUE(Until([&] { return near_log_.received.size() >= expected.size(); }));
  EXPECT_EQ(near_log_.received, expected);
  EXPECT_TRUE(aligned);
}

TEST_EACH(StreamTest, StreamsMayBeDeferredToTheirDeathsFromTheirCallbacks) {
  far_log_.on_bytes = [&](MutableBytes) {
    io::ByteStream* const dying = far_.get();
    dying->SetHandler(nullptr);
    loop_.DeferDelete(std::move(far_));
    near_.reset();
    dying->Write(AsBytes("to nobody"));
    dying->Shutdown();
    dying->SetReading(true);
  };
  far_->SetReading(true);
  near_->Write(AsBytes("die"));
  EXPECT_TRUE(Until([&] { return far_ == nullptr && near_ == nullptr; }));
  EXPECT_LT(RunFor(loop_, 8ms), 12U);
  EXPECT_EQ(far_log_.errors, 0);
}

TEST_EACH(StreamTest, AnotherHandlerTakesOverWhereTheFirstStopped) {
  Recorder second;
  far_log_.on_bytes = [&](MutableBytes) { far_->SetHandler(nullptr); };
  far_->SetReading(true);
  near_->Write(AsBytes("first"));
  EXPECT_TRUE(Until([&] { return far_log_.received == "first"; }));
  near_->Write(AsBytes("second"));
  near_->Shutdown();
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(far_log_.received, "first");
  far_->SetHandler(&second);
  EXPECT_LT(RunFor(loop_, 8ms), 12U);
  EXPECT_EQ(second.received, "");
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return second.ends == 1; }));
  EXPECT_EQ(second.received, "second");
  EXPECT_EQ(far_log_.ends, 0);
}

TEST_EACH(StreamTest, AHalfClosedPeerDoesNotSpinWhileReadingIsOff) {
  near_->Write(AsBytes("still unread"));
  near_->Shutdown();
  EXPECT_LT(RunFor(loop_, 30ms), 20U);
  far_->Shutdown();
  EXPECT_LT(RunFor(loop_, 30ms), 20U);
  EXPECT_EQ(far_log_.ends + far_log_.errors, 0);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_EQ(far_log_.received, "still unread");
}

// Breaks the connection at the near end: TCP with an RST, a unix socket by leaving bytes unread.
void BreakOff(std::unique_ptr<io::ByteStream>& near, io::ByteStream& far) {
  far.Write(AsBytes("never read"));
  near->Abort();
  near.reset();
}

TEST_EACH(StreamTest, ABrokenConnectionIsReportedOnceWhileReading) {
  far_->SetReading(true);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.code, Errc::kReset);
  EXPECT_EQ(far_log_.ends, 0);
  far_->Write(AsBytes("dropped"));
  far_->SetReading(true);
  far_->Shutdown();
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(far_log_.errors, 1);
}

TEST_EACH(StreamTest, ABrokenConnectionIsReportedOnceWhileNotReading) {
  RunFor(loop_, 8ms);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.code, Errc::kReset);
  EXPECT_LT(RunFor(loop_, 20ms), 20U);
  EXPECT_EQ(far_log_.errors, 1);
}

TEST_EACH(StreamTest, ABreakAfterTheEndIsReportedEvenIfTheEndWasNotRead) {
  near_->Shutdown();
  RunFor(loop_, 12ms);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.code, Errc::kReset);
}

TEST_EACH(StreamTest, ABreakWithAFullQueueIsReported) {
  Congest(*far_);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_->queued(), 0U);
  EXPECT_EQ(far_log_.drained, 0);
}

TEST_EACH(StreamTest, DataBeforeTheBreakIsDelivered) {
  far_log_.on_bytes = [&](MutableBytes) { far_->Write(AsBytes("into the void")); };
  const std::string last_words = Pattern(150'000);
  near_->Write(AsBytes(last_words));
  far_->SetReading(true);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_TRUE(last_words.starts_with(far_log_.received));
  EXPECT_GT(far_log_.received.size(), 0U);
  EXPECT_EQ(far_log_.ends, 0);
}

TEST_EACH(StreamTest, AFailedWriteIsReportedLaterAndKeptForTheNextHandler) {
  BreakOff(near_, *far_);
  far_->SetHandler(nullptr);
  far_->Write(AsBytes("one"));
  far_->Write(AsBytes("two"));
  EXPECT_EQ(far_log_.errors, 0);
  RunFor(loop_, 8ms);
  EXPECT_EQ(far_log_.errors, 0);
  Recorder second;
  far_->SetHandler(&second);
  EXPECT_EQ(second.errors, 0);
  EXPECT_TRUE(Until([&] { return second.errors == 1; }));
  EXPECT_EQ(second.code, Errc::kReset);
}

TEST_EACH(StreamTest, TheAddressesOfBothEndsAgree) {
  EXPECT_EQ(near_->peer_address(), listener_->address());
  EXPECT_EQ(far_->local_address(), listener_->address());
  EXPECT_EQ(far_->peer_address(), near_->local_address());
  const SocketAddress peer = far_->peer_address();
  far_->SetReading(true);
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  if (GetParam() == Kind::kTcp) {
    EXPECT_EQ(far_->peer_address(), peer);
    EXPECT_NE(std::get<IpPort>(peer).port, 0);
  }
}

TEST_EACH(StreamTest, ABreakAfterTheEndIsReportedIfTheEndWasRead) {
  far_->SetReading(true);
  near_->Shutdown();
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  BreakOff(near_, *far_);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.ends, 1);
}

class TcpStreamTest : public StreamTest {};
INSTANTIATE_NAMED_CASES(Sockets, TcpStreamTest, NameOf, Kind::kTcp);

int OptionOf(const io::ByteStream& stream, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(dynamic_cast<const SocketStream&>(stream).fd(), level, name, &value, &length);
  return value;
}

TEST_EACH(TcpStreamTest, BothEndsSendAtOnce) {
  for (const io::ByteStream* stream : {near_.get(), far_.get()})
    EXPECT_EQ(OptionOf(*stream, IPPROTO_TCP, TCP_NODELAY), 1);
}

// The connecting end does so later: see KeepAliveTest.
TEST_EACH(TcpStreamTest, TheAcceptedEndProbesASilentPeer) {
  EXPECT_EQ(OptionOf(*far_, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(OptionOf(*far_, IPPROTO_TCP, TCP_KEEPIDLE), 60);
}

TEST_EACH(TcpStreamTest, UnsentBytesAreBoundedOnceMuchIsSent) {
  constexpr int kBound = 128 * 1024;
  near_->Write(AsBytes(std::string(io::kDeliveryGrain - 1, 'x')));
  EXPECT_NE(OptionOf(*near_, IPPROTO_TCP, TCP_NOTSENT_LOWAT), kBound);
  near_->Write(AsBytes("x"));
  EXPECT_EQ(OptionOf(*near_, IPPROTO_TCP, TCP_NOTSENT_LOWAT), kBound);
}

// The system's tcp_info is longer than that of the C library.
struct LongTcpInfo {
  tcp_info known;
  std::uint64_t pacing_rate;
  std::uint64_t max_pacing_rate;
  std::uint64_t bytes_acked;
  std::uint64_t bytes_received;
  std::uint32_t segments_out;
  std::uint32_t segments_in;
};

std::uint32_t SegmentsSentBy(const io::ByteStream& stream) {
  LongTcpInfo info{};
  socklen_t length = sizeof info;
  ::getsockopt(dynamic_cast<const SocketStream&>(stream).fd(), IPPROTO_TCP, TCP_INFO, &info,
               &length);
  return info.segments_out;
}

TEST_EACH(TcpStreamTest, TheLastBytesAndTheEndAreOnePacket) {
  far_->SetReading(true);
  const std::string last = "last words";
  const std::uint32_t before = SegmentsSentBy(*near_);
  near_->WriteLast(std::array{AsBytes(last)});
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1 && near_log_.flushed == 1; }));
  EXPECT_EQ(far_log_.received, last);
  EXPECT_EQ(SegmentsSentBy(*near_) - before, 1U);
}

TEST_EACH(TcpStreamTest, TheDestructorSendsNoEndOnABrokenConnection) {
  far_->Abort();
  far_.reset();
  near_->SetReading(true);
  EXPECT_TRUE(Until([&] { return near_log_.errors == 1; }));
  EXPECT_FALSE(near_->EndsOnDestruction());
}

TEST_EACH(TcpStreamTest, AllBytesBeforeTheEndArriveWhileReadingIsPaused) {
  const std::string written = Pattern(io::kReadBufferSize + 100);
  near_->Write(AsBytes(written));
  near_.reset();
  RunFor(loop_, 8ms);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.ends == 1; }));
  EXPECT_TRUE(far_log_.received == written);
}

// The queue is the measure of a slow reader's progress: it must show soon, not only after a
// megabyte of kernel buffer has been read.
TEST_EACH(TcpStreamTest, ProgressOfASlowPeerShowsInTheQueueSoon) {
  constexpr std::size_t kTaken = 512 * 1024;
  const auto check = [&](io::ByteStream& writer, io::ByteStream& reader, Recorder& log) {
    Congest(writer);
    const std::size_t queued = writer.queued();
    log.on_bytes = [&](MutableBytes) {
      if (log.received.size() >= kTaken) reader.SetReading(false);
    };
    reader.SetReading(true);
    EXPECT_TRUE(Until([&] { return log.received.size() >= kTaken && writer.queued() < queued; }));
    log.on_bytes = nullptr;
  };
  check(*near_, *far_, far_log_);
  check(*far_, *near_, near_log_);
}

TEST_EACH(TcpStreamTest, UrgentBytesDoNotSpin) {
  RunFor(loop_, 8ms);
  near_->Shutdown();
  RunFor(loop_, 8ms);
  near_->SetHandler(nullptr);
  // The other direction is still open.
  ::send(dynamic_cast<SocketStream&>(*far_).fd(), "!", 1, MSG_OOB | MSG_NOSIGNAL);
  EXPECT_LT(RunFor(loop_, 30ms), 20U);
  far_->Shutdown();
  EXPECT_LT(RunFor(loop_, 30ms), 20U);
  near_->SetHandler(&near_log_);
  near_->SetReading(true);
  EXPECT_TRUE(Until([&] { return near_log_.ends == 1; }));
}

// A read stops at an urgent byte, and no event announces the data after it.
TEST_EACH(TcpStreamTest, UrgentBytesDoNotBlockFollowingData) {
  const int fd = dynamic_cast<SocketStream&>(*near_).fd();
  near_->Write(AsBytes("before"));
  ::send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL);
  near_->Write(AsBytes("behind"));
  RunFor(loop_, 8ms);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return far_log_.received == "beforebehind"; }));
  ::send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL);
  near_->Write(AsBytes(", and more"));
  EXPECT_TRUE(Until([&] { return far_log_.received == "beforebehind, and more"; }));
}

TEST_EACH(TcpStreamTest, DestroyingAfterResetBreaksTheConnectionWithNothingUnread) {
  far_->SetReading(true);
  near_->Abort();
  near_.reset();
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.code, Errc::kReset);
  EXPECT_EQ(far_log_.ends, 0);
}

// The queue is stuck behind a full kernel buffer and moves late; the peer's progress is still
// visible.
TEST_EACH(StreamTest, DeliveryShowsWhatThePeerTakesOfTheSystemsBuffer) {
  const io::Delivery start = near_->delivery();
  const std::string sent(8 << 20, 'x');
  near_->Write(AsBytes(sent));
  EXPECT_TRUE(Until([&] { return near_->delivery().waiting > near_->queued(); }));
  RunFor(loop_, 8ms);
  const io::Delivery full = near_->delivery();
  EXPECT_GT(full.waiting, 0u);
  far_->SetReading(true);
  EXPECT_TRUE(Until([&] { return near_->delivery().taken - full.taken > 256 * 1024; }));
  EXPECT_TRUE(Until([&] { return near_->delivery().waiting == 0; }));
  EXPECT_EQ(near_->delivery().taken - start.taken, sent.size());
  EXPECT_TRUE(Until([&] { return far_log_.received.size() == sent.size(); }));
}

class UnixStreamTest : public StreamTest {};
INSTANTIATE_NAMED_CASES(Sockets, UnixStreamTest, NameOf, Kind::kUnix);

TEST_EACH(UnixStreamTest, PendingDataIsReadAlthoughWritingFails) {
  near_->Write(AsBytes("last words"));
  near_.reset();
  far_->SetReading(true);
  far_->Write(AsBytes("too late"));
  EXPECT_EQ(far_log_.errors, 0);
  EXPECT_TRUE(Until([&] { return far_log_.errors == 1; }));
  EXPECT_EQ(far_log_.received, "last words");
  EXPECT_EQ(far_log_.code, Errc::kReset);
}

}  // namespace
}  // namespace upgate::net
