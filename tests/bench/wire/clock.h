#pragma once

#include <cstdint>
#include <ctime>

namespace upgate::bench {

inline constexpr std::uint64_t kSecond = 1'000'000'000;

// The monotonic clock, in nanoseconds.
inline std::uint64_t Now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace upgate::bench
