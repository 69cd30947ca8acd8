#include "gateway/config/yaml_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

// The length of the UTF-8 character at the front of `text`, 0 if it is invalid (RFC 3629, section
// 4).
std::size_t CharacterLength(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool surrogate = lead == 0xed && at(1) > 0x9f;
  const bool beyond = lead == 0xf4 && at(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

// ASCII characters that YAML does not allow (YAML 1.2, section 5.1).
bool IsUnprintable(char c) {
  return IsControl(c) && c != '\t' && c != '\n' && c != '\r';
}

std::string_view LineOf(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace

Mark MarkAt(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t column =
      newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1, static_cast<int>(column) + 1};
}

std::optional<ConfigError> FindBadCharacter(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = CharacterLength(text.substr(i));
    if (length == 0) {
      return ConfigError{MarkAt(text, i), "",
                         fmt::format("the octet 0x{:02x} is not UTF-8; save the file as UTF-8",
                                     static_cast<unsigned char>(text[i]))};
    }
    if (IsUnprintable(text[i])) {
      return ConfigError{
          MarkAt(text, i), "",
          fmt::format("the control character 0x{:02x} is not allowed in a configuration; remove it",
                      static_cast<unsigned char>(text[i]))};
    }
    i += length;
  }
  return {};
}

bool IsUnclosedQuote(std::string_view text, std::size_t offset) {
  if (offset >= text.size() || (text[offset] != '\'' && text[offset] != '"')) return false;
  const char quote = text[offset];
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      if (quote == '"' || i + 1 == text.size() || text[i + 1] != quote) return false;
      ++i;  // '' inside single quotes
    }
  }
  return true;
}

std::string_view SyntaxHint(std::string_view text, Mark mark, std::string_view complaint) {
  const std::string_view line = LineOf(text, mark.line);
  const auto column = static_cast<std::size_t>(std::max(mark.column, 1)) - 1;
  const std::size_t content = line.find_first_not_of(" \t");
  if (line.substr(0, content).find('\t') != std::string_view::npos)
    return "; indent with spaces, not with tabs";
  const std::string_view here = column < line.size() ? line.substr(column) : std::string_view{};
  if (here.starts_with("{") && column > 0 && line[column - 1] == '$') {
    return R"(; between [ ] or { } a variable needs quotes, as in "${NAME}")";
  }
  if (here.starts_with("*") || (column > 0 && line.substr(column - 1).starts_with("*"))) {
    return R"(; a value that begins with '*' needs quotes, as in "*.example.org")";
  }
  if (line.find("[::") != std::string_view::npos) {
    return R"(; an address with [ ] needs quotes here, as in "[::]:8080")";
  }
  if (complaint == "end of map not found" || complaint == "end of sequence not found") {
    return "; the indentation of this line matches no enclosing level";
  }
  return {};
}

Mark OnItsLine(std::string_view text, Mark mark) {
  const auto longest = static_cast<int>(LineOf(text, mark.line).size()) + 1;
  return {mark.line, std::min(mark.column, longest)};
}

}  // namespace upgate::config
