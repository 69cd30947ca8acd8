#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace upgate::plugins::broadcast {

// Flow control between one loop's part of a room and each other loop, so that a loop that cannot
// keep up slows down the publishers on the others instead of accumulating their messages. The
// sender counts what it has posted; the receiver reports from time to time what it has delivered.
// Each loop keeps its own counts, and reports are messages like any other: nothing is shared.
//
// All numbers are sums of Cost().
class Lanes {
 public:
  // Publishers wait while more than kHighMark is in transit to any loop, until all lanes are down
  // to kLowMark.
  static constexpr std::size_t kHighMark = 256 * 1024;
  static constexpr std::size_t kLowMark = 64 * 1024;
  // Maximum that a receiver leaves unreported. Below kLowMark, so that publishers can always
  // continue once everything is delivered.
  static constexpr std::size_t kUnreported = 32 * 1024;
  static_assert(kUnreported < kLowMark && kLowMark < kHighMark);

  explicit Lanes(std::size_t loops) : posted_(loops), delivered_(loops) {}

  // Sender: counts a post to that loop, and a report from it. Report returns true if waiting
  // publishers may continue.
  void Post(std::size_t loop, std::size_t cost) {
    posted_[loop] += cost;
    full_ = full_ || posted_[loop] > kHighMark;
  }
  bool Report(std::size_t loop, std::size_t cost) {
    // A room that was created again gets reports for its predecessor's messages.
    posted_[loop] -= std::min(posted_[loop], cost);
    if (!full_ || std::ranges::max(posted_) > kLowMark) return false;
    full_ = false;
    return true;
  }
  bool full() const { return full_; }

  // Receiver: counts a delivery from that loop. Returns the amount to report to it now; 0: nothing
  // yet.
  std::size_t Deliver(std::size_t loop, std::size_t cost) {
    delivered_[loop] += cost;
    if (delivered_[loop] < kUnreported) return 0;
    return std::exchange(delivered_[loop], 0);
  }
  // Receiver: the unreported amount, to be reported before this object is destroyed.
  std::size_t TakeUnreported(std::size_t loop) { return std::exchange(delivered_[loop], 0); }

 private:
  std::vector<std::size_t> posted_;     // by loop: not reported as delivered yet
  std::vector<std::size_t> delivered_;  // by loop: not reported yet
  bool full_ = false;
};

}  // namespace upgate::plugins::broadcast
