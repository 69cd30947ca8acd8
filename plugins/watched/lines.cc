#include "plugins/watched/lines.h"

#include <algorithm>

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

}  // namespace upgate::plugins
