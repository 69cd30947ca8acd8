#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace upgate::bench {

// A deterministic workload in memory. Only the part inside `counted` is counted; the rest is setup
// and verification. A wrong result ends the program.
struct Workload {
  std::string_view name;
  void (*run)(const std::function<void(const std::function<void()>&)>& counted);
};

std::span<const Workload> Workloads();

}  // namespace upgate::bench
