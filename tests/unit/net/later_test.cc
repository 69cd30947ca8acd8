#include "gateway/io/later.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "tests/unit/net/net_fixture.h"

namespace upgate::net {
namespace {

using namespace std::chrono_literals;

struct Note final : io::Later {
  Note(std::string& to, char as, std::function<void()> then = {})
      : log(to), name(as), also(std::move(then)) {}
  void OnLater() override {
    log += name;
    if (also) also();
  }
  std::string& log;
  char name;
  std::function<void()> also;
};

class LaterListTest : public testing::Test {
 protected:
  void Append(auto&... notes) { (list_.Append(notes), ...); }

  std::string log_;
  io::LaterList list_;
};

TEST_F(LaterListTest, RunsInOrderAndOnce) {
  Note a(log_, 'a'), b(log_, 'b'), c(log_, 'c');
  Append(a, b, c);
  EXPECT_TRUE(a.waiting());
  list_.RunAll();
  EXPECT_EQ(log_, "abc");
  EXPECT_FALSE(a.waiting());
  EXPECT_TRUE(list_.empty());
  list_.RunAll();
  EXPECT_EQ(log_, "abc");
}

TEST_F(LaterListTest, AnyoneMayLeaveOrDie) {
  Note a(log_, 'a'), c(log_, 'c');
  auto b = std::make_unique<Note>(log_, 'b');
  auto d = std::make_unique<Note>(log_, 'd');
  Append(a, *b, c, *d);
  b.reset();
  a.Cancel();
  a.Cancel();
  EXPECT_FALSE(a.waiting());
  list_.RunAll();
  EXPECT_EQ(log_, "cd");
}

TEST_F(LaterListTest, AnyoneMayLeaveDieOrComeWhileTheListRuns) {
  auto doomed = std::make_unique<Note>(log_, 'x');
  Note cancelled(log_, 'y');
  std::unique_ptr<Note> suicide;
  Note a(log_, 'a', [&] {
    doomed.reset();
    cancelled.Cancel();
    list_.Append(a);
  });
  suicide = std::make_unique<Note>(log_, 's', [&] { suicide.reset(); });
  Append(a, *doomed, *suicide, cancelled);
  list_.RunAll();
  EXPECT_EQ(log_, "as");
  EXPECT_TRUE(a.waiting()) << "what is added meanwhile stays";
  EXPECT_EQ(suicide, nullptr);
  doomed = std::make_unique<Note>(log_, 'x');
  list_.RunAll();
  EXPECT_EQ(log_, "asa");
}

TEST_F(LaterListTest, TakesAllOfAnotherAfterItsOwn) {
  io::LaterList other;
  Note a(log_, 'a'), b(log_, 'b'), c(log_, 'c');
  list_.TakeAll(other);
  EXPECT_TRUE(list_.empty());
  Append(a);
  other.Append(b);
  other.Append(c);
  list_.TakeAll(other);
  EXPECT_TRUE(other.empty());
  b.Cancel();
  EXPECT_EQ(list_.Take(), &a);
  EXPECT_EQ(list_.Take(), &c);
  EXPECT_EQ(list_.Take(), nullptr);
}

TEST_F(LaterListTest, OutlivesItsList) {
  Note a(log_, 'a'), b(log_, 'b');
  {
    io::LaterList list;
    list.Append(a);
    list.Append(b);
  }
  EXPECT_FALSE(a.waiting());
  Append(a);
  list_.RunAll();
  EXPECT_EQ(log_, "a");
}

TEST(LoopLaterTest, RunsOnTheNextTurnAndTheLoopDoesNotSleepBefore) {
  Loop loop{PollerUnderTest()};
  io::Turn& turn = loop.view().turn;
  std::string log;
  std::uint64_t asked_at = 0;
  std::uint64_t ran_at = 0;
  Note later(log, 'x', [&] { ran_at = loop.turns(); });
  loop.Post([&] {
    asked_at = loop.turns();
    turn.RunLater(later);
    turn.RunLater(later);
    EXPECT_EQ(log, "");
  });
  EXPECT_TRUE(RunUntil(loop, [&] { return !log.empty(); }));
  EXPECT_EQ(ran_at, asked_at) << "before the next turn waits for events";
  EXPECT_EQ(log, "x");
  RunFor(loop, 5ms);
  EXPECT_EQ(log, "x");
}

TEST(LoopLaterTest, RequestsMadeMeanwhileRunInTheTurnAfter) {
  Loop loop{PollerUnderTest()};
  io::Turn& turn = loop;
  std::string log;
  std::vector<std::uint64_t> turns;
  Note again(log, 'x', [&] {
    turns.push_back(loop.turns());
    if (turns.size() < 4) turn.RunLater(again);
  });
  turn.RunLater(again);
  EXPECT_TRUE(RunUntil(loop, [&] { return turns.size() == 4; }));
  for (std::size_t i = 1; i < turns.size(); ++i) EXPECT_EQ(turns[i], turns[i - 1] + 1);
  // With nothing left to run, it sleeps again.
  EXPECT_LT(RunFor(loop, 30ms), 12U);
}

TEST(LoopLaterTest, FromATimerItRunsWithoutWaitingForTheNext) {
  Loop loop{PollerUnderTest()};
  struct Owner final : io::Timer::Owner {
    Owner(Loop& on, Note& what) : loop(on), note(what), timer(on.view().timers, *this) {}
    void OnTimer(io::Timer&) override { loop.RunLater(note); }
    Loop& loop;
    Note& note;
    io::Timer timer;
  };
  std::string log;
  Note note(log, 'x');
  Owner owner(loop, note);
  owner.timer.Arm(1ms);
  EXPECT_TRUE(RunUntil(loop, [&] { return !log.empty(); }));
}

TEST(LoopLaterTest, TheDeadAreNotRun) {
  Loop loop{PollerUnderTest()};
  std::string log;
  auto doomed = std::make_unique<Note>(log, 'x');
  Note killer(log, 'k', [&] { doomed.reset(); });
  loop.RunLater(killer);
  loop.RunLater(*doomed);
  EXPECT_TRUE(RunUntil(loop, [&] { return !log.empty(); }));
  RunFor(loop, 2ms);
  EXPECT_EQ(log, "k");
}

TEST(LoopLaterTest, WhatWaitsOutlivesTheLoop) {
  std::string log;
  Note note(log, 'x');
  {
    Loop loop{PollerUnderTest()};
    loop.RunLater(note);
  }
  EXPECT_FALSE(note.waiting());
  EXPECT_EQ(log, "");
}

}  // namespace
}  // namespace upgate::net
