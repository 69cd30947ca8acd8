#include "gateway/upgrade/loop_listeners.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace upgate::upgrade {
namespace {

// Parts of the record, which they keep.
http::Front::Entry EntryOf(const std::shared_ptr<const ListenerRecord>& record) {
  const config::Listener& listener = *record->config;
  http::Front::Entry entry;
  if (listener.proxy_protocol) entry.proxies = {record, &listener.trusted_proxies};
  if (!listener.access.empty()) entry.access = {record, &listener.access};
  if (!listener.proxy_protocol && !listener.trusted_proxies.empty())
    entry.uncounted = {record, &listener.trusted_proxies};
  return entry;
}

}  // namespace

LoopListeners::~LoopListeners() = default;

std::unique_ptr<LoopListeners::Entry> LoopListeners::MakeEntry(
    const Generation& generation, const std::shared_ptr<const ListenerRecord>& record) {
  SharedCounts& counts = gateway_.shared().counts;
  http::ClientPlaces& places =
      places_.emplace_back(record->name,
                           http::ClientPlaces::Limits{.connections = record->connections.get(),
                                                      .descriptors = &counts.descriptors,
                                                      .process_limit = &counts.process_limit,
                                                      .proxy_lines = &counts.proxy_refusals,
                                                      .by_client = record->by_client.get(),
                                                      .rate = record->accept_rate.get(),
                                                      .overload = &counts.overload,
                                                      .loop = index_},
                           record->row->loops[index_], gateway_.shared().log, record);
  auto entry = std::make_unique<Entry>();
  entry->places = &places;
  entry->port = std::make_unique<Port>(gateway_, record, places);
  entry->front = std::make_unique<http::Front>(gateway_.loop(), generation.http, record->tls,
                                               EntryOf(record), scratch_, *entry->port, places);
  return entry;
}

bool LoopListeners::Adopt(const Generation& generation) {
  std::map<std::string, std::unique_ptr<Entry>> before;
  for (auto& entry : entries_) before.emplace(entry->port->listener().name, std::move(entry));
  entries_.clear();
  for (const std::shared_ptr<const ListenerRecord>& record : generation.listeners) {
    const auto known = before.find(record->name);
    if (known == before.end()) {
      entries_.push_back(MakeEntry(generation, record));
      continue;
    }
    entries_.push_back(std::move(known->second));
    before.erase(known);
    entries_.back()->port->SetListener(record);
    entries_.back()->front->Update(generation.http, record->tls, EntryOf(record));
  }
  const bool any_gone = !before.empty();
  for (auto& [name, entry] : before) Retire(std::move(entry));
  places_.remove_if([](const http::ClientPlaces& p) { return p.retired() && p.unused(); });
  return any_gone;
}

Result<SocketAddress> LoopListeners::Listen(std::size_t listener, const SocketAddress& address,
                                            const io::ListenOptions& options) {
  return entries_[listener]->front->Listen(address, options);
}

Result<SocketAddress> LoopListeners::Listen(std::size_t listener,
                                            std::unique_ptr<io::BoundSocket> socket) {
  return entries_[listener]->front->Listen(std::move(socket));
}

void LoopListeners::Retire(std::unique_ptr<Entry> entry) {
  Entry& gone = *retired_.emplace_back(std::move(entry));
  gone.places->Retire();
  gone.front->Drain([this, &gone] { OnRetiredEmpty(gone); });
}

void LoopListeners::OnRetiredEmpty(Entry& entry) {
  const auto it = std::ranges::find(retired_, &entry, &std::unique_ptr<Entry>::get);
  gateway_.loop().turn.DeferDelete(std::move(*it));
  retired_.erase(it);
  if (empty_) empty_();
}

void LoopListeners::Drain(std::function<void()> empty) {
  empty_ = std::move(empty);
  for (auto& entry : entries_) entry->front->Drain(empty_);
}

bool LoopListeners::empty() const {
  return retired_.empty() && std::ranges::all_of(entries_, [](const auto& entry) {
           return entry->front->connections() == 0;
         });
}

void LoopListeners::Abort() {
  for (auto& entry : entries_) entry->front->Abort();
  // Aborting the last connection removes an entry from the list.
  while (!retired_.empty()) {
    const std::size_t left = retired_.size();
    retired_.back()->front->Abort();
    if (retired_.size() == left) break;
  }
}

}  // namespace upgate::upgrade
