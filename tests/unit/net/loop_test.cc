#include "gateway/net/loop.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/net/signal_watcher.h"
#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

TEST(LoopTest, PostsFromManyThreadsRunInTheOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  Loop loop{PollerUnderTest()};
  std::array<int, kThreads> next{};
  bool in_order = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        // Move-only on purpose.
        loop.Post([&, thread, number = std::make_unique<int>(i)] {
          in_order = in_order && next[static_cast<std::size_t>(thread)]++ == *number;
        });
      }
    });
  }
  EXPECT_TRUE(
      RunUntil(loop, [&] { return std::ranges::all_of(next, [](int n) { return n == kPosts; }); }));
  EXPECT_TRUE(in_order);
  for (std::thread& thread : threads) thread.join();
}

struct Alarm final : io::Timer::Owner {
  Alarm(Loop& on, io::Millis delay) : loop(on), timer(on.view().timers, *this) { timer.Arm(delay); }
  void OnTimer(io::Timer&) override {
    fired_at = loop.view().timers.Now();
    if (on_fire) on_fire();
  }
  Loop& loop;
  io::Timer timer;
  std::optional<io::Instant> fired_at;
  std::function<void()> on_fire;
};

// Takes longer than its slice of the turn, and records the turn in which it ran.
class Long final : public io::Later {
 public:
  Long(Loop& loop, std::function<void()> then) : loop_(loop), then_(std::move(then)) {}
  void OnLater() override {
    const auto end = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    ran_in = loop_.turns();
    then_();
  }
  std::optional<std::uint64_t> ran_in;

 private:
  Loop& loop_;
  std::function<void()> then_;
};

Loop::Options ShortSlices() {
  Loop::Options options = PollerUnderTest();
  options.slice = 1ms;
  return options;
}

TEST(LoopTest, LeftoversTakeTurnsWithEverythingElse) {
  Loop loop{ShortSlices()};
  std::string order;
  std::deque<Long> leftovers;
  const SignalWatcher watcher(loop, {SIGUSR1}, [&](int) { order += 's'; });
  Alarm alarm(loop, 0ms);
  alarm.on_fire = [&] { order += 't'; };
  for (const char name : {'a', 'b', 'c', 'd'}) {
    leftovers.emplace_back(loop, [&, name] {
      order += name;
      if (name != 'a') return;
      ::raise(SIGUSR1);
      loop.Post([&] { order += 'p'; });
      loop.Continue(leftovers[0]);
      alarm.timer.Arm(0ms);
    });
  }
  for (Long& leftover : leftovers) loop.Continue(leftover);
  alarm.timer.Disarm();
  bool again = false;
  ASSERT_TRUE(RunUntil(loop, [&] {
    // Ends the repetition of the first one.
    if (std::exchange(again, order.contains('d'))) leftovers[0].Cancel();
    return order.contains('d') && order.contains('s') && order.contains('p') && order.contains('t');
  }));
  leftovers[0].Cancel();
  // One per turn; the signal and the task are handled before the next one.
  EXPECT_LT(order.find('s'), order.find('b')) << order;
  EXPECT_LT(order.find('p'), order.find('b')) << order;
  EXPECT_LT(order.find('t'), order.find('d')) << order;
  EXPECT_LT(*leftovers[1].ran_in, *leftovers[2].ran_in);
  EXPECT_LT(*leftovers[2].ran_in, *leftovers[3].ran_in);
  EXPECT_LT(order.find('d'), order.find('a', 1))
      << "a repeated request goes to the end of the queue: " << order;
}

TEST(LoopTest, TasksOfATurnAreBoundedAndKeepTheirOrder) {
  Loop loop{ShortSlices()};
  std::vector<std::uint64_t> turns;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    loop.Post([&, name] {
      const auto end = std::chrono::steady_clock::now() + 2ms;
      while (std::chrono::steady_clock::now() < end) {
      }
      turns.push_back(loop.turns());
      order += name;
    });
  }
  loop.Stop();
  loop.Run();
  EXPECT_EQ(order, "abc") << "tasks posted before the Stop";
  EXPECT_LT(turns[0], turns[1] + 1);
  EXPECT_LT(turns[1], turns[2] + 1);
}

TEST(LoopTest, ReadySocketsOfATurnAreBoundedAndNoneIsForgotten) {
  constexpr std::size_t kClients = 40;
  Loop loop{ShortSlices()};
  Acceptor acceptor;
  auto listener = loop.view().network.Listen(kLoopback, {}, acceptor);
  ASSERT_TRUE(listener);
  std::deque<Connector> connectors;
  for (std::size_t i = 0; i < kClients; ++i) {
    Connector& connector = connectors.emplace_back();
    connector.pending = loop.view().network.Connect((*listener)->address(), connector);
  }
  ASSERT_TRUE(RunUntil(loop, [&] {
    return acceptor.streams.size() == kClients &&
           std::ranges::all_of(connectors, [](const Connector& c) { return c.done(); });
  }));
  std::deque<Recorder> recorders;
  std::vector<std::uint64_t> turns;
  for (const auto& stream : acceptor.streams) {
    Recorder& recorder = recorders.emplace_back();
    recorder.on_bytes = [&](MutableBytes) {
      const auto end = std::chrono::steady_clock::now() + 500us;
      while (std::chrono::steady_clock::now() < end) {
      }
      turns.push_back(loop.turns());
    };
    stream->SetHandler(&recorder);
    stream->SetReading(true);
  }
  for (Connector& connector : connectors) connector.stream->Write(AsBytes("x"));
  EXPECT_TRUE(RunUntil(loop, [&] { return turns.size() == kClients; }));
  std::ranges::sort(turns);
  std::size_t most = 0;
  for (const std::uint64_t turn : turns) {
    most = std::max<std::size_t>(most, static_cast<std::size_t>(std::ranges::count(turns, turn)));
  }
  // The clock is checked after every fourth task.
  EXPECT_LE(most, 8U);
}

TEST(LoopTest, StopFromAnotherThreadComesAfterWhatWasPostedBefore) {
  Loop loop{PollerUnderTest()};
  bool ran = false;
  std::thread other([&] {
    loop.Post([&] { ran = true; });
    loop.Stop();
  });
  loop.Run();
  other.join();
  EXPECT_TRUE(ran);
}

TEST(LoopTest, StopBeforeRunIsNotLostAndTheLoopRunsAgain) {
  Loop loop{PollerUnderTest()};
  loop.Stop();
  loop.Run();
  bool ran = false;
  loop.Post([&] { ran = true; });
  EXPECT_TRUE(RunUntil(loop, [&] { return ran; }));
}

TEST(LoopTest, RunsOnAThreadThatDidNotMakeIt) {
  Loop loop{PollerUnderTest()};
  std::thread::id where;
  std::thread runner([&] { loop.Run(); });
  loop.Post([&] {
    where = std::this_thread::get_id();
    loop.Stop();
  });
  const std::thread::id expected = runner.get_id();
  runner.join();
  EXPECT_EQ(where, expected);
}

TEST(LoopTest, DroppedTasksAreDestroyedWithTheLoop) {
  const auto witness = std::make_shared<int>(1);
  {
    Loop loop{PollerUnderTest()};
    loop.Post([witness] {});
  }
  EXPECT_EQ(witness.use_count(), 1);
}

// Records its destruction, and defers another deletion from its destructor.
struct Mortal : io::Deletable {
  Mortal(std::string& to, char as, io::Turn* turn_for_child = nullptr)
      : log(to), name(as), turn(turn_for_child) {}
  ~Mortal() override {
    log += name;
    if (turn != nullptr) turn->DeferDelete(std::make_unique<Mortal>(log, 'z'));
  }
  std::string& log;
  char name;
  io::Turn* turn;
};

TEST(LoopTest, DeferredDeletionsHappenInOrderAfterTheCallback) {
  Loop loop{PollerUnderTest()};
  std::string log;
  std::string seen_in_callback = "?";
  loop.Post([&] {
    loop.DeferDelete(std::make_unique<Mortal>(log, 'a', &loop));
    loop.DeferDelete(nullptr);
    loop.DeferDelete(std::make_unique<Mortal>(log, 'b'));
    seen_in_callback = log;
  });
  EXPECT_TRUE(RunUntil(loop, [&] { return !log.empty(); }));
  EXPECT_EQ(seen_in_callback, "");
  EXPECT_EQ(log, "abz");
}

TEST(LoopTest, LateDeferredDeletionsHappenWithTheLoop) {
  std::string log;
  {
    Loop loop{PollerUnderTest()};
    loop.DeferDelete(std::make_unique<Mortal>(log, 'a', &loop));
  }
  EXPECT_EQ(log, "az");
}

TEST(LoopTest, TimersAreNotEarlyAndTheLoopSleepsUntilThem) {
  Loop loop{PollerUnderTest()};
  const io::Instant start = loop.view().timers.Now();
  const auto real_start = std::chrono::steady_clock::now();
  Alarm now(loop, 0ms);
  Alarm soon(loop, 30ms);
  Alarm later(loop, 60ms);
  Alarm much_later(loop, 1h);
  EXPECT_TRUE(RunUntil(loop, [&] { return later.fired_at.has_value(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - real_start, 59ms);
  ASSERT_TRUE(now.fired_at && soon.fired_at);
  EXPECT_GE(*soon.fired_at - start, 30ms);
  EXPECT_GE(*later.fired_at - start, 60ms);
  EXPECT_FALSE(much_later.fired_at);
  // One per alarm, and a few for moving timers down the wheel; not one per tick.
  EXPECT_LT(loop.turns(), 12U);
}

// After a turn that took too long, data that has arrived meanwhile is not too late.
TEST(LoopTest, SignalsAreWatchedForFromTheMiddleOfARunToo) {
  Loop loop{PollerUnderTest()};
  Alarm alarm(loop, 1ms);
  int signals = 0;
  std::unique_ptr<SignalWatcher> watcher;
  EXPECT_TRUE(RunUntil(loop, [&] {
    if (alarm.fired_at && watcher == nullptr) {
      watcher = std::make_unique<SignalWatcher>(loop, std::initializer_list<int>{SIGUSR1},
                                                [&](int) { ++signals; });
      ::raise(SIGUSR1);
    }
    return signals > 0;
  }));
  EXPECT_EQ(signals, 1);
}

TEST(LoopTest, EventsComeBeforeTheTimersThatWaitForThem) {
  Loop loop{PollerUnderTest()};
  Acceptor acceptor;
  auto listener = loop.view().network.Listen(kLoopback, {}, acceptor);
  ASSERT_TRUE(listener);
  Connector connector;
  connector.pending = loop.view().network.Connect((*listener)->address(), connector);
  ASSERT_TRUE(RunUntil(loop, [&] { return connector.done() && !acceptor.streams.empty(); }));
  Recorder recorder;
  acceptor.streams[0]->SetHandler(&recorder);
  acceptor.streams[0]->SetReading(true);
  Alarm timeout(loop, 20ms);
  std::optional<bool> in_time;
  recorder.on_bytes = [&](MutableBytes) { in_time = !timeout.fired_at.has_value(); };
  loop.Post([&] {
    connector.stream->Write(AsBytes("answer"));
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 40ms) {
    }
  });
  EXPECT_TRUE(RunUntil(loop, [&] { return timeout.fired_at && in_time; }));
  EXPECT_TRUE(in_time.value_or(false));
}

TEST(LoopTest, AnAlarmArmedBeforeRunCountsFromThatMoment) {
  Loop loop{PollerUnderTest()};
  const auto made = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - made < 20ms) {
  }
  const auto armed = std::chrono::steady_clock::now();
  Alarm alarm(loop, 15ms);
  EXPECT_TRUE(RunUntil(loop, [&] { return alarm.fired_at.has_value(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - armed, 14ms);
}

TEST(LoopTest, TellsTurnsAndBusyTimeToOtherThreads) {
  Loop loop{PollerUnderTest()};
  std::uint64_t busy = 0;
  std::thread reader;
  loop.Post([&] {
    while (loop.busy_us() < 2000) {
    }
    reader = std::thread([&] {
      busy = loop.busy_us();
      EXPECT_GE(loop.turns(), 1U);
      loop.Stop();
    });
  });
  loop.Run();
  reader.join();
  EXPECT_GE(busy, 2000U);
  EXPECT_GE(loop.busy_us(), busy);
}

TEST(LoopTest, WallClockMatchesTheSystem) {
  Loop loop{PollerUnderTest()};
  EXPECT_NEAR(static_cast<double>(loop.view().timers.UnixSeconds()),
              static_cast<double>(std::time(nullptr)), 1.0);
}

TEST(LoopTest, EntropyDoesNotRepeat) {
  Loop loop{PollerUnderTest()};
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    std::array<std::byte, 16> key{};
    loop.view().entropy.Fill(key);
    keys.emplace_back(AsText(key));
  }
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
  std::vector<std::byte> large(5000);
  loop.view().entropy.Fill(large);
  EXPECT_GT(std::ranges::count_if(large, [](std::byte b) { return b != std::byte{0}; }), 4000);
}

TEST(LoopTest, SignalsComeOnTheLoop) {
  Loop loop{PollerUnderTest()};
  std::vector<int> signals;
  std::unique_ptr<SignalWatcher> watcher;
  const auto on_signal = [&](int signal) {
    signals.push_back(signal);
    if (signal == SIGHUP) ::raise(SIGTERM);
    if (signal == SIGTERM) watcher.reset();
  };
  watcher.reset(new SignalWatcher(loop, {SIGHUP, SIGTERM}, on_signal));
  ::raise(SIGHUP);
  EXPECT_TRUE(signals.empty());
  EXPECT_TRUE(RunUntil(loop, [&] { return signals.size() == 2; }));
  EXPECT_EQ(signals, (std::vector{SIGHUP, SIGTERM}));
  EXPECT_FALSE(watcher);
}

TEST(LoopDeathTest, ASocketLeftOpenIsABug) {
  EXPECT_DEATH(
      {
        Acceptor acceptor;
        std::unique_ptr<io::Listener> listener;
        {
          Loop loop{PollerUnderTest()};
          listener = std::move(*loop.view().network.Listen(kLoopback, {}, acceptor));
        }
      },
      "sockets left open: 1");
}

}  // namespace
}  // namespace upgate::net
