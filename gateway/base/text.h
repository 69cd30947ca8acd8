#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace upgate {

// ASCII-only text functions, independent of the locale.

constexpr char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAlpha(char c) {
  return ToLower(c) >= 'a' && ToLower(c) <= 'z';
}
constexpr bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
std::string ToLower(std::string_view text);

inline bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && ToLower(a[i]) != ToLower(b[i])) return false;
  }
  return true;
}

// Removes spaces and tabs at both ends (RFC 9110, section 5.6.3: OWS).
std::string_view Trim(std::string_view text);

// Removes the next element from the front of a comma-separated list (RFC 9110, section 5.6.1) and
// returns it trimmed; empty elements are skipped. Returns an empty view at the end of the list. Not
// for lists whose elements may contain quoted commas.
std::string_view NextListItem(std::string_view& list);

// The elements of a range, anything that a string can be appended with, with `separator` between
// them.
template <class Range>
std::string Join(const Range& range, std::string_view separator) {
  std::string joined;
  bool first = true;
  for (const auto& element : range) {
    if (!first) joined += separator;
    joined += element;
    first = false;
  }
  return joined;
}

// True if `token` is an element of the comma-separated `list`, ignoring case.
bool ListHasToken(std::string_view list, std::string_view token);

// The candidate nearest to `word`: one with more or fewer words joined by '_' ("idle_timeout" for
// "idle"), else by edit distance; an empty view if none is close enough to be a typing error.
template <class Range>
std::string_view NearestOf(std::string_view word, const Range& candidates);

std::size_t EditDistance(std::string_view a, std::string_view b);
// The same for names of words joined by '_', or more than 2 if one cannot be the other mistyped:
// short words are only a few letters away from almost any other.
std::size_t TypingDistance(std::string_view a, std::string_view b);

// True if `longer` is `shorter` followed by '_' and more words.
constexpr bool HasMoreWords(std::string_view longer, std::string_view shorter) {
  return !shorter.empty() && longer.size() > shorter.size() && longer.starts_with(shorter) &&
         longer[shorter.size()] == '_';
}

// True if `longer` is another form of `shorter`, as "warning" is of "warn".
constexpr bool IsLongerForm(std::string_view longer, std::string_view shorter) {
  return shorter.size() >= 4 && longer.size() <= shorter.size() + 3 && longer.starts_with(shorter);
}

template <class Range>
std::string_view NearestOf(std::string_view word, const Range& candidates) {
  for (std::string_view candidate : candidates) {
    if (HasMoreWords(word, candidate) || HasMoreWords(candidate, word)) return candidate;
  }
  for (std::string_view candidate : candidates) {
    if (IsLongerForm(word, candidate)) return candidate;
  }
  std::string_view best;
  std::size_t best_distance = 3;
  for (std::string_view candidate : candidates) {
    const std::size_t distance = TypingDistance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

// `text` with everything that could break a log line or a terminal (control characters, DEL,
// non-ASCII, quotes, backslash) as \xHH, truncated at `limit` characters, with "..." if truncated.
std::string Printable(std::string_view text, std::size_t limit = 200);

// The same without truncation and with only control characters and DEL escaped, for a message that
// quotes user input.
std::string WithoutControls(std::string_view text);

}  // namespace upgate
