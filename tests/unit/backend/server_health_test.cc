#include "gateway/backend/server_health.h"

#include <gtest/gtest.h>

namespace upgate::backend {
namespace {

using namespace std::chrono_literals;

constexpr io::Millis kTime = 10s;

TEST(ServerHealth, EjectionsThatFollowEachOtherCloselyDoubleUpToFiveMinutes) {
  ServerHealth health;
  SharedMs now = 1'000;
  EXPECT_EQ(health.Eject(now, kTime), 10s);
  EXPECT_EQ(health.Eject(now, kTime), std::nullopt) << "it is ejected already";
  for (const io::Millis next : {20s, 40s, 80s, 160s, 300s, 300s}) {
    now += 300'000;
    ASSERT_TRUE(health.TakeTrial(now, 3s));
    EXPECT_EQ(health.FailTrial(now, kTime), next);
  }
}

TEST(ServerHealth, AServerThatFlapsIsAwayLongerEachTime) {
  ServerHealth health;
  SharedMs now = 1'000;
  for (const io::Millis next : {10s, 20s, 40s}) {
    EXPECT_EQ(health.Eject(now, kTime), next);
    now += next.count();
    ASSERT_TRUE(health.TakeTrial(now, 3s));
    EXPECT_TRUE(health.OnSuccess(now));
    now += 1'000;
  }
  now += 40'000;
  EXPECT_EQ(health.Eject(now, kTime), 10s) << "it held out for as long as it was away";
}

TEST(ServerHealth, OneAttemptIsMadeWhenTheTimeIsOver) {
  ServerHealth health;
  health.Eject(1'000, kTime);
  EXPECT_FALSE(health.TakeTrial(10'999, 3s));
  EXPECT_TRUE(health.TakeTrial(11'000, 3s));
  EXPECT_FALSE(health.TakeTrial(11'000, 3s)) << "not two";
  EXPECT_FALSE(health.TakeTrial(13'999, 3s));
  EXPECT_TRUE(health.TakeTrial(14'000, 3s)) << "nothing was heard of the first";
  health.ReturnTrial(14'001);
  EXPECT_TRUE(health.TakeTrial(14'001, 3s));
}

TEST(ServerHealth, WhatBeganBeforeTheEjectionSaysNothing) {
  ServerHealth health;
  health.Eject(1'000, kTime);
  EXPECT_FALSE(health.OnSuccess(1'001));
  EXPECT_TRUE(health.ejected());
  EXPECT_EQ(health.FailTrial(1'002, kTime), std::nullopt);
}

TEST(ServerHealth, AServerThatComesBackGetsItsShareSlowly) {
  ServerHealth health;
  EXPECT_EQ(health.Ramp(5'000, 30s), 1000u) << "it was never away";
  health.SetDown(true, 10'000);
  EXPECT_FALSE(health.serves());
  health.SetDown(false, 20'000);
  EXPECT_TRUE(health.serves());
  EXPECT_EQ(health.Ramp(20'000, 30s), 100u);
  EXPECT_EQ(health.Ramp(35'000, 30s), 500u);
  EXPECT_EQ(health.Ramp(50'000, 30s), 1000u);
  EXPECT_EQ(health.Ramp(20'000, 0s), 1000u);
}

}  // namespace
}  // namespace upgate::backend
