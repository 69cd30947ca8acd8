#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace upgate::plugins::broadcast {

// One loop's account of a room's messages between it and each other loop, so that a loop that
// cannot keep up slows the publishers of the others down instead of piling their messages up. The
// sender counts what it has posted; the receiver reports, now and then, what it has delivered. Each
// loop has an account of its own, and the reports are messages like any other: nothing is shared.
//
// All numbers are sums of Cost().
class Lanes {
 public:
  // With more than kHighMark on the way to any one loop, publishers wait until no lane has more
  // than kLowMark.
  static constexpr std::size_t kHighMark = 256 * 1024;
  static constexpr std::size_t kLowMark = 64 * 1024;
  // What a receiver keeps to itself at most. Below kLowMark: when everything is delivered, the
  // sender has heard enough to go on.
  static constexpr std::size_t kUnreported = 32 * 1024;
  static_assert(kUnreported < kLowMark && kLowMark < kHighMark);

  explicit Lanes(std::size_t loops) : posted_(loops), delivered_(loops) {}

  // Sender: posted to that loop; and the loop's report. Report says true when publishers may go on
  // that had to wait.
  void Post(std::size_t loop, std::size_t cost) {
    posted_[loop] += cost;
    full_ = full_ || posted_[loop] > kHighMark;
  }
  bool Report(std::size_t loop, std::size_t cost) {
    // A room that is made anew hears of what the one before it has sent.
    posted_[loop] -= std::min(posted_[loop], cost);
    if (!full_ || std::ranges::max(posted_) > kLowMark) return false;
    full_ = false;
    return true;
  }
  bool full() const { return full_; }

  // Receiver: delivered what came from that loop. Gives what is to be reported to it now, 0 for
  // nothing yet.
  std::size_t Deliver(std::size_t loop, std::size_t cost) {
    delivered_[loop] += cost;
    if (delivered_[loop] < kUnreported) return 0;
    return std::exchange(delivered_[loop], 0);
  }
  // Receiver: what has not been reported, to be reported before this goes.
  std::size_t TakeUnreported(std::size_t loop) { return std::exchange(delivered_[loop], 0); }

 private:
  std::vector<std::size_t> posted_;     // by loop: not reported as delivered yet
  std::vector<std::size_t> delivered_;  // by loop: not reported yet
  bool full_ = false;
};

}  // namespace upgate::plugins::broadcast
