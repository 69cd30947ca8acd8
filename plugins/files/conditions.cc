#include "plugins/files/conditions.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "plugins/files/http_date.h"

namespace upgate::plugins::files {
namespace {

// A file modified just now may be modified again without a new timestamp, because file systems have
// coarse clocks.
constexpr std::int64_t kSettledAfter = 2;

// Reproducible archives and images give every file the same timestamp, 0 or 1, which says nothing
// about its version.
constexpr std::int64_t kLatestStamp = 1;

enum class Comparison : std::uint8_t { kStrong, kWeak };

struct EntityTag {
  bool weak = false;
  std::string_view opaque;  // with its quotes

  // RFC 9110, section 8.8.3.2.
  bool Matches(const EntityTag& other, Comparison comparison) const {
    if (comparison == Comparison::kStrong && (weak || other.weak)) return false;
    return opaque == other.opaque;
  }
};

// Removes a tag from the front; nullopt if there is none. Commas inside the quotes are ordinary
// characters.
std::optional<EntityTag> TakeTag(std::string_view& text) {
  std::string_view rest = text;
  EntityTag tag;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return {};
  const std::size_t end = rest.find('"', 1);
  if (end == std::string_view::npos) return {};
  tag.opaque = rest.substr(0, end + 1);
  text = rest.substr(end + 1);
  return tag;
}

std::optional<EntityTag> WholeTag(std::string_view text) {
  text = Trim(text);
  const auto tag = TakeTag(text);
  return text.empty() ? tag : std::nullopt;
}

// True if the list has the current tag, or is "*". Parsing stops at a malformed element.
bool ListMatches(std::string_view list, const std::string& current, Comparison comparison) {
  if (Trim(list) == "*") return true;
  const auto ours = WholeTag(current);
  if (!ours) return false;
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const auto tag = TakeTag(list);
    if (!tag) return false;
    list = Trim(list);
    if (!list.empty() && !list.starts_with(',')) return false;
    if (tag->Matches(*ours, comparison)) return true;
  }
}

// The date of a header that must not be repeated; an invalid date is ignored.
std::optional<std::int64_t> DateOf(const http::Headers& headers, std::string_view name,
                                   std::int64_t now) {
  if (headers.Count(name) != 1) return {};
  return ParseHttpDate(Trim(*headers.Find(name)), now);
}

}  // namespace

// Size and time in nanoseconds, but not the inode: several gateways that serve copies of one folder
// should produce the same tag. The tag is strong once the timestamp has settled: a later change
// that restores both is meant to look unchanged.
Validators ValidatorsOf(const OpenFile& file, std::string_view variant, std::int64_t now) {
  if (file.modified_s <= kLatestStamp) return {};
  const bool settled = now - file.modified_s >= kSettledAfter;
  Validators validators;
  validators.etag = fmt::format("{}\"{:x}-{:x}-{:x}{}{}\"", settled ? "" : "W/", file.size,
                                static_cast<std::uint64_t>(file.modified_s), file.modified_ns,
                                variant.empty() ? "" : "-", variant);
  // Last-Modified must not be later than Date (RFC 9110, section 8.8.2.1).
  if (file.modified_s <= now) validators.last_modified = file.modified_s;
  return validators;
}

Verdict EvaluateConditions(const http::Headers& headers, const Validators& current,
                           std::int64_t now) {
  if (headers.Find("if-match") != nullptr) {
    if (!ListMatches(headers.Joined("if-match"), current.etag, Comparison::kStrong))
      return Verdict::kPreconditionFailed;
  } else if (const auto date = DateOf(headers, "if-unmodified-since", now)) {
    if (current.last_modified && *current.last_modified > *date)
      return Verdict::kPreconditionFailed;
  }
  if (headers.Find("if-none-match") != nullptr) {
    if (ListMatches(headers.Joined("if-none-match"), current.etag, Comparison::kWeak))
      return Verdict::kNotModified;
  } else if (const auto date = DateOf(headers, "if-modified-since", now)) {
    if (current.last_modified && *current.last_modified <= *date) return Verdict::kNotModified;
  }
  return Verdict::kServe;
}

bool IfRangeHolds(const http::Headers& headers, const Validators& current, std::int64_t now) {
  const std::string* condition = headers.Find("if-range");
  if (condition == nullptr) return true;
  if (headers.Count("if-range") != 1) return false;
  if (const auto tag = WholeTag(*condition)) {
    const auto ours = WholeTag(current.etag);
    return ours && tag->Matches(*ours, Comparison::kStrong);
  }
  // Only for exactly the date that was sent, and only if it is strong (RFC 9110, section 8.8.2.2).
  const auto date = DateOf(headers, "if-range", now);
  return date && current.last_modified == date && now - *date >= kSettledAfter;
}

}  // namespace upgate::plugins::files
