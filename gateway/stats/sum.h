#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "gateway/stats/stats.h"

namespace upgate::stats {

// Adds what `from` counts now to `to`, which belongs to the caller. Numbers that change meanwhile
// are taken before or after the change, each for itself.
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
// How many buckets there are up to the last one that is not empty.
std::size_t UsedBuckets(const Histogram& histogram);
// An estimate of the value that the share `q` (0 to 1) of the recorded ones does not pass, as if
// values lay evenly within their bucket. 0 for an empty histogram.
std::uint64_t Quantile(const Histogram& histogram, double q);

}  // namespace upgate::stats
