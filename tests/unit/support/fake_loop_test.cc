#include "tests/support/fake_loop.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include "tests/support/test_peer.h"

namespace upgate::test {
namespace {

using namespace std::chrono_literals;

struct Noted final : io::Deletable {
  Noted(std::string& d, char n, std::function<void()> a = {})
      : dead(d), name(n), also(std::move(a)) {}
  ~Noted() override {
    dead += name;
    if (also) also();
  }
  std::string& dead;
  char name;
  std::function<void()> also;
};

// Echoes one connection with a delay.
struct SlowEcho final : io::AcceptHandler, io::StreamHandler, io::Timer::Owner {
  explicit SlowEcho(io::Loop& l) : loop(l), timer(l.timers, *this) {}
  void OnAccept(std::unique_ptr<io::ByteStream> accepted) override {
    stream = std::move(accepted);
    stream->SetHandler(this);
    stream->SetReading(true);
  }
  void OnBytes(MutableBytes data) override {
    Append(kept, data);
    timer.Arm(10ms);
  }
  void OnEnd() override { loop.turn.DeferDelete(std::move(stream)); }
  void OnError(const Error&) override { loop.turn.DeferDelete(std::move(stream)); }
  void OnWritable() override {}
  void OnTimer(io::Timer&) override { stream->Write(AsBytes(std::exchange(kept, {}))); }

  io::Loop& loop;
  io::Timer timer;
  std::unique_ptr<io::ByteStream> stream;
  std::string kept;
};

TEST(FakeLoopTest, DeferredThingsLiveToTheEndOfTheTurnAndGoInOrder) {
  FakeLoop loop;
  std::string dead;
  io::Turn& turn = loop.io().turn;
  turn.DeferDelete(std::make_unique<Noted>(
      dead, 'a', [&] { turn.DeferDelete(std::make_unique<Noted>(dead, 'c')); }));
  turn.DeferDelete(std::make_unique<Noted>(dead, 'b'));
  EXPECT_EQ(dead, "");
  EXPECT_TRUE(loop.RunTurn());
  EXPECT_EQ(dead, "abc");
  EXPECT_FALSE(loop.RunTurn());
}

TEST(FakeLoopTest, TimeStopsAtEachDeadlineUntilTheWorldIsAtRest) {
  FakeLoop loop;
  SlowEcho echo(loop.io());
  const auto listener = loop.network().Listen(Address("127.0.0.1:7"), {}, echo).value();
  TestPeer client(loop.network(), listener->address());
  std::vector<io::Millis> answered;
  client.OnReceive([&](TestPeer& self, std::string_view) {
    answered.push_back(loop.timers().Now().time_since_epoch());
    if (answered.size() < 3) self.Send("again");
  });
  client.Send("first");
  loop.RunUntilIdle();
  EXPECT_TRUE(answered.empty());
  loop.Advance(100ms);
  EXPECT_EQ(answered, (std::vector<io::Millis>{10ms, 20ms, 30ms}));
  EXPECT_EQ(client.TakeReceived(), "firstagainagain");
  EXPECT_EQ(loop.timers().Now(), io::Instant(100ms));
  client.Close();
  loop.RunUntilIdle();
  EXPECT_EQ(loop.network().stream_count(), 0u);
}

TEST(FakeLoopTest, TimersWithoutDelayFireWithoutTimePassing) {
  FakeLoop loop;
  struct Owner final : io::Timer::Owner {
    void OnTimer(io::Timer&) override { ++fired; }
    int fired = 0;
  } owner;
  io::Timer timer(loop.io().timers, owner);
  timer.Arm(0ms);
  EXPECT_EQ(owner.fired, 0);
  loop.RunUntilIdle();
  EXPECT_EQ(owner.fired, 1);
}

struct Note final : io::Later {
  Note(std::string& l, char n, std::function<void()> a = {})
      : log(l), name(n), also(std::move(a)) {}
  void OnLater() override {
    log += name;
    if (also) also();
  }
  std::string& log;
  char name;
  std::function<void()> also;
};

TEST(FakeLoopTest, LatersRunOnceOnTheNextTurnAndTimeStandsStill) {
  FakeLoop loop;
  io::Turn& turn = loop.io().turn;
  std::string log;
  Note third(log, 'c');
  Note first(log, 'a', [&] { turn.RunLater(third); });
  Note second(log, 'b');
  auto dead = std::make_unique<Note>(log, 'x');
  turn.RunLater(first);
  turn.RunLater(*dead);
  turn.RunLater(second);
  turn.RunLater(first);
  dead.reset();
  EXPECT_EQ(log, "");
  EXPECT_TRUE(loop.RunTurn());
  EXPECT_EQ(log, "ab");
  EXPECT_TRUE(loop.RunTurn());
  EXPECT_EQ(log, "abc");
  EXPECT_FALSE(loop.RunTurn());
  EXPECT_EQ(loop.timers().Now(), io::Instant{});
}

TEST(FakeLoopTest, LatersLeftWaitingAreReported) {
  auto loop = std::make_unique<FakeLoop>();
  std::string log;
  Note left(log, 'x');
  loop->io().turn.RunLater(left);
  EXPECT_NONFATAL_FAILURE(loop.reset(), "waits for the next turn");
  EXPECT_FALSE(left.waiting());
  EXPECT_EQ(log, "");
}

TEST(FakeLoopTest, EntropyIsTheSameInEveryRun) {
  std::array<std::byte, 16> a{}, b{};
  FixedEntropy first, second;
  first.Fill(a);
  second.Fill(b);
  EXPECT_EQ(a, b);
  second.Fill(b);
  EXPECT_NE(a, b);
}

TEST(FakeLoopTest, StreamsLeftOpenAreReported) {
  auto loop = std::make_unique<FakeLoop>();
  SlowEcho echo(loop->io());
  auto listener = loop->network().Listen(Address("127.0.0.1:7"), {}, echo).value();
  TestPeer client(loop->network(), listener->address());
  loop->RunUntilIdle();
  listener.reset();
  EXPECT_NONFATAL_FAILURE(loop.reset(), "left open");
}

TEST(FakeLoopTest, LateDeferredDeletionsHappenWithTheLoop) {
  std::string dead;
  {
    FakeLoop loop;
    loop.io().turn.DeferDelete(std::make_unique<Noted>(dead, 'x'));
  }
  EXPECT_EQ(dead, "x");
}

}  // namespace
}  // namespace upgate::test
