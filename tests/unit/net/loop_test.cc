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
  Loop loop;
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

// Takes a while, as a message that inflates to a lot does.
class Long final : public io::Later {
 public:
  explicit Long(std::function<void()> then) : then_(std::move(then)) {}
  void OnLater() override {
    const auto end = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    then_();
  }

 private:
  std::function<void()> then_;
};

TEST(LoopTest, SignalsAreHeardInTheMiddleOfALongTurnAndWhatIsPostedBehindIt) {
  Loop loop;
  bool heard = false;
  bool ran = false;
  bool heard_before_the_end = false;
  bool ran_before_the_end = false;
  const SignalWatcher watcher(loop, {SIGUSR1}, [&](int) { heard = true; });
  Long first([&] {
    ::raise(SIGUSR1);
    loop.Post([&] { ran = true; });
  });
  std::deque<Long> middle;
  Long last([&] {
    heard_before_the_end = heard;
    ran_before_the_end = ran;
    loop.Stop();
  });
  loop.RunLater(first);
  for (int i = 0; i < 40; ++i) loop.RunLater(middle.emplace_back([] {}));
  loop.RunLater(last);
  loop.Run();
  EXPECT_TRUE(heard_before_the_end);
  EXPECT_FALSE(ran_before_the_end);
  EXPECT_TRUE(ran);
}

TEST(LoopTest, StopFromAnotherThreadComesAfterWhatWasPostedBefore) {
  Loop loop;
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
  Loop loop;
  loop.Stop();
  loop.Run();
  bool ran = false;
  loop.Post([&] { ran = true; });
  EXPECT_TRUE(RunUntil(loop, [&] { return ran; }));
}

TEST(LoopTest, RunsOnAThreadThatDidNotMakeIt) {
  Loop loop;
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
    Loop loop;
    loop.Post([witness] {});
  }
  EXPECT_EQ(witness.use_count(), 1);
}

// Notes its death, and defers another one from its destructor.
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
  Loop loop;
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

TEST(LoopTest, WhatIsDeferredLastGoesWithTheLoop) {
  std::string log;
  {
    Loop loop;
    loop.DeferDelete(std::make_unique<Mortal>(log, 'a', &loop));
  }
  EXPECT_EQ(log, "az");
}

struct Alarm final : io::Timer::Owner {
  Alarm(Loop& on, io::Millis delay) : loop(on), timer(on.view().timers, *this) { timer.Arm(delay); }
  void OnTimer(io::Timer&) override { fired_at = loop.view().timers.Now(); }
  Loop& loop;
  io::Timer timer;
  std::optional<io::Instant> fired_at;
};

TEST(LoopTest, TimersAreNotEarlyAndTheLoopSleepsUntilThem) {
  Loop loop;
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
  // One for each alarm, and a few for moving timers down the wheel; not one each tick.
  EXPECT_LT(loop.turns(), 12U);
}

// After a turn that took too long, what has arrived meanwhile is not too late.
TEST(LoopTest, EventsComeBeforeTheTimersThatWaitForThem) {
  Loop loop;
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
  Loop loop;
  const auto made = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - made < 20ms) {
  }
  const auto armed = std::chrono::steady_clock::now();
  Alarm alarm(loop, 15ms);
  EXPECT_TRUE(RunUntil(loop, [&] { return alarm.fired_at.has_value(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - armed, 14ms);
}

TEST(LoopTest, TellsTurnsAndBusyTimeToOtherThreads) {
  Loop loop;
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

TEST(LoopTest, WallClockIsThatOfTheSystem) {
  Loop loop;
  EXPECT_NEAR(static_cast<double>(loop.view().timers.UnixSeconds()),
              static_cast<double>(std::time(nullptr)), 1.0);
}

TEST(LoopTest, EntropyDoesNotRepeat) {
  Loop loop;
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
  Loop loop;
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
          Loop loop;
          listener = std::move(*loop.view().network.Listen(kLoopback, {}, acceptor));
        }
      },
      "sockets left open: 1");
}

}  // namespace
}  // namespace upgate::net
