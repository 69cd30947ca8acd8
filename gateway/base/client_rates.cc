#include "gateway/base/client_rates.h"

#include <algorithm>
#include <new>
#include <type_traits>

namespace upgate {

ClientRates::ClientRates(const Rate& rate)
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): see the header
    : rate_(rate), sets_(static_cast<Set*>(std::calloc(kSets, sizeof(Set)))) {
  static_assert(std::is_trivially_copyable_v<Set> && std::is_trivially_destructible_v<Set>);
  if (!sets_) throw std::bad_alloc();
}

double ClientRates::TakeOne(const ClientKey& key, double now) {
  const std::size_t index = hash_(key) % kSets;
  const std::lock_guard lock(locks_[index % kLocks]);
  Set& set = sets_[index];
  auto place = std::ranges::find(set, key, &Place::key);
  if (place == set.end()) {
    place = std::ranges::min_element(set, {}, [](const Place& p) { return p.bucket.full(); });
    *place = {key, {}};
  }
  return place->bucket.TakeOne(rate_, now);
}

}  // namespace upgate
