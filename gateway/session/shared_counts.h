#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace upgate::session {

// Open sessions of every route over all loops, for limits.sessions. Touched only by routes that
// have the limit. Thread-safe.
class SharedCounts {
 public:
  explicit SharedCounts(std::size_t routes) : open_(routes) {}

  // False, and nothing changed, when `limit` sessions are open already.
  bool TryAdd(std::size_t route, std::uint64_t limit) {
    std::uint64_t open = open_[route].load(std::memory_order_relaxed);
    while (open < limit) {
      if (open_[route].compare_exchange_weak(open, open + 1, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  void Remove(std::size_t route) { open_[route].fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::vector<std::atomic<std::uint64_t>> open_;
};

}  // namespace upgate::session
