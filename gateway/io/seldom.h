#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "gateway/io/timers.h"

namespace upgate::io {

// Says when a log line of one kind is due that a busy or hostile peer could cause at will: at most
// once in kInterval. One object a kind. Not thread-safe.
class Seldom {
 public:
  static constexpr Millis kInterval{10'000};

  // Nothing: leave this line out. Otherwise write it, with the number of those left out since the
  // line before.
  std::optional<std::uint64_t> Due(Instant now) {
    if (last_ && now - *last_ < kInterval) {
      ++left_out_;
      return {};
    }
    last_ = now;
    return std::exchange(left_out_, 0);
  }

 private:
  std::optional<Instant> last_;
  std::uint64_t left_out_ = 0;
};

}  // namespace upgate::io
