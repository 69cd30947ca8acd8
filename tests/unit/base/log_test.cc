#include "gateway/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <functional>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/fd.h"

namespace upgate {
namespace {

using namespace std::literals;
using testing::HasSubstr;
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

// Everything that `write` logs.
std::string Written(LogLevel from, LogFormat format, const std::function<void(Log&)>& write) {
  testing::internal::CaptureStderr();
  write(*MakeStderrLog(from, format));
  return testing::internal::GetCapturedStderr();
}

std::string Written(LogLevel from, LogFormat format, LogLevel level) {
  return Written(from, format, [&](Log& log) {
    switch (level) {
      case LogLevel::kDebug:
        return log.Debug("e", {{"x", true}});
      case LogLevel::kInfo:
        return log.Info("e", {{"x", true}});
      case LogLevel::kWarn:
        return log.Warn("e", {{"x", true}});
      case LogLevel::kError:
        return log.Error("e", {{"x", true}});
      case LogLevel::kOff:
        break;
    }
  });
}

constexpr const char* kTextLine =
    "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9][0-9][0-9]"
    "Z (info |error) e x=true\n";
constexpr const char* kJsonLine =
    "\\{\"time\":\"[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\."
    "[0-9][0-9][0-9]Z\",\"level\":\"debug\",\"event\":\"e\",\"x\":true\\}\n";

TEST(StderrLogTest, LinesHaveATimeAndALevel) {
  const std::string info = Written(LogLevel::kDebug, LogFormat::kText, LogLevel::kInfo);
  EXPECT_THAT(info, MatchesRegex(kTextLine));
  EXPECT_THAT(info, HasSubstr(" info  e "));
  const std::string error = Written(LogLevel::kDebug, LogFormat::kText, LogLevel::kError);
  EXPECT_THAT(error, MatchesRegex(kTextLine));
  EXPECT_THAT(error, HasSubstr(" error e "));
  EXPECT_THAT(Written(LogLevel::kDebug, LogFormat::kJson, LogLevel::kDebug),
              MatchesRegex(kJsonLine));
}

// Within the same second as the line before, and in another one.
TEST(StderrLogTest, TimesFollowTheClock) {
  const auto seconds_of = [](const std::string& line) {
    std::tm calendar{};
    EXPECT_NE(::strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &calendar), nullptr) << line;
    return ::timegm(&calendar);
  };
  const std::time_t before = std::time(nullptr);
  const std::string line = Written(LogLevel::kDebug, LogFormat::kText, LogLevel::kInfo);
  const std::time_t after = std::time(nullptr);
  // std::time may lag by a clock tick.
  EXPECT_GE(seconds_of(line), before);
  EXPECT_LE(seconds_of(line), after + 1);
}

TEST(StderrLogTest, WritesItsLevelAndAbove) {
  EXPECT_EQ(Written(LogLevel::kWarn, LogFormat::kText, LogLevel::kInfo), "");
  EXPECT_NE(Written(LogLevel::kWarn, LogFormat::kText, LogLevel::kWarn), "");
  EXPECT_EQ(Written(LogLevel::kOff, LogFormat::kText, LogLevel::kError), "");
  EXPECT_FALSE(MakeStderrLog(LogLevel::kOff, LogFormat::kText)->Enabled(LogLevel::kOff));
}

TEST(StderrLogTest, BracesInValuesAreNotAFormat) {
  EXPECT_THAT(Written(LogLevel::kDebug, LogFormat::kText,
                      [](Log& log) { log.Info("e", {{"x", "{} {0} %v"sv}}); }),
              HasSubstr("x=\"{} {0} %v\"\n"));
}

TEST(StderrLogTest, FlushWritesQueuedLines) {
  testing::internal::CaptureStderr();
  const auto log = MakeStderrLog(LogLevel::kInfo, LogFormat::kText);
  log->Info("first");
  log->Info("second");
  log->Flush(std::chrono::minutes(1));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("second\n"));
  EXPECT_EQ(log->lines_lost(), 0);
}

TEST(StderrLogTest, LostLinesAreCounted) {
  const UniqueFd kept(::dup(STDERR_FILENO));
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  ::dup2(full.get(), STDERR_FILENO);
  const auto log = MakeStderrLog(LogLevel::kError, LogFormat::kText);
  log->Error("first");
  log->Error("second");
  log->Flush(std::chrono::minutes(1));
  ::dup2(kept.get(), STDERR_FILENO);
  EXPECT_EQ(log->lines_lost(), 2);
}

TEST(StderrLogTest, AnEmptyStringAndTheExtremesOfNumbers) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, "e",
                          {{"a", ""sv},
                           {"b", std::numeric_limits<std::int64_t>::min()},
                           {"c", std::numeric_limits<double>::max()},
                           {"d", -0.0005}})
                .size(),
            FormatLogLine(LogFormat::kText, "e", {}).size() + " a=\"\""sv.size() +
                " b=-9223372036854775808"sv.size() + " c="sv.size() + 309 + ".000"sv.size() +
                " d=-0.001"sv.size());
}

}  // namespace
}  // namespace upgate
