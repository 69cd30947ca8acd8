#include "gateway/base/client_rates.h"

#include <algorithm>

namespace upgate {

ClientRates::ClientRates(const Rate& rate) : rate_(rate), sets_(std::make_unique<Set[]>(kSets)) {}

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
