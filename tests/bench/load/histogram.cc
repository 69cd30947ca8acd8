#include "tests/bench/load/histogram.h"

#include <bit>
#include <cmath>
#include <numeric>

namespace upgate::bench {

// Values below 64 have a bucket each; for larger values, the six bits after the leading one select
// a bucket within the octave.
std::size_t Histogram::IndexOf(std::uint64_t value) {
  if (value < kPerOctave) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
  return (std::size_t{shift} << kBits) + static_cast<std::size_t>(value >> shift);
}

std::uint64_t Histogram::UpperBound(std::size_t index) {
  if (index < 2 * kPerOctave) return index;
  const std::size_t shift = (index >> kBits) - 1;
  const std::uint64_t leading = index - (shift << kBits);
  return ((leading + 1) << shift) - 1;
}

std::uint64_t Histogram::Quantile(double share) const {
  const auto total = std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0});
  if (total == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total)));
  std::uint64_t seen = 0;
  std::size_t index = 0;
  for (; index < buckets_.size(); ++index) {
    seen += buckets_[index];
    if (seen >= wanted && seen > 0) break;
  }
  return UpperBound(index);
}

}  // namespace upgate::bench
