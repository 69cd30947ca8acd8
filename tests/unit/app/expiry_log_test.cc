#include "gateway/app/expiry_log.h"

#include <gtest/gtest.h>

#include "tests/support/capture_log.h"
#include "tests/support/fake_timers.h"

namespace upgate::app {
namespace {

using stats::Certificate;
using std::chrono::days;
using std::chrono::hours;

constexpr std::int64_t kDay = 24 * 60 * 60;

class ExpiryLogTest : public testing::Test {
 protected:
  // A certificate that expires in so many seconds.
  Certificate Ending(std::int64_t in, const std::string& file = "/tls/a.crt") const {
    return {Certificate::Owner::kListener,
            "[::]:443",
            file,
            {"a.example", "b.example"},
            timers_.UnixSeconds() + in};
  }
  std::size_t Warnings() const { return log_.Count("certificate expires soon"); }
  std::size_t Errors() const { return log_.Count("certificate expired"); }

  test::FakeTimers timers_;
  test::CaptureLog log_;
  ExpiryLog expiry_{timers_, log_};
};

TEST_F(ExpiryLogTest, WarnsFromFourteenDaysBefore) {
  expiry_.Watch({Ending(15 * kDay)});
  EXPECT_EQ(Warnings(), 0u);
  timers_.Advance(days(1) - hours(1));
  EXPECT_EQ(Warnings(), 0u);
  timers_.Advance(hours(1));
  ASSERT_EQ(Warnings(), 1u);
  const auto line = log_.Find("certificate expires soon")[0];
  EXPECT_EQ(line.level, LogLevel::kWarn);
  EXPECT_EQ(line.fields.at("listener"), "[::]:443");
  EXPECT_EQ(line.fields.at("file"), "/tls/a.crt");
  EXPECT_EQ(line.fields.at("name"), "a.example");
  EXPECT_EQ(line.fields.at("not_after"), "2026-01-17T03:04:05Z");
  EXPECT_EQ(line.fields.at("days_left"), "14");
}

TEST_F(ExpiryLogTest, WarnsOnceADay) {
  expiry_.Watch({Ending(10 * kDay)});
  EXPECT_EQ(Warnings(), 1u) << "at the start";
  timers_.Advance(days(1) - hours(1));
  EXPECT_EQ(Warnings(), 1u);
  timers_.Advance(hours(1));
  EXPECT_EQ(Warnings(), 2u);
  EXPECT_EQ(log_.Last("certificate expires soon", "days_left"), "9");
  timers_.Advance(days(3));
  EXPECT_EQ(Warnings(), 5u);
}

TEST_F(ExpiryLogTest, AnErrorTellsWhenItHasExpired) {
  expiry_.Watch({Ending(5 * 60 * 60 - 1)});
  EXPECT_EQ(Warnings(), 1u);
  timers_.Advance(hours(4));
  EXPECT_EQ(Errors(), 0u);
  timers_.Advance(hours(1));
  ASSERT_EQ(Errors(), 1u) << "without waiting for the next day";
  EXPECT_EQ(log_.Find("certificate expired")[0].level, LogLevel::kError);
  timers_.Advance(days(2));
  EXPECT_EQ(Errors(), 3u);
  EXPECT_EQ(Warnings(), 1u);
}

TEST_F(ExpiryLogTest, TellsOfEachCertificate) {
  Certificate of_backend = Ending(kDay);
  of_backend.owner = Certificate::Owner::kBackend;
  of_backend.name = "mqtt";
  of_backend.names.clear();
  expiry_.Watch(
      {Ending(kDay), Ending(kDay, "/tls/b.crt"), Ending(90 * kDay, "/tls/c.crt"), of_backend});
  EXPECT_EQ(Warnings(), 3u);
  EXPECT_EQ(log_.Last("certificate expires soon", "backend"), "mqtt");
  EXPECT_EQ(log_.Last("certificate expires soon", "name"), "");
}

TEST_F(ExpiryLogTest, ARenewedOneIsQuiet) {
  expiry_.Watch({Ending(kDay)});
  expiry_.Watch({Ending(90 * kDay)});
  timers_.Advance(days(2));
  EXPECT_EQ(Warnings(), 1u);
}

// A new list, as after a reload, does not repeat lines that were logged today.
TEST_F(ExpiryLogTest, ANewListOfTheSameIsQuiet) {
  const Certificate certificate = Ending(kDay * 3);
  expiry_.Watch({certificate});
  timers_.Advance(hours(5));
  expiry_.Watch({certificate});
  EXPECT_EQ(Warnings(), 1u);
  timers_.Advance(hours(19));
  EXPECT_EQ(Warnings(), 2u);
}

}  // namespace
}  // namespace upgate::app
