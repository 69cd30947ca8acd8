#include "gateway/config/error.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

constexpr std::size_t kLongest = 60;

}  // namespace

std::string Excerpt(std::string_view text) {
  return Printable(text, kLongest);
}

std::string PathExcerpt(std::string_view path) {
  if (path.size() <= 2 * kLongest) return Printable(path, 2 * kLongest);
  return Excerpt(path) + Excerpt(path.substr(path.size() - kLongest));
}

std::string ToString(const std::string& file, const ConfigError& error) {
  std::string out = file;
  if (error.mark.line > 0) {
    if (!out.empty()) out += ':';
    out += fmt::format("{}:{}", error.mark.line, error.mark.column);
  }
  if (!out.empty()) out += ": ";
  if (!error.key.empty()) out += error.key + ": ";
  return out + error.message;
}

void SortByPlace(std::vector<ConfigError>& errors) {
  std::ranges::stable_sort(
      errors, {}, [](const auto& e) { return std::tie(e.mark.line, e.mark.column, e.key); });
}

void AppendAll(std::vector<ConfigError>& errors, std::vector<ConfigError> more) {
  std::ranges::move(more, std::back_inserter(errors));
}

bool HasErrorIn(const std::vector<ConfigError>& errors, const std::string& part) {
  return std::ranges::any_of(errors, [&](const ConfigError& error) {
    if (!error.key.starts_with(part)) return false;
    return error.key.size() == part.size() || error.key[part.size()] == '.' ||
           error.key[part.size()] == '[';
  });
}

}  // namespace upgate::config
