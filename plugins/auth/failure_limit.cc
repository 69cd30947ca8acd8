#include "plugins/auth/failure_limit.h"

#include <algorithm>

#include "gateway/base/address.h"

namespace upgate::plugins {

// IPv6 clients have a whole /64 to choose addresses from.
std::string FailureLimit::NetworkOf(std::string_view client) {
  constexpr std::size_t kNetworkBytes = 8;
  auto ip = Ip::Parse(client);
  if (!ip || ip->is_v4()) return std::string(client);
  return "v6:" + std::string(reinterpret_cast<const char*>(ip->bytes.data()), kNetworkBytes);
}

bool FailureLimit::IsReached(std::string_view client, io::Instant now) const {
  const std::string network = NetworkOf(client);
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(network);
  if (found == places_.end()) return false;
  const Entry& entry = *found->second;
  return entry.failures >= kMost && now < entry.since + kTime;
}

void FailureLimit::Count(std::string_view client, io::Instant now) {
  std::string network = NetworkOf(client);
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(network);
  if (found != places_.end()) {
    Entry& entry = *found->second;
    if (now >= entry.since + kTime) {
      entry.since = now;
      entry.failures = 0;
    }
    ++entry.failures;
    return entries_.splice(entries_.begin(), entries_, found->second);
  }
  if (entries_.size() >= kAddresses) {
    places_.erase(entries_.back().network);
    entries_.pop_back();
  }
  entries_.push_front({std::move(network), now, 1});
  places_.emplace(entries_.front().network, entries_.begin());
}

}  // namespace upgate::plugins
