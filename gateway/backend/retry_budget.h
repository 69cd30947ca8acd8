#pragma once

#include <algorithm>
#include <cstdint>

namespace upgate::backend {

// How many requests one loop may give to a second server: a fifth of those that come, so that
// retries cannot double the load when all servers fail. Starts with 10 retries, saves at most 100.
// On its loop's thread.
class RetryBudget {
 public:
  void OnRequest() { saved_ = std::min(saved_ + 1, kMost); }
  bool empty() const { return saved_ < kPrice; }
  // Requires !empty().
  void Spend() { saved_ -= kPrice; }

 private:
  static constexpr std::uint32_t kPrice = 5;  // requests for a retry
  static constexpr std::uint32_t kMost = 100 * kPrice;
  std::uint32_t saved_ = 10 * kPrice;
};

}  // namespace upgate::backend
