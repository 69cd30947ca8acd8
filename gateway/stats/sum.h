#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "gateway/stats/stats.h"

namespace upgate::stats {

// Adds the current values of `from` to `to`, which the caller owns. Values that change concurrently
// are read before or after the change, each independently.
void AddTo(Traffic& to, const Traffic& from);
void AddTo(RouteStats& to, const RouteStats& from);
void AddTo(ServerStats& to, const ServerStats& from);
void AddTo(CompressionStats& to, const CompressionStats& from);
void AddTo(ListenerStats& to, const ListenerStats& from);
void AddTo(LoopStats& to, const LoopStats& from);

// The same with all loops of a row.
template <class Numbers>
void AddTo(Numbers& to, const Row<Numbers>& from) {
  for (const Numbers& loop : from.loops) AddTo(to, loop);
}

// What each row counts over its loops, in their order. Numbers are atomic and cannot be moved; in a
// deque they need not be.
template <class AnyRow>
std::deque<typename AnyRow::Numbers> TotalsOf(const std::vector<std::shared_ptr<AnyRow>>& rows) {
  std::deque<typename AnyRow::Numbers> totals;
  for (const auto& row : rows) AddTo(totals.emplace_back(), *row);
  return totals;
}

// How many values were recorded.
std::uint64_t CountOf(const Histogram& histogram);
// The number of buckets up to the last one that is not empty.
std::size_t UsedBuckets(const Histogram& histogram);
// An estimate of the quantile `q` (0 to 1) of the recorded values, as if values were distributed
// evenly within their bucket. 0 for an empty histogram.
std::uint64_t Quantile(const Histogram& histogram, double q);

}  // namespace upgate::stats
