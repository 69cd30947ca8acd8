#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace upgate::bench {

// Counts durations in buckets that grow with them: 64 for each power of two, so that what comes out
// is less than 1.6 % off, from a nanosecond to centuries, in fixed memory.
class Histogram {
 public:
  void Add(std::uint64_t value) { ++buckets_[IndexOf(value)]; }
  void Clear() { buckets_.fill(0); }
  // The value that this share of all (0 to 1) does not exceed; 0 when there are none.
  std::uint64_t Quantile(double share) const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kPerOctave = std::size_t{1} << kBits;

  static std::size_t IndexOf(std::uint64_t value);
  // The largest value that goes into a bucket.
  static std::uint64_t UpperBound(std::size_t index);

  std::array<std::uint64_t, kPerOctave * (64 - kBits + 1)> buckets_{};
};

}  // namespace upgate::bench
