#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::io {

// Rate limit for log lines of one kind that a busy or hostile peer could cause at will: at most so
// many lines in kInterval. One object per kind. Thread-safe; the clocks of the loops that share one
// need not agree to the millisecond.
class Seldom {
 public:
  static constexpr Millis kInterval{10'000};

  // `most`: lines per interval. More than one if each line is about a different peer and worth
  // reading while there are few.
  explicit Seldom(std::uint32_t most = 1) : most_(most) {}

  // nullopt: suppress this line. Otherwise write it, with the number of lines suppressed since the
  // previous one.
  std::optional<std::uint64_t> Due(Instant now) {
    const std::int64_t ms = std::chrono::duration_cast<Millis>(now.time_since_epoch()).count();
    std::int64_t last = last_.load(std::memory_order_relaxed);
    const bool over = last == kNever || ms - last >= kInterval.count();
    if (over && last_.compare_exchange_strong(last, ms, std::memory_order_relaxed))
      written_.store(0, std::memory_order_relaxed);
    if (written_.fetch_add(1, std::memory_order_relaxed) >= most_) {
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return {};
    }
    return left_out_.exchange(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  std::atomic<std::int64_t> last_{kNever};
  std::atomic<std::uint64_t> written_{0};  // in this interval, including suppressed ones
  std::atomic<std::uint64_t> left_out_{0};
  const std::uint32_t most_;
};

}  // namespace upgate::io
