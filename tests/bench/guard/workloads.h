#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace upgate::bench {

// Something that always does exactly the same, in memory. `counted` runs the part of it that
// counts; what is before and after it sets up and checks. A wrong outcome ends the program.
struct Workload {
  std::string_view name;
  void (*run)(const std::function<void(const std::function<void()>&)>& counted);
};

std::span<const Workload> Workloads();

}  // namespace upgate::bench
