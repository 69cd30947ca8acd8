#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/overload.h"
#include "gateway/io/timers.h"

namespace upgate::app {

// Looks once a second whether the process has run out of descriptors, memory or time, tells the
// loops through an Overload, and logs each change once. On its loop's thread.
//
// A loop lags if, for kLagLooks looks in a row, more than 1 % of its turns took longer than the
// limit: the 99th percentile is above it. It has recovered after as many looks without.
class OverloadWatch final : private io::Timer::Owner {
 public:
  static constexpr io::Millis kInterval{1'000};
  static constexpr int kLagLooks = 5;

  struct LoopSample {
    std::uint64_t turns = 0;       // since the start
    std::uint64_t long_turns = 0;  // those that took longer than the limit
  };
  struct Sample {
    std::uint64_t resident = 0;           // memory of the process, in bytes
    std::uint64_t descriptors_taken = 0;  // by clients
    std::uint64_t descriptors = 0;        // that clients may have
    std::vector<LoopSample> loops;
  };

  // Fills in the values of now. It gets the sample of the last look, whose memory it can use.
  using Read = std::function<void(Sample&)>;

  // Has a loop take a turn, if it sleeps; one that is in a turn says nothing before the next look.
  using Wake = std::function<void(std::size_t loop)>;

  // `read` is called for each look, `wake` for each loop that lagged and has had no turn since: an
  // idle loop takes none, and would lag for ever. What is borrowed outlives the watch.
  OverloadWatch(io::Timers& timers, Log& log, Overload& overload, Read read, Wake wake);

  // In bytes.
  void SetMemoryLimit(std::uint64_t bytes) { memory_limit_ = bytes; }

 private:
  struct LoopState {
    LoopSample seen;
    bool lags = false;
    int looks = 0;  // in a row that say the opposite
  };

  void OnTimer(io::Timer&) override;
  void Look();
  bool Lags(std::size_t index, const LoopSample& now);
  // `why` makes the text if there is something to tell.
  template <class Why>
  void Tell(OverloadReason reason, bool on, Why&& why);

  Log& log_;
  Overload& overload_;
  const Read read_;
  const Wake wake_;
  Sample now_;
  std::uint64_t memory_limit_ = ~std::uint64_t{0};
  OverloadSet told_;
  std::vector<LoopState> loops_;
  io::Timer timer_;
};

}  // namespace upgate::app
