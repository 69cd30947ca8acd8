#include "gateway/stats/sum.h"

#include <cmath>

namespace upgate::stats {
namespace {

void AddTo(Counter& to, const Counter& from) {
  to.Add(from.Get());
}

template <std::size_t n>
void AddTo(std::array<Counter, n>& to, const std::array<Counter, n>& from) {
  for (std::size_t i = 0; i < n; ++i) to[i].Add(from[i].Get());
}

void AddTo(BothWays& to, const BothWays& from) {
  AddTo(to.in, from.in);
  AddTo(to.out, from.out);
}

void AddTo(MemoryStats& to, const MemoryStats& from) {
  AddTo(to.waiting, from.waiting);
  AddTo(to.waits, from.waits);
  AddTo(to.refusals, from.refusals);
}

}  // namespace

void AddTo(Traffic& to, const Traffic& from) {
  for (const auto counter :
       {&Traffic::text_messages, &Traffic::binary_messages, &Traffic::bytes, &Traffic::frames,
        &Traffic::pings, &Traffic::pongs, &Traffic::closes, &Traffic::compressed_messages,
        &Traffic::compressed_bytes, &Traffic::inflated_bytes, &Traffic::rate_waits}) {
    AddTo(to.*counter, from.*counter);
  }
  to.message_size.Add(from.message_size);
}

void AddTo(RouteStats& to, const RouteStats& from) {
  AddTo(to.requests, from.requests);
  AddTo(to.handshakes, from.handshakes);
  AddTo(to.refusals, from.refusals);
  AddTo(to.resolutions, from.resolutions);
  AddTo(to.auth, from.auth);
  AddTo(to.sessions_open, from.sessions_open);
  AddTo(to.sessions_total, from.sessions_total);
  AddTo(to.sessions_by_dialect, from.sessions_by_dialect);
  AddTo(to.sessions_compressed, from.sessions_compressed);
  AddTo(to.compression_declined, from.compression_declined);
  AddTo(static_cast<BothWays&>(to), from);
  AddTo(to.close_codes.standard, from.close_codes.standard);
  AddTo(to.close_codes.library, from.close_codes.library);
  AddTo(to.close_codes.application, from.close_codes.application);
  to.handshake_us.Add(from.handshake_us);
}

void AddTo(ServerStats& to, const ServerStats& from) {
  for (const auto counter :
       {&ServerStats::connects, &ServerStats::connect_failures, &ServerStats::connect_timeouts,
        &ServerStats::retries, &ServerStats::sessions_open, &ServerStats::sessions_total,
        &ServerStats::bytes_sent, &ServerStats::bytes_received, &ServerStats::sessions_compressed,
        &ServerStats::compression_declined}) {
    AddTo(to.*counter, from.*counter);
  }
  AddTo(static_cast<BothWays&>(to), from);
  to.connect_us.Add(from.connect_us);
}

void AddTo(ListenerStats& to, const ListenerStats& from) {
  for (const auto counter :
       {&ListenerStats::connections_open, &ListenerStats::connections_total,
        &ListenerStats::requests, &ListenerStats::responses_1xx, &ListenerStats::responses_2xx,
        &ListenerStats::responses_3xx, &ListenerStats::responses_4xx, &ListenerStats::responses_5xx,
        &ListenerStats::connection_errors, &ListenerStats::connections_refused}) {
    AddTo(to.*counter, from.*counter);
  }
  AddTo(to.turned_away, from.turned_away);
  AddTo(to.accept_pauses, from.accept_pauses);
  AddTo(to.tls_failures, from.tls_failures);
  AddTo(to.proxy_refusals, from.proxy_refusals);
}

void AddTo(CompressionStats& to, const CompressionStats& from) {
  for (const auto counter : {&CompressionStats::deflaters, &CompressionStats::inflaters,
                             &CompressionStats::memory_bytes, &CompressionStats::reserved_bytes}) {
    AddTo(to.*counter, from.*counter);
  }
}

void AddTo(LoopStats& to, const LoopStats& from) {
  AddTo(to.unrouted, from.unrouted);
  AddTo(to.compression, from.compression);
  AddTo(to.memory, from.memory);
}

std::uint64_t CountOf(const Histogram& histogram) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) count += histogram.bucket(i);
  return count;
}

std::size_t UsedBuckets(const Histogram& histogram) {
  std::size_t used = Histogram::kBuckets;
  while (used > 0 && histogram.bucket(used - 1) == 0) --used;
  return used;
}

std::uint64_t Quantile(const Histogram& histogram, double q) {
  const double rank = q * static_cast<double>(CountOf(histogram));
  double below = 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < UsedBuckets(histogram); ++i) {
    const auto here = static_cast<double>(histogram.bucket(i));
    if (here == 0) continue;
    const std::uint64_t upper = Histogram::UpperBound(i);
    const std::uint64_t lower = i == 0 ? 0 : Histogram::UpperBound(i - 1) + 1;
    value = upper;
    if (below + here >= rank) {
      const double share = (rank - below) / here;
      return lower +
             static_cast<std::uint64_t>(std::llround(share * static_cast<double>(upper - lower)));
    }
    below += here;
  }
  return value;
}

}  // namespace upgate::stats
