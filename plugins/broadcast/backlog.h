#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "gateway/plugin/message.h"
#include "plugins/broadcast/options.h"

namespace upgate::plugins::broadcast {

// The messages that wait for one subscriber whose socket is full. Messages are shared: a waiting
// subscriber costs pointers, and each message is stored once.
class Backlog {
 public:
  // The ledger must outlive the backlog.
  explicit Backlog(io::MemoryLedger& ledger) : ledger_(ledger) {}

  // False, and nothing is added, if the total cost would exceed `limit`. A single message always
  // fits into an empty backlog.
  bool Add(const plugin::Batch& batch, std::size_t limit) {
    const std::size_t cost = Cost(batch);
    const bool alone = batches_.empty() && batch.messages().size() == 1;
    if (cost_ + cost > limit && !alone) return false;
    cost_ += cost;
    batch.Charge(ledger_);
    batches_.push_back(batch);
    return true;
  }

  // Removes and returns the next one; the backlog must not be empty.
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
