#include "gateway/app/keep_limits.h"

#include <cstdint>
#include <memory>

#include "gateway/base/client_counts.h"
#include "gateway/base/client_rates.h"
#include "gateway/base/rate.h"
#include "gateway/base/shared_limit.h"
#include "gateway/base/shared_rate.h"

namespace upgate::app {
namespace {

using upgrade::Generation;
using upgrade::ListenerRecord;
using upgrade::RouteRecord;

// A limit of the record before; nullptr if there is none.
template <class Record, class Limit>
std::shared_ptr<Limit> LimitBefore(const Record* before, std::shared_ptr<Limit> Record::* limit) {
  return before != nullptr ? before->*limit : nullptr;
}

// Keeps the limit, with what counts against it, of the previous record. `Limit` is SharedLimit or
// ClientCounts; `most` 0: no limit.
template <class Limit>
std::shared_ptr<Limit> Bound(std::shared_ptr<Limit> before, std::uint64_t most,
                             Generation& generation) {
  const std::uint64_t bound = most == 0 ? Limit::kNone : most;
  if (!before) return std::make_shared<Limit>(bound);
  generation.renewals.emplace_back([before, bound] { before->SetMost(bound); });
  return before;
}

std::shared_ptr<SharedRate> RateOf(std::shared_ptr<SharedRate> before, const Rate& rate,
                                   Generation& generation) {
  if (!before) return std::make_shared<SharedRate>(rate);
  generation.renewals.emplace_back([before, rate] { before->SetRate(rate); });
  return before;
}

// Clients' buckets stay as full as they are if the rate is the same.
std::shared_ptr<ClientRates> RatesOf(const std::shared_ptr<ClientRates>& before, const Rate& rate) {
  if (!rate) return nullptr;
  return before && before->rate() == rate ? before : std::make_shared<ClientRates>(rate);
}

}  // namespace

void LimitConnections(ListenerRecord& record, const ListenerRecord* before,
                      Generation& generation) {
  const config::Listener& limits = *record.config;
  record.connections =
      Bound(LimitBefore(before, &ListenerRecord::connections), limits.connections, generation);
  record.by_client = Bound(LimitBefore(before, &ListenerRecord::by_client),
                           limits.connections_per_client, generation);
  record.accept_rate =
      RateOf(LimitBefore(before, &ListenerRecord::accept_rate), limits.accept_rate, generation);
}

void LimitClients(RouteRecord& record, const RouteRecord* before, Generation& generation) {
  const config::RouteLimits& limits = record.config->limits;
  record.sessions = Bound(LimitBefore(before, &RouteRecord::sessions), limits.sessions, generation);
  record.by_client =
      Bound(LimitBefore(before, &RouteRecord::by_client), limits.sessions_per_client, generation);
  record.handshake_rates =
      RatesOf(LimitBefore(before, &RouteRecord::handshake_rates), limits.handshakes);
  record.request_rates = RatesOf(LimitBefore(before, &RouteRecord::request_rates), limits.requests);
}

}  // namespace upgate::app
