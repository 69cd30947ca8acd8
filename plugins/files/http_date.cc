#include "plugins/files/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "gateway/base/text.h"

namespace upgate::plugins::files {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};

// Parses a date from the front. After an error all further calls fail.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool Skip(std::string_view literal) {
    if (!rest_.starts_with(literal)) return Fail();
    rest_.remove_prefix(literal.size());
    return true;
  }

  // The index of the word at the front. Case-sensitive (RFC 9110, section 5.6.7).
  template <class Words>
  int Word(const Words& words) {
    const auto it =
        std::ranges::find_if(words, [&](std::string_view word) { return rest_.starts_with(word); });
    if (it == words.end()) return Fail(), 0;
    rest_.remove_prefix(it->size());
    return static_cast<int>(it - words.begin());
  }

  int Number(std::size_t digits) {
    int number = 0;
    if (rest_.size() < digits) return Fail(), 0;
    for (const char c : rest_.substr(0, digits)) {
      if (!IsDigit(c)) return Fail(), 0;
      number = number * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return number;
  }

  // For asctime: two digits, or a space and one digit.
  int PaddedDay() {
    if (!rest_.starts_with(' ')) return Number(2);
    Skip(" ");
    return Number(1);
  }

  void Time() {
    hour = Number(2);
    Skip(":");
    minute = Number(2);
    Skip(":");
    second = Number(2);
  }

  std::optional<std::int64_t> Done() const {
    if (failed_ || !rest_.empty()) return {};
    const auto date = std::chrono::year(year) / (month + 1) / day;
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return {};
    const auto time = std::chrono::sys_days(date) + hour * 1h + minute * 1min + second * 1s;
    return time.time_since_epoch().count();
  }

  int year = 0;
  int month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;

 private:
  bool Fail() {
    failed_ = true;
    rest_ = {};
    return false;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<std::int64_t> ParseImf(std::string_view text) {
  Reader read(text);
  read.Word(kDays);
  read.Skip(", ");
  read.day = read.Number(2);
  read.Skip(" ");
  read.month = read.Word(kMonths);
  read.Skip(" ");
  read.year = read.Number(4);
  read.Skip(" ");
  read.Time();
  read.Skip(" GMT");
  return read.Done();
}

// Sunday, 06-Nov-94 08:49:37 GMT
std::optional<std::int64_t> ParseRfc850(std::string_view text, std::int64_t now) {
  Reader read(text);
  read.Word(kLongDays);
  read.Skip(", ");
  read.day = read.Number(2);
  read.Skip("-");
  read.month = read.Word(kMonths);
  read.Skip("-");
  const int two_digits = read.Number(2);
  const std::chrono::sys_seconds here{std::chrono::seconds(now)};
  const int this_year = static_cast<int>(
      std::chrono::year_month_day(std::chrono::floor<std::chrono::days>(here)).year());
  read.year = this_year - this_year % 100 + two_digits;
  if (read.year > this_year + 50) read.year -= 100;
  read.Skip(" ");
  read.Time();
  read.Skip(" GMT");
  return read.Done();
}

// Sun Nov  6 08:49:37 1994
std::optional<std::int64_t> ParseAsctime(std::string_view text) {
  Reader read(text);
  read.Word(kDays);
  read.Skip(" ");
  read.month = read.Word(kMonths);
  read.Skip(" ");
  read.day = read.PaddedDay();
  read.Skip(" ");
  read.Time();
  read.Skip(" ");
  read.year = read.Number(4);
  return read.Done();
}

}  // namespace

std::optional<std::int64_t> ParseHttpDate(std::string_view text, std::int64_t now) {
  if (const auto imf = ParseImf(text)) return imf;
  if (const auto rfc850 = ParseRfc850(text, now)) return rfc850;
  return ParseAsctime(text);
}

}  // namespace upgate::plugins::files
