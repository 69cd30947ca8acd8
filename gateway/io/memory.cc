#include "gateway/io/memory.h"

#include <cassert>

namespace upgate::io {

MemoryHolder::MemoryHolder(MemoryLedger& ledger)
    : ledger_(ledger), next_(ledger.first_), link_(&ledger.first_) {
  if (next_ != nullptr) next_->link_ = &next_;
  ledger.first_ = this;
  // The total is updated with the next change: nobody may look at a holder under construction.
  ledger.held_ += static_cast<std::int64_t>(kBaseBytes);
}

MemoryHolder::~MemoryHolder() {
  Leave();
}

void MemoryHolder::Leave() {
  if (link_ == nullptr) return;
  if (standing_ == Standing::kWaiting && ledger_.watcher_ != nullptr)
    ledger_.watcher_->OnWaitingGone();
  *link_ = next_;
  if (next_ != nullptr) next_->link_ = link_;
  link_ = nullptr;
  ledger_.Change(-static_cast<std::int64_t>(kBaseBytes));
}

MemoryLedger::~MemoryLedger() {
  assert(first_ == nullptr && "the ledger outlives its holders");
  watcher_ = nullptr;
  Publish();
}

void MemoryLedger::Join(MemoryTotal& total) {
  total_ = &total;
  Publish();
}

SharedMemoryCharge MemoryLedger::Share(std::size_t bytes) {
  SharedMemoryCharge charge(total_, bytes);
  shared_ += static_cast<std::int64_t>(bytes);
  if (shared_ >= kDrift) Publish();
  return charge;
}

void MemoryLedger::Publish() {
  if (total_ == nullptr) return;
  const bool grew = held_ > published_ || shared_ > 0;
  total_->Change(held_ - std::exchange(published_, held_));
  shared_ = 0;
  if (watcher_ != nullptr) watcher_->OnMemoryChanged(grew);
}

}  // namespace upgate::io
