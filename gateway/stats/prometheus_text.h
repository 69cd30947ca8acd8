#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/stats/stats.h"

namespace upgate::stats {

// One label as written between the braces, with escapes for characters that would end the value or
// the line.
std::string Label(std::string_view name, std::string_view value);

// The buckets of a histogram family: they must be the same for all its series and at all times, or
// sums over them would be wrong. `unit`: the value of one recorded unit in the unit of the family's
// name. Buckets from `first` to `last` are written.
struct Scale {
  double unit;
  std::size_t first;
  std::size_t last;
};

// Writes families of samples in Prometheus' text format, version 0.0.4; all samples of a family
// follow its HELP and TYPE. `labels` are none, or some that Label wrote, with commas between them.
class PrometheusText {
 public:
  // `name` must live until the family's last sample is written.
  void Family(std::string_view name, std::string_view type, std::string_view help);
  template <class Number>
  void Sample(std::string_view labels, Number value) {
    Line("", labels, fmt::to_string(value));
  }
  void Sample(std::string_view labels, const Histogram& histogram, const Scale& scale);
  std::string Take() { return std::move(text_); }

 private:
  void Line(std::string_view suffix, std::string_view labels, std::string_view value);

  std::string text_;
  std::string_view name_;
};

}  // namespace upgate::stats
