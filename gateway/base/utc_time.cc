#include "gateway/base/utc_time.h"

#include <array>
#include <ctime>

namespace upgate {

std::string UtcTime(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm calendar{};
  gmtime_r(&time, &calendar);
  std::array<char, 64> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &calendar)};
}

}  // namespace upgate
