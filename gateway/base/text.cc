#include "gateway/base/text.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace upgate {

std::string ToLower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = ToLower(c);
  return lower;
}

// Loops of its own: find_first_not_of makes a call for each character.
std::string_view Trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view NextListItem(std::string_view& list) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view item = Trim(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    if (!item.empty()) return item;
  }
  return {};
}

bool ListHasToken(std::string_view list, std::string_view token) {
  if (EqualsIgnoreCase(list, token)) return true;  // most lists have one element
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (EqualsIgnoreCase(item, token)) return true;
  }
  return false;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  // The last three rows of the table; the oldest one is for transposed letters.
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> before_that(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before_that, before);
    std::swap(before, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_that[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::size_t TypingDistance(std::string_view a, std::string_view b) {
  constexpr std::size_t kTooFar = 3;
  // The distance is at least the difference of the lengths, and computing it costs their product.
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= kTooFar) return kTooFar;
  if (std::ranges::count(a, '_') != std::ranges::count(b, '_')) return EditDistance(a, b);
  std::size_t distance = 0;
  for (;;) {
    const std::string_view word_a = a.substr(0, a.find('_'));
    const std::string_view word_b = b.substr(0, b.find('_'));
    const std::size_t of_words = EditDistance(word_a, word_b);
    if (of_words > (std::min(word_a.size(), word_b.size()) < 5 ? 1 : 2)) return kTooFar;
    distance += of_words;
    if (word_a.size() == a.size()) return distance;
    a.remove_prefix(word_a.size() + 1);
    b.remove_prefix(word_b.size() + 1);
  }
}

namespace {

void AppendEscaped(std::string& out, char c) {
  out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

}  // namespace

std::string Printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    const bool plain = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
    if (out.size() + (plain ? 1 : 4) > limit) return out + "...";
    if (plain) {
      out += c;
    } else {
      AppendEscaped(out, c);
    }
  }
  return out;
}

std::string WithoutControls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (IsControl(c)) {
      AppendEscaped(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace upgate
