#include "gateway/io/memory.h"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/io/memory_guard.h"
#include "tests/support/fake_loop.h"

namespace upgate::io {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

TEST(MemoryLedger, TellsTheTotalOnceItHasDriftedFarEnough) {
  MemoryTotal total(100 * kMiB);
  MemoryLedger ledger;
  ledger.Join(total);
  MemoryCharge charge(ledger);
  charge.Set(MemoryLedger::kDrift - 1);
  EXPECT_EQ(ledger.held(), MemoryLedger::kDrift - 1);
  EXPECT_EQ(total.held(), 0u);
  charge.Set(MemoryLedger::kDrift);
  EXPECT_EQ(total.held(), MemoryLedger::kDrift);
  charge.Set(1);
  EXPECT_EQ(total.held(), MemoryLedger::kDrift);
  charge.Set(0);
  EXPECT_EQ(total.held(), 0u);
}

TEST(MemoryLedger, CountsFromBeforeItJoined) {
  MemoryTotal total;
  MemoryLedger ledger;
  const MemoryCharge charge(ledger, 100);
  ledger.Join(total);
  EXPECT_EQ(total.held(), 100u);
}

TEST(MemoryLedger, AChargeIsTakenBackWhenItIsDestroyed) {
  MemoryTotal total;
  {
    MemoryLedger ledger;
    ledger.Join(total);
    const MemoryCharge charge(ledger, kMiB);
    EXPECT_EQ(total.held(), kMiB);
  }
  EXPECT_EQ(total.held(), 0u);
}

TEST(MemoryLedger, SharedDataCountsOnceUntilTheLastReleasesIt) {
  MemoryTotal total;
  MemoryLedger ledger;
  ledger.Join(total);
  {
    SharedMemoryCharge first = ledger.Share(1000);
    SharedMemoryCharge second = std::move(first);
    EXPECT_EQ(total.held(), 1000u);
    EXPECT_EQ(ledger.held(), 0u);
  }
  EXPECT_EQ(total.held(), 0u);
}

TEST(MemoryLedger, TwoLedgersAddUp) {
  MemoryTotal total(3 * kMiB);
  MemoryLedger one;
  MemoryLedger other;
  one.Join(total);
  other.Join(total);
  const MemoryCharge a(one, 2 * kMiB);
  EXPECT_FALSE(other.over());
  const MemoryCharge b(other, 2 * kMiB);
  EXPECT_TRUE(one.over());
  EXPECT_TRUE(other.over());
}

// A holder that records what the guard asks of it.
class FakeHolder final : public MemoryHolder {
 public:
  FakeHolder(MemoryLedger& ledger, std::size_t bytes, bool goes_first = false)
      : MemoryHolder(ledger), charge_(ledger, bytes), goes_first_(goes_first) {}

  std::size_t held_bytes() const override { return charge_.bytes(); }
  bool expendable() const override { return goes_first_; }
  void HoldBack(bool wait) override { waits = wait; }
  MemoryRefusal Refuse() override {
    refused = true;
    waits = false;
    if (!stubborn) Set(0);
    return MemoryRefusal::kSession;
  }
  void AbortEvicted() override {
    cut_off = true;
    Set(0);
  }
  void Set(std::size_t bytes) { charge_.Set(bytes); }

  bool waits = false;
  bool refused = false;
  bool cut_off = false;
  bool stubborn = false;  // keeps everything although it was refused

 private:
  MemoryCharge charge_;
  const bool goes_first_;
};

class MemoryGuardTest : public testing::Test, public MemoryGuard::Observer {
 protected:
  MemoryGuardTest() {
    loop_.memory().Join(total_);
    guard_ = std::make_unique<MemoryGuard>(loop_.io(), *this);
  }

  void OnWaiting(bool on) override { waiting_ += on ? 1 : -1; }
  void OnRefused(MemoryRefusal refusal) override { refusals_.push_back(refusal); }
  bool OnTrim() override {
    ++trims_;
    return trims;
  }

  FakeHolder& Add(std::size_t bytes, bool goes_first = false) {
    holders_.push_back(std::make_unique<FakeHolder>(loop_.memory(), bytes, goes_first));
    return *holders_.back();
  }
  void Advance(Millis by) { loop_.Advance(by); }

  MemoryTotal total_{16 * kMiB};
  test::FakeLoop loop_;
  int waiting_ = 0;
  int trims_ = 0;
  bool trims = true;
  std::vector<MemoryRefusal> refusals_;
  std::unique_ptr<MemoryGuard> guard_;
  std::vector<std::unique_ptr<FakeHolder>> holders_;
};

TEST_F(MemoryGuardTest, LeavesEverybodyAloneBelowTheHighMark) {
  FakeHolder& large = Add(11 * kMiB);
  Advance(10s);
  EXPECT_FALSE(large.waits);
  EXPECT_FALSE(large.refused);
  EXPECT_FALSE(guard_->under_pressure());
}

TEST_F(MemoryGuardTest, TheLargestWaitAtOnceAndTheSmallGoOn) {
  FakeHolder& small = Add(20 * kKiB);
  FakeHolder& tiny = Add(0);
  FakeHolder& large = Add(15 * kMiB);
  loop_.RunUntilIdle();
  EXPECT_TRUE(guard_->under_pressure());
  EXPECT_TRUE(large.waits);
  EXPECT_FALSE(small.waits);
  EXPECT_FALSE(tiny.waits);
  EXPECT_EQ(waiting_, 1);
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(MemoryGuardTest, EqualOnesAllWait) {
  for (int i = 0; i < 100; ++i) Add(150 * kKiB);
  Advance(MemoryGuard::kTickUnderPressure);
  for (const auto& holder : holders_) EXPECT_TRUE(holder->waits);
}

// Many new clients, each of them small.
TEST_F(MemoryGuardTest, NewHoldersUnderPressureGetAPartOfTheRest) {
  Add(12 * kMiB + kMiB / 2);
  std::vector<FakeHolder*> late;
  for (int i = 0; i < 100; ++i) late.push_back(&Add(0));
  for (std::size_t size = 0; size < kMiB; size += 16 * kKiB) {
    for (FakeHolder* holder : late) {
      if (!holder->waits) holder->Set(size);
    }
  }
  EXPECT_FALSE(total_.over());
}

TEST_F(MemoryGuardTest, WhoGrowsUnderPressureWaitsToo) {
  Add(15 * kMiB);
  loop_.RunUntilIdle();
  FakeHolder& late = Add(0);
  late.Set(5 * kMiB);
  loop_.RunUntilIdle();
  EXPECT_TRUE(late.waits);
}

TEST_F(MemoryGuardTest, GoesOnOnceTheTotalIsDownToTheLowMark) {
  FakeHolder& one = Add(8 * kMiB);
  FakeHolder& other = Add(8 * kMiB);
  loop_.RunUntilIdle();
  other.Set(3 * kMiB);  // between the watermarks
  Advance(1s);
  EXPECT_TRUE(one.waits);
  other.Set(kMiB);
  Advance(1s);
  EXPECT_FALSE(one.waits);
  EXPECT_FALSE(other.waits);
  EXPECT_FALSE(guard_->under_pressure());
  EXPECT_EQ(waiting_, 0);
  Advance(10s);
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(MemoryGuardTest, OneThatHasSentMostOfItGoesOnBeforeTheOthers) {
  FakeHolder& large = Add(9 * kMiB);
  FakeHolder& drained = Add(3 * kMiB);
  FakeHolder& other = Add(kMiB);
  loop_.RunUntilIdle();
  EXPECT_TRUE(drained.waits);
  other.Set(3 * kMiB);
  drained.Set(20 * kKiB);
  Advance(500ms);
  EXPECT_FALSE(drained.waits);
  EXPECT_TRUE(large.waits);
}

TEST_F(MemoryGuardTest, TheLargestAreRefusedAfterAWhileAndOnlyAsManyAsItTakes) {
  FakeHolder& largest = Add(6 * kMiB);
  FakeHolder& second = Add(5 * kMiB);
  FakeHolder& third = Add(4 * kMiB);
  Advance(MemoryGuard::kPatience - 500ms);
  EXPECT_FALSE(largest.refused);
  Advance(1s);
  EXPECT_TRUE(largest.refused);
  EXPECT_FALSE(second.refused);
  EXPECT_FALSE(third.refused);
  EXPECT_FALSE(second.waits);
  EXPECT_FALSE(largest.waits);
  EXPECT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(waiting_, 0);
}

// As long as there are more large clients than fit, waiting again and again would only hold up
// everybody.
TEST_F(MemoryGuardTest, PressureThatReturnsSoonAfterARefusalIsNotWaitedFor) {
  FakeHolder& largest = Add(9 * kMiB);
  FakeHolder& other = Add(4 * kMiB);
  Advance(MemoryGuard::kPatience + 500ms);
  EXPECT_TRUE(largest.refused);
  EXPECT_FALSE(guard_->under_pressure());
  other.Set(13 * kMiB);
  Advance(MemoryGuard::kTickUnderPressure);
  EXPECT_TRUE(other.refused);
  Advance(500ms);
  EXPECT_FALSE(guard_->under_pressure());
}

TEST_F(MemoryGuardTest, PressureThatReturnsLateIsWaitedForAgain) {
  FakeHolder& largest = Add(9 * kMiB);
  FakeHolder& other = Add(4 * kMiB);
  Advance(MemoryGuard::kPatience + 500ms);
  EXPECT_TRUE(largest.refused);
  Advance(MemoryGuard::kCalm);
  other.Set(13 * kMiB);
  Advance(MemoryGuard::kPatience - 500ms);
  EXPECT_FALSE(other.refused);
  Advance(1s);
  EXPECT_TRUE(other.refused);
}

// Pressure that ended by itself does not shorten the patience.
TEST_F(MemoryGuardTest, PressureThatReturnsWithoutARefusalIsWaitedForAgain) {
  FakeHolder& holder = Add(13 * kMiB);
  loop_.RunUntilIdle();
  holder.Set(kMiB);
  Advance(1s);
  EXPECT_FALSE(guard_->under_pressure());
  holder.Set(13 * kMiB);
  Advance(MemoryGuard::kPatience - 500ms);
  EXPECT_FALSE(holder.refused);
}

TEST_F(MemoryGuardTest, AboveTheLimitRefusesAtOnce) {
  FakeHolder& largest = Add(17 * kMiB);
  Advance(MemoryGuard::kTickUnderPressure);
  EXPECT_TRUE(largest.refused);
}

TEST_F(MemoryGuardTest, ExpendableHoldersAreRefusedFirst) {
  FakeHolder& large = Add(8 * kMiB);
  FakeHolder& expendable = Add(5 * kMiB, true);
  Advance(MemoryGuard::kPatience + 500ms);
  EXPECT_TRUE(expendable.refused);
  EXPECT_FALSE(large.refused);
}

TEST_F(MemoryGuardTest, WhoStillHoldsMuchAfterARefusalIsCutOff) {
  FakeHolder& large = Add(15 * kMiB);
  large.stubborn = true;
  Advance(MemoryGuard::kPatience + 500ms);
  EXPECT_TRUE(large.refused);
  EXPECT_FALSE(large.cut_off);
  Advance(std::chrono::seconds(MemoryGuard::kCutOffSeconds + 1));
  EXPECT_TRUE(large.cut_off);
  EXPECT_EQ(refusals_.size(), 1u);
}

TEST_F(MemoryGuardTest, NobodyElseIsRefusedWhileTheRefusedOneIsLeaving) {
  FakeHolder& large = Add(10 * kMiB);
  FakeHolder& other = Add(5 * kMiB);
  large.stubborn = true;
  Advance(MemoryGuard::kPatience + 1s);
  EXPECT_TRUE(large.refused);
  EXPECT_FALSE(other.refused);
}

TEST_F(MemoryGuardTest, ManySmallOnesAreNeverRefused) {
  for (int i = 0; i < 1100; ++i) Add(15 * kKiB);
  Advance(10s);
  EXPECT_TRUE(total_.over());
  EXPECT_TRUE(refusals_.empty());
}

TEST_F(MemoryGuardTest, ClientsThatWaitAndLeaveAreNotCountedAsWaiting) {
  Add(15 * kMiB);
  loop_.RunUntilIdle();
  EXPECT_EQ(waiting_, 1);
  holders_.clear();
  EXPECT_EQ(waiting_, 0);
}

// Memory pressure caused by another loop.
TEST_F(MemoryGuardTest, ALoopFreesItsShareOfTheTotal) {
  total_.Change(9 * static_cast<std::int64_t>(kMiB));
  std::vector<FakeHolder*> here;
  for (int i = 0; i < 8; ++i) here.push_back(&Add(kMiB / 2));
  Advance(MemoryGuard::kPatience + 100ms);
  const auto refused = std::ranges::count_if(here, [](const auto* h) { return h->refused; });
  // 3 of 13 MiB are too many, and a third of all is on this loop.
  EXPECT_EQ(refused, 2);
  total_.Change(-9 * static_cast<std::int64_t>(kMiB));
}

TEST_F(MemoryGuardTest, TrimsAfterMuchWasFreedAndNotTooOften) {
  FakeHolder& holder = Add(11 * kMiB);
  Advance(5s);
  EXPECT_EQ(trims_, 0);
  holder.Set(kMiB);
  Advance(5s);
  EXPECT_EQ(trims_, 1);
  holder.Set(2 * kMiB);
  Advance(10s);
  EXPECT_EQ(trims_, 1);
}

// Two loops may decide to trim at the same time.
TEST_F(MemoryGuardTest, AsksAgainWhereItWasTooEarlyToTrim) {
  FakeHolder& holder = Add(11 * kMiB);
  Advance(5s);
  trims = false;
  holder.Set(0);
  Advance(3s);
  EXPECT_GT(trims_, 1);
  trims = true;
  trims_ = 0;
  Advance(5s);
  EXPECT_EQ(trims_, 1);
}

TEST_F(MemoryGuardTest, SleepsWhenNothingIsHeld) {
  Add(kMiB);
  loop_.RunUntilIdle();
  EXPECT_TRUE(loop_.timers().NextDeadline().has_value());
  holders_.clear();
  Advance(5s);
  EXPECT_FALSE(loop_.timers().NextDeadline().has_value());
}

}  // namespace
}  // namespace upgate::io
