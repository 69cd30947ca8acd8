#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::io {

// Says when a log line of one kind is due that a busy or hostile peer could cause at will: at most
// so many times in kInterval. One object a kind. Thread-safe; the clocks of the loops that share
// one need not agree to the millisecond.
class Seldom {
 public:
  static constexpr Millis kInterval{10'000};

  // More than one where each line tells of another peer, and is worth reading as long as there are
  // few.
  explicit Seldom(std::uint32_t most = 1) : most_(most) {}

  // Nothing: leave this line out. Otherwise write it, with the number of those left out since the
  // line before.
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
  std::atomic<std::uint64_t> written_{0};  // since then, those left out too
  std::atomic<std::uint64_t> left_out_{0};
  const std::uint32_t most_;
};

}  // namespace upgate::io
