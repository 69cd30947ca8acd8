#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace upgate::bench {

// Counts durations in exponentially growing buckets, 64 for each power of two, so that the error is
// below 1.6 %, from a nanosecond to centuries, in fixed memory.
class Histogram {
 public:
  void Add(std::uint64_t value) { ++buckets_[IndexOf(value)]; }
  void Clear() { buckets_.fill(0); }
  // The quantile of `share` (0 to 1); 0 if the histogram is empty.
  std::uint64_t Quantile(double share) const;

 private:
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kPerOctave = std::size_t{1} << kBits;

  static std::size_t IndexOf(std::uint64_t value);
  // The largest value of a bucket.
  static std::uint64_t UpperBound(std::size_t index);

  std::array<std::uint64_t, kPerOctave * (64 - kBits + 1)> buckets_{};
};

}  // namespace upgate::bench
