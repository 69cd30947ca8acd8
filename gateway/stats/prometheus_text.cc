#include "gateway/stats/prometheus_text.h"

#include <cstdint>

#include <fmt/format.h>

namespace upgate::stats {

std::string Label(std::string_view name, std::string_view value) {
  std::string label = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '\\' || c == '"') label += '\\';
    if (c == '\n') {
      label += "\\n";
    } else {
      label += c;
    }
  }
  return label + '"';
}

void PrometheusText::Family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusText::Sample(std::string_view labels, const Histogram& histogram,
                            const Scale& scale) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    count += histogram.bucket(i);
    if (i < scale.first || i > scale.last) continue;
    const double bound = static_cast<double>(Histogram::UpperBound(i)) * scale.unit;
    Line("_bucket", fmt::format("{},le=\"{:.6g}\"", labels, bound), fmt::to_string(count));
  }
  // From the same reading as the buckets, because other threads may be recording.
  Line("_bucket", fmt::format("{},le=\"+Inf\"", labels), fmt::to_string(count));
  Line("_sum", labels, fmt::to_string(static_cast<double>(histogram.sum()) * scale.unit));
  Line("_count", labels, fmt::to_string(count));
}

void PrometheusText::Line(std::string_view suffix, std::string_view labels,
                          std::string_view value) {
  if (labels.empty()) {
    text_ += fmt::format("{}{} {}\n", name_, suffix, value);
  } else {
    text_ += fmt::format("{}{}{{{}}} {}\n", name_, suffix, labels, value);
  }
}

}  // namespace upgate::stats
