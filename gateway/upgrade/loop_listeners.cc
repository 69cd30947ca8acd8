#include "gateway/upgrade/loop_listeners.h"

#include <utility>

namespace upgate::upgrade {

std::unique_ptr<LoopListeners::Entry> LoopListeners::MakeEntry(
    const Generation& generation, const std::shared_ptr<const ListenerRecord>& record) {
  SharedCounts& counts = gateway_.shared().counts;
  http::ClientPlaces& places =
      places_.emplace_back(record->name,
                           http::ClientPlaces::Limits{.connections = record->connections.get(),
                                                      .descriptors = &counts.descriptors,
                                                      .process_limit = &counts.process_limit},
                           record->row->loops[index_], gateway_.shared().log, record);
  auto entry = std::make_unique<Entry>();
  entry->port = std::make_unique<Port>(gateway_, record, places);
  entry->front = std::make_unique<http::Front>(gateway_.loop(), generation.http, record->tls,
                                               scratch_, *entry->port, places);
  return entry;
}

void LoopListeners::Adopt(const Generation& generation) {
  for (const std::shared_ptr<const ListenerRecord>& record : generation.listeners)
    entries_.push_back(MakeEntry(generation, record));
}

Result<SocketAddress> LoopListeners::Listen(std::size_t listener, const SocketAddress& address,
                                            const io::ListenOptions& options) {
  return entries_[listener]->front->Listen(address, options);
}

void LoopListeners::Drain(std::function<void()> empty) {
  empty_ = std::move(empty);
  not_empty_ = entries_.size();
  for (auto& entry : entries_) {
    entry->front->Drain([this] {
      if (--not_empty_ == 0) empty_();
    });
  }
}

void LoopListeners::Abandon() {
  for (auto& entry : entries_) entry->front->Abandon();
}

}  // namespace upgate::upgrade
