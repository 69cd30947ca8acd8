#include "gateway/base/log.h"

#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate {
namespace {

using namespace std::literals;
using testing::MatchesRegex;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(LogLineTest, TextIsTheEventAndItsFacts) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "session open", {}), "session open");
  EXPECT_EQ(
      FormatLogLine(LogFormat::kText, "session open",
                    {{"id", std::uint64_t{18'446'744'073'709'551'615U}},
                     {"delta", std::int64_t{-7}},
                     {"seconds", 1.5},
                     {"tls", true},
                     {"client", "127.0.0.1:4242"sv}}),
      R"(session open id=18446744073709551615 delta=-7 seconds=1.500 tls=true client="127.0.0.1:4242")");
}

TEST(LogLineTest, JsonIsOneObject) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, "session open", {}), R"({"event":"session open"})");
  EXPECT_EQ(FormatLogLine(
                LogFormat::kJson, "session open",
                {{"id", std::uint64_t{7}}, {"seconds", 0.25}, {"tls", false}, {"path", "/a"sv}}),
            R"({"event":"session open","id":7,"seconds":0.250,"tls":false,"path":"/a"})");
}

TEST(LogLineTest, JsonHasNoInfinities) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, "e", {{"x", kInfinity}}), R"({"event":"e","x":null})");
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "e", {{"x", kInfinity}}), "e x=inf");
}

TEST(LogLineTest, ValuesOfAPeerCannotEndTheLineOrTheString) {
  constexpr auto kHostile = "a\"b\\c\n\x1b[31m\x7f\0\xc3\xa4"sv;
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "e", {{"x", kHostile}}),
            R"(e x="a\"b\\c\x0a\x1b[31m\x7f\x00\xc3\xa4")");
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, "e", {{"x", kHostile}}),
            R"({"event":"e","x":"a\"b\\c\u000a\u001b[31m\u007f\u0000\u00c3\u00a4"})");
}

std::string Written(LogLevel from, LogFormat format, LogLevel level) {
  const auto log = MakeStderrLog(from, format);
  testing::internal::CaptureStderr();
  switch (level) {
    case LogLevel::kDebug:
      log->Debug("e", {{"x", true}});
      break;
    case LogLevel::kInfo:
      log->Info("e", {{"x", true}});
      break;
    case LogLevel::kWarn:
      log->Warn("e", {{"x", true}});
      break;
    case LogLevel::kError:
      log->Error("e", {{"x", true}});
      break;
    case LogLevel::kOff:
      break;
  }
  return testing::internal::GetCapturedStderr();
}

constexpr auto kTime =
    "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9][0-9][0-9]"
    "Z";

TEST(StderrLogTest, LinesHaveATimeAndALevel) {
  EXPECT_THAT(Written(LogLevel::kDebug, LogFormat::kText, LogLevel::kInfo),
              MatchesRegex(kTime + " info  e x=true\n"s));
  EXPECT_THAT(Written(LogLevel::kDebug, LogFormat::kText, LogLevel::kError),
              MatchesRegex(kTime + " error e x=true\n"s));
  EXPECT_THAT(Written(LogLevel::kDebug, LogFormat::kJson, LogLevel::kDebug),
              MatchesRegex("\\{\"time\":\""s + kTime +
                           "\",\"level\":\"debug\",\"event\":\"e\",\"x\":true\\}\n"));
}

TEST(StderrLogTest, WritesItsLevelAndAbove) {
  EXPECT_EQ(Written(LogLevel::kWarn, LogFormat::kText, LogLevel::kInfo), "");
  EXPECT_NE(Written(LogLevel::kWarn, LogFormat::kText, LogLevel::kWarn), "");
  EXPECT_EQ(Written(LogLevel::kOff, LogFormat::kText, LogLevel::kError), "");
  EXPECT_FALSE(MakeStderrLog(LogLevel::kOff, LogFormat::kText)->Enabled(LogLevel::kOff));
}

TEST(StderrLogTest, BracesInValuesAreNotAFormat) {
  const auto log = MakeStderrLog(LogLevel::kDebug, LogFormat::kText);
  testing::internal::CaptureStderr();
  log->Info("e", {{"x", "{} {0} %v"sv}});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("x=\"{} {0} %v\"\n"));
}

}  // namespace
}  // namespace upgate
