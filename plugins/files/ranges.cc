#include "plugins/files/ranges.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "gateway/base/text.h"

namespace upgate::plugins::files {
namespace {

constexpr std::string_view kUnit = "bytes";

// One element of the list: "first-", "first-last" or "-suffix".
struct RangeSpec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;  // without `first` the length of the suffix
};

// Removes digits from the front; nullopt if there are none. Saturates, which is beyond the end of
// any file.
std::optional<std::uint64_t> TakeNumber(std::string_view& text) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (text.empty() || !IsDigit(text.front())) return {};
  std::uint64_t number = 0;
  while (!text.empty() && IsDigit(text.front())) {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    number = number > (kMax - digit) / 10 ? kMax : number * 10 + digit;
    text.remove_prefix(1);
  }
  return number;
}

std::optional<RangeSpec> ParseSpec(std::string_view text) {
  RangeSpec spec;
  spec.first = TakeNumber(text);
  if (!text.starts_with('-')) return {};
  text.remove_prefix(1);
  spec.last = TakeNumber(text);
  if (!text.empty() || (!spec.first && !spec.last)) return {};
  if (spec.first && spec.last && *spec.first > *spec.last) return {};
  return spec;
}

// nullopt if the range is outside of the file, which must not be empty.
std::optional<ByteRange> Resolve(const RangeSpec& spec, std::uint64_t size) {
  if (!spec.first) {
    const std::uint64_t length = std::min(*spec.last, size);
    if (length == 0) return {};
    return ByteRange{size - length, length};
  }
  if (*spec.first >= size) return {};
  const std::uint64_t last = std::min(spec.last.value_or(size - 1), size - 1);
  return ByteRange{*spec.first, last - *spec.first + 1};
}

bool Overlap(std::vector<ByteRange> parts) {
  std::ranges::sort(parts, {}, &ByteRange::first);
  return std::ranges::adjacent_find(
             parts, [](const auto& a, const auto& b) { return b.first < a.end(); }) != parts.end();
}

}  // namespace

RangeSet ResolveRanges(std::string_view header, std::uint64_t size) {
  using Kind = RangeSet::Kind;
  const std::size_t equals = header.find('=');
  if (equals == std::string_view::npos || !EqualsIgnoreCase(Trim(header.substr(0, equals)), kUnit))
    return {};
  std::string_view list = header.substr(equals + 1);
  RangeSet set;
  std::size_t asked = 0;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    const auto spec = ParseSpec(item);
    if (!spec || ++asked > kMaxRanges) return {};
    // An empty file has a suffix, all of it, but Content-Range cannot express it.
    if (size == 0 && !spec->first && *spec->last > 0) return {};
    if (size == 0) continue;
    if (const auto part = Resolve(*spec, size)) set.parts.push_back(*part);
  }
  if (asked == 0 || Overlap(set.parts)) return {};
  set.kind = set.parts.empty() ? Kind::kUnsatisfiable : Kind::kParts;
  return set;
}

}  // namespace upgate::plugins::files
