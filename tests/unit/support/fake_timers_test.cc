#include "tests/support/fake_timers.h"

#include <vector>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace upgate::test {
namespace {

using namespace std::chrono_literals;

struct Recorder final : io::Timer::Owner {
  explicit Recorder(FakeTimers& t) : timers(t) {}
  void OnTimer(io::Timer& timer) override {
    EXPECT_FALSE(timer.armed());
    fired.push_back(&timer);
    at.push_back(timers.Now().time_since_epoch());
    if (rearm > 0) {
      --rearm;
      timer.Arm(delay);
    }
  }
  FakeTimers& timers;
  std::vector<io::Timer*> fired;
  std::vector<io::Millis> at;
  int rearm = 0;
  io::Millis delay{0};
};

TEST(FakeTimersTest, FiresInOrderOfDeadlineAndStopsTheClockAtEach) {
  FakeTimers timers;
  Recorder owner(timers);
  io::Timer late(timers, owner), early(timers, owner), never(timers, owner);
  late.Arm(30ms);
  early.Arm(10ms);
  never.Arm(41ms);
  EXPECT_EQ(timers.NextDeadline(), io::Instant(10ms));
  EXPECT_EQ(timers.Advance(40ms), 2);
  EXPECT_EQ(owner.fired, (std::vector{&early, &late}));
  EXPECT_EQ(owner.at, (std::vector<io::Millis>{10ms, 30ms}));
  EXPECT_EQ(timers.Now(), io::Instant(40ms));
  EXPECT_TRUE(never.armed());
}

TEST(FakeTimersTest, SameDeadlineFiresInOrderOfArming) {
  FakeTimers timers;
  Recorder owner(timers);
  io::Timer a(timers, owner), b(timers, owner), c(timers, owner);
  b.Arm(5ms);
  c.Arm(5ms);
  a.Arm(5ms);
  timers.Advance(5ms);
  EXPECT_EQ(owner.fired, (std::vector{&b, &c, &a}));
}

TEST(FakeTimersTest, DisarmedAndReplacedAlarmsDoNotFire) {
  FakeTimers timers;
  Recorder owner(timers);
  io::Timer first(timers, owner), middle(timers, owner), last(timers, owner);
  first.Arm(5ms);
  middle.Arm(5ms);
  last.Arm(5ms);
  middle.Disarm();
  first.Arm(9ms);
  EXPECT_EQ(timers.armed(), 2u);
  timers.Advance(8ms);
  EXPECT_EQ(owner.fired, (std::vector{&last}));
  timers.Advance(1ms);
  EXPECT_EQ(owner.fired, (std::vector{&last, &first}));
  EXPECT_FALSE(timers.NextDeadline());
}

TEST(FakeTimersTest, RearmedInsideTheCallbackFiresAgainWithinTheSameAdvance) {
  FakeTimers timers;
  Recorder owner(timers);
  owner.rearm = 2;
  owner.delay = 10ms;
  io::Timer timer(timers, owner);
  timer.Arm(10ms);
  EXPECT_EQ(timers.Advance(100ms), 3);
  EXPECT_EQ(owner.at, (std::vector<io::Millis>{10ms, 20ms, 30ms}));
}

TEST(FakeTimersTest, WallClockMovesWithTheClockAndCanBeSet) {
  FakeTimers timers;
  const auto start = timers.UnixSeconds();
  timers.Advance(1999ms);
  EXPECT_EQ(timers.UnixSeconds(), start + 1);
  timers.SetUnixSeconds(1'000'000);
  EXPECT_EQ(timers.UnixSeconds(), 1'000'000);
  timers.Advance(1ms);
  EXPECT_EQ(timers.UnixSeconds(), 1'000'001);
}

TEST(FakeTimersTest, TimerWithoutDelayThatArmsItselfForEverIsReported) {
  FakeTimers timers;
  Recorder owner(timers);
  owner.rearm = 1'000'000;
  io::Timer timer(timers, owner);
  timer.Arm(0ms);
  EXPECT_NONFATAL_FAILURE(timers.Advance(1ms), "without any delay");
}

TEST(FakeTimersTest, TimersLeftArmedAreReportedAndHarmless) {
  auto timers = std::make_unique<FakeTimers>();
  Recorder owner(*timers);
  io::Timer timer(*timers, owner);
  timer.Arm(5ms);
  EXPECT_NONFATAL_FAILURE(timers.reset(), "1 timer(s) still armed");
  EXPECT_FALSE(timer.armed());
}

}  // namespace
}  // namespace upgate::test
