#include "gateway/net/name_cache.h"

#include <algorithm>
#include <utility>

namespace upgate::net {

NameCache::Found NameCache::Find(const std::string& name, io::Instant now) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {nullptr, true};
  Entry& entry = found->second;
  entry.used_at = now;
  const bool fails = entry.failure != nullptr && now - entry.failure_at < options_.failed;
  if (entry.addresses != nullptr && now - entry.addresses_at < options_.usable) {
    const bool fresh = now - entry.addresses_at < options_.fresh;
    return {entry.addresses, !fresh && !fails};
  }
  if (fails) return {entry.failure, false};
  return {nullptr, true};
}

void NameCache::Store(const std::string& name, NameAnswer answer, io::Instant now) {
  if (!entries_.contains(name)) MakeRoom();
  Entry& entry = entries_[name];
  entry.used_at = std::max(entry.used_at, now);
  if (answer->has_value()) {
    entry.addresses = std::move(answer);
    entry.addresses_at = now;
    entry.failure = nullptr;
  } else {
    entry.failure = std::move(answer);
    entry.failure_at = now;
  }
}

void NameCache::MakeRoom() {
  // A linear search is cheap compared with the lookup that was just made.
  while (entries_.size() >= options_.names && !entries_.empty()) {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.used_at; }));
  }
}

}  // namespace upgate::net
