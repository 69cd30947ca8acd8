#include "gateway/app/overload_watch.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/capture_log.h"
#include "tests/support/fake_timers.h"

namespace upgate::app::overload_watch_test {
namespace {

using namespace std::chrono_literals;
using enum OverloadReason;

class OverloadWatchTest : public testing::Test {
 protected:
  OverloadWatchTest() {
    now_.loops.resize(2);
    now_.descriptors = 100;
    watch_.SetMemoryLimit(1600);
  }
  // Seconds in each of which this loop has so many turns, some of them long.
  void Pass(int seconds, std::uint64_t turns = 1000, std::uint64_t long_turns = 0) {
    for (int i = 0; i < seconds; ++i) {
      now_.loops[1].turns += turns;
      now_.loops[1].long_turns += long_turns;
      timers_.Advance(1s);
    }
  }

  test::FakeTimers timers_;
  test::CaptureLog log_;
  Overload overload_;
  OverloadWatch::Sample now_;
  std::vector<std::size_t> woken_;
  OverloadWatch watch_{timers_, log_, overload_, [this](OverloadWatch::Sample& now) { now = now_; },
                       [this](std::size_t loop) { woken_.push_back(loop); }};
};

TEST_F(OverloadWatchTest, MemoryIsOfAllLoops) {
  now_.resident = 1600;
  Pass(1);
  EXPECT_TRUE(overload_.Total().empty());
  now_.resident = 1601;
  Pass(1);
  EXPECT_TRUE(overload_.Of(0).Has(kMemory));
  EXPECT_TRUE(overload_.Of(1).Has(kMemory));
  EXPECT_TRUE(overload_.Of(0).refuses_handshakes());
  EXPECT_EQ(log_.Last("overloaded", "reason"), "memory");
  EXPECT_EQ(log_.Last("overloaded", "why"), "1601 bytes of memory are used; the limit is 1600");
  now_.resident = 1501;
  Pass(3);
  EXPECT_TRUE(overload_.Of(0).Has(kMemory)) << "it ends a sixteenth below";
  now_.resident = 1500;
  Pass(1);
  EXPECT_TRUE(overload_.Total().empty());
  EXPECT_EQ(log_.Count("overloaded"), 1u);
  EXPECT_EQ(log_.Count("no longer overloaded"), 1u);
}

TEST_F(OverloadWatchTest, DescriptorsDoNotRefuseHandshakes) {
  now_.descriptors_taken = 99;
  Pass(1);
  EXPECT_TRUE(overload_.Total().empty());
  now_.descriptors_taken = 100;
  Pass(1);
  EXPECT_TRUE(overload_.Total().Has(kDescriptors));
  EXPECT_FALSE(overload_.Total().refuses_handshakes());
  EXPECT_EQ(log_.Last("overloaded", "reason"), "descriptors");
  now_.descriptors_taken = 50;
  Pass(1);
  EXPECT_TRUE(overload_.Total().empty());
}

TEST_F(OverloadWatchTest, ALoopLagsIfItsTurnsAreLongForLong) {
  Pass(10, 1000, 10);
  EXPECT_TRUE(overload_.Total().empty()) << "1 % is the 99th percentile";
  Pass(4, 1000, 11);
  Pass(1);
  Pass(4, 1000, 11);
  EXPECT_TRUE(overload_.Total().empty()) << "never for five seconds";
  Pass(1, 1000, 11);
  EXPECT_TRUE(overload_.Of(1).Has(kLoopLag));
  EXPECT_FALSE(overload_.Of(0).Has(kLoopLag)) << "the other loop is well";
  EXPECT_EQ(overload_.Total().ToString(), "loop_lag");
  EXPECT_EQ(log_.Last("overloaded", "why"), "1 of 2 event loops take too long for their turns");
  Pass(4);
  EXPECT_TRUE(overload_.Of(1).Has(kLoopLag));
  Pass(3, 0);
  EXPECT_TRUE(overload_.Of(1).Has(kLoopLag)) << "a loop without turns says nothing";
  EXPECT_EQ(woken_, std::vector<std::size_t>(3, 1)) << "but if it sleeps, it can be woken";
  Pass(1);
  EXPECT_TRUE(overload_.Total().empty());
}

}  // namespace
}  // namespace upgate::app::overload_watch_test
