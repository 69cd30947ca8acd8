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

// More in one request are answered with the whole file.
inline constexpr std::size_t kMaxRanges = 8;

// What a Range header comes to.
struct RangeSet {
  enum class Kind : std::uint8_t { kWhole, kParts, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  std::vector<ByteRange> parts;  // of kParts: 1 to kMaxRanges, inside the file, in the order asked
                                 // for, without overlap
};

// The value of a Range header for a file of `size` bytes (RFC 9110, section 14.2). What is
// malformed, of another unit, or costs more than it is good for (too many ranges, or overlapping
// ones) is ignored: kWhole. Parts that begin behind the end are left out.
RangeSet ResolveRanges(std::string_view header, std::uint64_t size);

}  // namespace upgate::plugins::files
