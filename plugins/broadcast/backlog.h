#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "gateway/plugin/message.h"

namespace upgate::plugins::broadcast {

// The messages that wait for one subscriber whose socket is full. Shares them with everybody else
// who has them: a subscriber that waits costs pointers, and the messages themselves are kept once.
class Backlog {
 public:
  // Most that one Take gives, in cost, unless a single message is larger.
  static constexpr std::size_t kMostAtOnce = 64 * 1024;

  // False, with nothing promised about what is inside, when the messages would cost more than
  // `limit` together. The first one always fits.
  bool Add(std::span<const plugin::Message> messages, std::size_t limit);

  // The next ones in order, taken out; at least one, unless it is empty.
  std::vector<plugin::Message> Take();

  bool empty() const { return messages_.empty(); }
  std::size_t cost() const { return cost_; }

 private:
  std::deque<plugin::Message> messages_;
  std::size_t cost_ = 0;
};

}  // namespace upgate::plugins::broadcast
