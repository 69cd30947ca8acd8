#pragma once

#include <cstdint>

#include "gateway/stats/stats.h"

namespace upgate::stats {

// Adds the current values of `from` to `to`, which the caller owns. Values that change concurrently
// are read before or after the change, each independently.
void AddTo(Traffic& to, const Traffic& from);
void AddTo(RouteStats& to, const RouteStats& from);
void AddTo(ServerStats& to, const ServerStats& from);
void AddTo(CompressionStats& to, const CompressionStats& from);
void AddTo(ListenerStats& to, const ListenerStats& from);
// Both must have the same number of listeners, routes and servers.
void AddTo(LoopStats& to, const LoopStats& from);

// The number of recorded values.
std::uint64_t CountOf(const Histogram& histogram);
// The number of buckets up to the last one that is not empty.
std::size_t UsedBuckets(const Histogram& histogram);
// An estimate of the quantile `q` (0 to 1) of the recorded values, as if values were distributed
// evenly within their bucket. 0 for an empty histogram.
std::uint64_t Quantile(const Histogram& histogram, double q);

}  // namespace upgate::stats
