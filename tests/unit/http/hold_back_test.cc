#include "gateway/http/hold_back.h"

#include <gtest/gtest.h>

#include "gateway/io/seldom.h"

namespace upgate::http {
namespace {

using namespace std::chrono_literals;
using Verdict = HoldBack::Verdict;

class HoldBackTest : public testing::Test {
 protected:
  // A client waits for that long, checked in every interval; returns the last verdict.
  Verdict WaitFor(io::Millis time) {
    Verdict verdict = hold_back_.OnFull(now_);
    for (const io::Instant end = now_ + time; now_ < end;) {
      now_ += HoldBack::kInterval;
      verdict = hold_back_.OnFull(now_);
    }
    return verdict;
  }

  HoldBack hold_back_;
  io::Instant now_{};
};

TEST_F(HoldBackTest, APeakWaitsAndOneThatDoesNotPassIsRefused) {
  EXPECT_EQ(WaitFor(HoldBack::kPatience - HoldBack::kInterval), Verdict::kHold);
  EXPECT_EQ(WaitFor(HoldBack::kInterval), Verdict::kRefuse);
  now_ += 1h;
  EXPECT_EQ(hold_back_.OnFull(now_), Verdict::kRefuse) << "until there is a place";
}

TEST_F(HoldBackTest, AfterAPlaceWasFoundTheNextPeakMayWaitAgain) {
  EXPECT_EQ(WaitFor(HoldBack::kPatience), Verdict::kRefuse);
  hold_back_.OnPlace();
  EXPECT_EQ(WaitFor(HoldBack::kPatience - HoldBack::kInterval), Verdict::kHold);
}

TEST_F(HoldBackTest, AQueueOutOfWhichSomeFindPlacesIsStillAQueue) {
  EXPECT_EQ(WaitFor(HoldBack::kPatience / 2), Verdict::kHold);
  hold_back_.OnPlace();
  EXPECT_EQ(WaitFor(HoldBack::kPatience / 2), Verdict::kRefuse);
}

TEST_F(HoldBackTest, PeaksApartDoNotAddUp) {
  EXPECT_EQ(WaitFor(HoldBack::kPatience / 2), Verdict::kHold);
  now_ += 1s;
  EXPECT_EQ(WaitFor(HoldBack::kPatience / 2), Verdict::kHold);
}

TEST(SeldomTest, SaysOnceAnIntervalAndCountsTheRest) {
  io::Seldom seldom;
  const io::Instant start{};
  EXPECT_EQ(seldom.Due(start), 0u);
  EXPECT_EQ(seldom.Due(start), std::nullopt);
  EXPECT_EQ(seldom.Due(start + io::Seldom::kInterval - 1ms), std::nullopt);
  EXPECT_EQ(seldom.Due(start + io::Seldom::kInterval), 2u);
  EXPECT_EQ(seldom.Due(start + 2 * io::Seldom::kInterval), 0u);
}

}  // namespace
}  // namespace upgate::http
