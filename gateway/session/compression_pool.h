#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/io/memory.h"
#include "gateway/io/timers.h"
#include "gateway/stats/stats.h"
#include "gateway/ws/deflate.h"

namespace upgate::session {

// The deflaters and inflaters of one loop. Sessions without context takeover borrow one for each
// message and share a few; others keep theirs until they end. Unused ones stay available for some
// seconds. On its loop's thread.
class CompressionPool final : private io::Timer::Owner {
 public:
  // `memory`: the limit on what all sessions of the loop may reserve, in bytes; unused deflaters
  // and inflaters do not count. What is borrowed outlives the pool, and the pool outlives its
  // borrowers.
  CompressionPool(io::Timers& timers, io::MemoryLedger& ledger, std::uint64_t memory,
                  stats::CompressionStats& stats);
  ~CompressionPool();

  // Sets a new limit, in bytes. Existing reservations stay.
  void SetMemory(std::uint64_t memory) { memory_ = memory; }

  // Reserves `bytes` for a session; returns false if the limit would be exceeded. Release ends it.
  bool Reserve(std::size_t bytes);
  void Release(std::size_t bytes);

  // In their initial state. GiveBack returns them.
  std::unique_ptr<ws::Deflater> TakeDeflater(std::uint8_t window_bits, int level);
  std::unique_ptr<ws::Inflater> TakeInflater(std::uint8_t window_bits);
  void GiveBack(std::unique_ptr<ws::Deflater> deflater);
  void GiveBack(std::unique_ptr<ws::Inflater> inflater);

  // How many unused ones of each kind are kept, and for how long.
  static constexpr std::size_t kMostReady = 8;
  static constexpr io::Millis kReadyFor{5'000};

 private:
  template <class Context>
  struct Ready {
    std::unique_ptr<Context> context;
    io::Instant since;
  };
  template <class Context>
  using Shelf = std::vector<Ready<Context>>;  // most recently used last

  template <class Context>
  void Put(std::unique_ptr<Context> context, Shelf<Context>& shelf);
  template <class Context>
  void Expire(Shelf<Context>& shelf);
  void OnTimer(io::Timer& timer) override;
  stats::Counter& CountOf(const ws::Deflater&) { return stats_.deflaters; }
  stats::Counter& CountOf(const ws::Inflater&) { return stats_.inflaters; }
  template <class Context>
  void Born(const Context& context);
  template <class Context>
  void Gone(const Context& context);

  std::uint64_t memory_;
  std::uint64_t reserved_ = 0;
  io::MemoryCharge charge_;  // for all existing ones
  stats::CompressionStats& stats_;
  Shelf<ws::Deflater> deflaters_;
  Shelf<ws::Inflater> inflaters_;
  io::Timers& timers_;
  io::Timer timer_;
};

}  // namespace upgate::session
