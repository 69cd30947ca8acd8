#include "plugins/broadcast/backlog.h"

#include <utility>

#include "plugins/broadcast/options.h"

namespace upgate::plugins::broadcast {

bool Backlog::Add(std::span<const plugin::Message> messages, std::size_t limit) {
  for (const plugin::Message& message : messages) {
    const std::size_t cost = Cost(message);
    if (!messages_.empty() && cost_ + cost > limit) return false;
    cost_ += cost;
    messages_.push_back(message);
  }
  return true;
}

std::vector<plugin::Message> Backlog::Take() {
  std::vector<plugin::Message> taken;
  std::size_t taken_cost = 0;
  while (!messages_.empty()) {
    const std::size_t cost = Cost(messages_.front());
    if (!taken.empty() && taken_cost + cost > kMostAtOnce) break;
    taken_cost += cost;
    cost_ -= cost;
    taken.push_back(std::move(messages_.front()));
    messages_.pop_front();
  }
  return taken;
}

}  // namespace upgate::plugins::broadcast
