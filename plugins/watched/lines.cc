#include "plugins/watched/lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {

std::string_view Lines::Next() {
  while (!rest_.empty()) {
    ++number_;
    std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = Trim(line);
    if (!line.empty() && !line.starts_with('#')) return line;
  }
  return {};
}

void LineFaults::Add(std::size_t number, std::string_view what) {
  if (++count_ > kMost) return;
  text_.append(text_.empty() ? "" : "; ").append(fmt::format("line {} {}", number, what));
}

std::string LineFaults::ToString() const {
  return count_ > kMost ? fmt::format("{}; and {} more", text_, count_ - kMost) : text_;
}

}  // namespace upgate::plugins
