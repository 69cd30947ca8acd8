#include "gateway/stats/shared_text.h"

#include <string>

#include <gtest/gtest.h>

namespace upgate::stats {
namespace {

using namespace std::chrono_literals;

TEST(SharedTextTest, IsCurrentForInfrequentReaders) {
  int made = 0;
  SharedText text([&] { return std::to_string(++made); });
  const SharedText::Clock::time_point start{1h};
  for (int i = 1; i <= SharedText::kBurst; ++i) EXPECT_EQ(*text.Get(start), std::to_string(i));
  EXPECT_EQ(*text.Get(start + 199ms), "5");
  EXPECT_EQ(*text.Get(start + 200ms), "6");
  EXPECT_EQ(*text.Get(start + 399ms), "6");
}

TEST(SharedTextTest, IsMadeAtMostTenTimesInAnySecondAndSharedMeanwhile) {
  int made = 0;
  SharedText text([&] { return std::to_string(++made); });
  const SharedText::Clock::time_point start{1h};
  for (auto from = start; from < start + 5s; from += 1s) {
    const int before = made;
    for (auto now = from; now < from + 1s; now += 1ms) text.Get(now);
    EXPECT_LE(made - before, 10);
    EXPECT_GE(made - before, 4);
  }
  const auto kept = text.Get(start + 5s);
  EXPECT_EQ(text.Get(start + 5s), kept);
}

TEST(SharedTextTest, WhoAsksWhileItIsMadeGetsTheOldOne) {
  SharedText* self = nullptr;
  const SharedText::Clock::time_point start{1h};
  int made = 0;
  std::string seen_meanwhile;
  SharedText text([&] {
    if (++made == 2) seen_meanwhile = *self->Get(start + 1s);
    return std::to_string(made);
  });
  self = &text;
  text.Get(start);
  EXPECT_EQ(*text.Get(start + 1s), "2");
  EXPECT_EQ(seen_meanwhile, "1");
}

}  // namespace
}  // namespace upgate::stats
