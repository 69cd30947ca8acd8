#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace upgate::plugins::files {

// A part of a file; never empty.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  std::uint64_t end() const { return first + length; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// A larger number in one request is answered with the whole file.
inline constexpr std::size_t kMaxRanges = 8;

// The result of a Range header.
struct RangeSet {
  enum class Kind : std::uint8_t { kWhole, kParts, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  // For kParts: 1 to kMaxRanges, within the file, in the requested order, without overlap.
  std::vector<ByteRange> parts;
};

// Evaluates a Range header for a file of `size` bytes (RFC 9110, section 14.2). A header that is
// malformed, has another unit, or is too expensive (too many ranges, or overlapping ones) is
// ignored: kWhole. Ranges that begin beyond the end are left out.
RangeSet ResolveRanges(std::string_view header, std::uint64_t size);

}  // namespace upgate::plugins::files
