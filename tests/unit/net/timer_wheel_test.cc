#include "gateway/net/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::net::timer_wheel_test {
namespace {

using namespace std::chrono_literals;
using io::Instant;
using io::Millis;

class Alarm final : io::Timer::Owner {
 public:
  explicit Alarm(io::Timers& timers) : timer(timers, *this) {}
  io::Timer timer;
  std::function<void()> on_timer;
  int fired = 0;

 private:
  void OnTimer(io::Timer&) override {
    ++fired;
    if (on_timer) on_timer();
  }
};

Instant At(Millis time) {
  return Instant{time};
}

TEST(TimerWheelTest, FiresOnceBetweenTheDeadlineAndOneTickLater) {
  for (const Millis delay : {0ms, 1ms, 4ms, 5ms, 255ms, 256ms, 257ms, 1000ms, 16384ms, 60000ms,
                             86400000ms, 864000000ms}) {
    for (const Millis start : {0ms, 3ms, 4ms, 1021ms, 16380ms}) {
      TimerWheel wheel;
      wheel.Advance(At(start));
      Alarm alarm(wheel);
      alarm.timer.Arm(delay);
      if (delay > 0ms) wheel.Advance(At(start + delay - 1ms));
      EXPECT_EQ(alarm.fired, 0) << delay.count() << " from " << start.count();
      wheel.Advance(At(start + delay + TimerWheel::kTick));
      EXPECT_EQ(alarm.fired, 1) << delay.count() << " from " << start.count();
      wheel.Advance(At(start + delay + 1h));
      EXPECT_EQ(alarm.fired, 1);
    }
  }
}

TEST(TimerWheelTest, DelaysBeyondTheTopLevelGoRoundAndWait) {
  TimerWheel wheel;
  Alarm alarm(wheel);
  const Millis years = 24h * 365 * 30;
  alarm.timer.Arm(years);
  wheel.Advance(At(years - 1ms));
  EXPECT_EQ(alarm.fired, 0);
  wheel.Advance(At(years + TimerWheel::kTick));
  EXPECT_EQ(alarm.fired, 1);
}

TEST(TimerWheelTest, NextDeadlineIsNeverLateAndNothingWithoutTimers) {
  TimerWheel wheel;
  EXPECT_FALSE(wheel.NextDeadline());
  Alarm alarm(wheel);
  alarm.timer.Arm(30s);
  int steps = 0;
  while (alarm.fired == 0) {
    const auto next = wheel.NextDeadline();
    ASSERT_TRUE(next);
    ASSERT_GT(*next, wheel.Now());
    ASSERT_LE(*next, At(30s) + TimerWheel::kTick);
    wheel.Advance(*next);
    ASSERT_LE(++steps, 6);
  }
  EXPECT_FALSE(wheel.NextDeadline());
  alarm.timer.Arm(1s);
  alarm.timer.Disarm();
  EXPECT_FALSE(wheel.NextDeadline());
}

TEST(TimerWheelTest, ALongStepIsLikeManyShortOnes) {
  TimerWheel wheel;
  Alarm every(wheel);
  std::vector<Millis> times;
  every.on_timer = [&] {
    times.push_back(wheel.Now().time_since_epoch());
    every.timer.Arm(100ms);
  };
  every.timer.Arm(100ms);
  wheel.Advance(At(1s));
  ASSERT_EQ(times.size(), 10U);
  EXPECT_EQ(times.front(), 100ms);
  EXPECT_EQ(times.back(), 1000ms);
  EXPECT_EQ(wheel.Now(), At(1s));
}

TEST(TimerWheelTest, TimersOfOneTickFireInTheOrderOfArming) {
  for (const Millis delay : {8ms, 1000ms, 100000ms}) {
    TimerWheel wheel;
    std::string order;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (const char name : {'a', 'b', 'c', 'd'}) {
      auto& alarm = alarms.emplace_back(std::make_unique<Alarm>(wheel));
      alarm->on_timer = [&order, name] { order += name; };
      alarm->timer.Arm(delay);
    }
    wheel.Advance(At(delay));
    EXPECT_EQ(order, "abcd") << delay.count();
  }
}

TEST(TimerWheelTest, CallbacksMayDisarmAndDestroyOthersThatAreDue) {
  TimerWheel wheel;
  Alarm first(wheel);
  Alarm disarmed(wheel);
  auto destroyed = std::make_unique<Alarm>(wheel);
  auto itself = std::make_unique<Alarm>(wheel);
  Alarm last(wheel);
  first.on_timer = [&] {
    disarmed.timer.Disarm();
    destroyed.reset();
  };
  itself->on_timer = [&] { auto gone = std::move(itself); };
  for (Alarm* alarm : {&first, &disarmed, destroyed.get(), itself.get(), &last})
    alarm->timer.Arm(10ms);
  wheel.Advance(At(20ms));
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(disarmed.fired, 0);
  EXPECT_FALSE(itself);
  EXPECT_EQ(last.fired, 1);
}

TEST(TimerWheelTest, ATimerArmedForNowInItsCallbackFiresOnALaterTick) {
  TimerWheel wheel;
  Alarm alarm(wheel);
  alarm.on_timer = [&] { alarm.timer.Arm(0ms); };
  alarm.timer.Arm(0ms);
  wheel.Advance(At(TimerWheel::kTick));
  EXPECT_EQ(alarm.fired, 1);
  wheel.Advance(At(3 * TimerWheel::kTick));
  EXPECT_EQ(alarm.fired, 3);
}

TEST(TimerWheelTest, TimeDoesNotGoBackAndTheWallClockFollows) {
  TimerWheel wheel(1'700'000'000);
  wheel.Advance(At(5500ms));
  wheel.Advance(At(100ms));
  EXPECT_EQ(wheel.Now(), At(5500ms));
  EXPECT_EQ(wheel.UnixSeconds(), 1'700'000'005);
}

TEST(TimerWheelTest, TimersMayOutliveTheWheelWhenTheyAreNotArmedAgain) {
  auto wheel = std::make_unique<TimerWheel>();
  Alarm alarm(*wheel);
  alarm.timer.Arm(1s);
  wheel.reset();
  EXPECT_FALSE(alarm.timer.armed());
}

// Random arming, disarming and steps of all sizes, compared with the specification: a timer fires
// in the first step that reaches the tick after its deadline, and never before the deadline.
class TimerWheelModelTest : public TestOfCase<unsigned> {};

TEST_EACH(TimerWheelModelTest, AgreesWithThePlainRule) {
  std::mt19937 random(GetParam());
  const auto below = [&](std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random);
  };
  // Delays spread over all levels.
  const auto any_time = [&] { return Millis(below(std::int64_t{1} << below(36))); };

  TimerWheel wheel;
  struct Entry {
    std::unique_ptr<Alarm> alarm;
    std::optional<Instant> deadline;
  };
  std::vector<Entry> entries(64);
  for (Entry& entry : entries) {
    entry.alarm = std::make_unique<Alarm>(wheel);
    entry.alarm->on_timer = [&] {
      ASSERT_TRUE(entry.deadline) << "fired while disarmed";
      EXPECT_GE(wheel.Now(), *entry.deadline) << "early";
      EXPECT_LE(wheel.Now(), *entry.deadline + TimerWheel::kTick) << "late";
      entry.deadline.reset();
      Entry& other = entries[static_cast<std::size_t>(below(64))];
      if (below(4) == 0) {
        other.alarm->timer.Disarm();
        other.deadline.reset();
      } else if (below(4) == 0) {
        const Millis delay = any_time();
        other.alarm->timer.Arm(delay);
        other.deadline = wheel.Now() + delay;
      }
    };
  }
  for (int step = 0; step < 3000; ++step) {
    Entry& entry = entries[static_cast<std::size_t>(below(64))];
    if (below(5) == 0) {
      entry.alarm->timer.Disarm();
      entry.deadline.reset();
    } else {
      const Millis delay = any_time();
      entry.alarm->timer.Arm(delay);
      entry.deadline = wheel.Now() + delay;
    }
    if (below(3) != 0) continue;
    wheel.Advance(wheel.Now() + any_time() / 16);
    const auto next = wheel.NextDeadline();
    for (const Entry& waiting : entries) {
      ASSERT_EQ(waiting.alarm->timer.armed(), waiting.deadline.has_value());
      if (!waiting.deadline) continue;
      ASSERT_GT(*waiting.deadline + TimerWheel::kTick, wheel.Now());
      ASSERT_TRUE(next);
      ASSERT_LE(*next, *waiting.deadline + TimerWheel::kTick);
    }
  }
}

INSTANTIATE_CASES(Seeds, TimerWheelModelTest, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                  17, 18, 19, 20);

}  // namespace
}  // namespace upgate::net::timer_wheel_test
