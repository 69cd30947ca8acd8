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

// The deflaters and inflaters of one loop. Sessions whose messages stand by themselves borrow one
// for a message and share a few; others keep theirs until they end. A few that nobody uses are kept
// ready for some seconds. On its loop's thread.
class CompressionPool final : private io::Timer::Owner {
 public:
  // `memory`: what all sessions of the loop together may come to hold, in bytes; what is kept ready
  // is not counted. Borrowed things outlive the pool, and the pool outlives whoever borrows from
  // it.
  CompressionPool(io::Timers& timers, io::MemoryLedger& ledger, std::uint64_t memory,
                  stats::CompressionStats& stats);
  ~CompressionPool();

  // A new bound; what is set aside already stays.
  void SetMemory(std::uint64_t memory) { memory_ = memory; }

  // Sets memory aside for what a session may come to hold; false when there is not enough left.
  bool Reserve(std::size_t bytes);
  void Release(std::size_t bytes);

  // Fresh ones.
  std::unique_ptr<ws::Deflater> TakeDeflater(std::uint8_t window_bits, int level);
  std::unique_ptr<ws::Inflater> TakeInflater(std::uint8_t window_bits);
  void GiveBack(std::unique_ptr<ws::Deflater> deflater);
  void GiveBack(std::unique_ptr<ws::Inflater> inflater);

  // Of each kind, that are kept ready at most.
  static constexpr std::size_t kMostReady = 8;
  static constexpr io::Millis kReadyFor{5'000};

 private:
  template <class Context>
  struct Ready {
    std::unique_ptr<Context> context;
    io::Instant since;
  };
  template <class Context>
  using Shelf = std::vector<Ready<Context>>;  // the latest at the end

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
  io::MemoryCharge charge_;  // of all there are
  stats::CompressionStats& stats_;
  Shelf<ws::Deflater> deflaters_;
  Shelf<ws::Inflater> inflaters_;
  io::Timers& timers_;
  io::Timer timer_;
};

}  // namespace upgate::session
