#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "gateway/plugin/message.h"
#include "plugins/broadcast/options.h"

namespace upgate::plugins::broadcast {

// What waits for one subscriber whose socket is full. Shares it with everybody else who has it: a
// subscriber that waits costs pointers, and the messages themselves are kept once.
class Backlog {
 public:
  // The ledger outlives the backlog.
  explicit Backlog(io::MemoryLedger& ledger) : ledger_(ledger) {}

  // False, and nothing is added, when it would cost more than `limit` together. A single message
  // always fits where nothing waits.
  bool Add(const plugin::Batch& batch, std::size_t limit) {
    const std::size_t cost = Cost(batch);
    const bool alone = batches_.empty() && batch.messages().size() == 1;
    if (cost_ + cost > limit && !alone) return false;
    cost_ += cost;
    batch.Charge(ledger_);
    batches_.push_back(batch);
    return true;
  }

  // The next one in order; there is one.
  plugin::Batch Take() {
    plugin::Batch batch = std::move(batches_.front());
    batches_.pop_front();
    cost_ -= Cost(batch);
    return batch;
  }

  bool empty() const { return batches_.empty(); }
  std::size_t cost() const { return cost_; }

 private:
  io::MemoryLedger& ledger_;
  std::deque<plugin::Batch> batches_;
  std::size_t cost_ = 0;
};

}  // namespace upgate::plugins::broadcast
