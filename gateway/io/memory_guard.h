#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"

namespace upgate::io {

// Keeps the memory that one loop holds for clients within its share of the process's limit:
//
// - Above the total's high mark, the largest holders are held back: their clients are not read, so
//   that they do not grow. Small ones continue with what is left below the limit.
// - If that has not brought the total down to the low mark within kPatience, the largest holders
//   are refused, as many as needed, and those that still hold much after kCutOffSeconds are
//   dropped. This happens without delay over the limit, because other clients could not be served
//   meanwhile, and when the pressure returns within kCalm of a refusal, because waiting has not
//   helped before.
// - Over the limit new requests are refused; the code that accepts them checks
//   MemoryLedger::over().
//
// The memory to be freed is divided among the loops in proportion to what each of them holds. Costs
// nothing while little is held, otherwise one timer per second. On the loop's thread.
class MemoryGuard final : private MemoryLedger::Watcher, private Timer::Owner {
 public:
  static constexpr Millis kTick{1'000};
  static constexpr Millis kTickUnderPressure{250};
  static constexpr Millis kPatience{3'000};
  static constexpr Millis kCalm{10'000};
  static constexpr std::uint32_t kCutOffSeconds = 2;
  static constexpr Millis kTrimInterval{2'000};
  // A holder with less is never held back or refused.
  static constexpr std::size_t kSmall = 16 * 1024;
  // Freed memory is returned to the system when at least this much, and half of the peak, was
  // freed.
  static constexpr std::uint64_t kWorthTrimming = 8 * 1024 * 1024;

  // For counters and the log.
  class Observer {
   public:
    // One client more is held back, or one less.
    virtual void OnWaiting(bool waits) = 0;
    virtual void OnRefused(MemoryRefusal refusal) = 0;
    // A good time to return freed memory to the system. False: ask again later.
    virtual bool OnTrim() = 0;

   protected:
    ~Observer() = default;
  };

  // `observer` is not owned and must outlive the guard. Watches `loop.memory`, which must have
  // joined a total.
  MemoryGuard(io::Loop loop, Observer& observer);
  ~MemoryGuard();
  MemoryGuard(const MemoryGuard&) = delete;
  MemoryGuard& operator=(const MemoryGuard&) = delete;

  bool under_pressure() const { return under_pressure_; }

 private:
  struct Entry {
    std::size_t bytes;
    MemoryHolder* holder;
  };

  void OnMemoryChanged(bool grew) override;
  void OnMemoryRefusal(MemoryRefusal refusal) override { observer_.OnRefused(refusal); }
  void OnWaitingGone() override { observer_.OnWaiting(false); }
  void OnTimer(Timer& timer) override;

  void BeginPressure();
  void EndPressure();
  // `release`: whether holders that hold little by now may continue.
  void HoldBackLargest(bool release);
  void SetWaiting(MemoryHolder& holder, bool wait);
  void Evict();
  // Drops holders that were refused and still hold much; returns the number of bytes about to be
  // freed.
  std::uint64_t FinishRefused(const std::vector<Entry>& entries);
  // Returns false if trimming is worthwhile but not possible yet.
  bool TrimIfWorth();
  std::vector<Entry> Collect() const;
  // This loop's part of `bytes`, in proportion to its part of the total.
  std::uint64_t ShareOf(std::uint64_t bytes) const;
  std::uint32_t Seconds() const;

  io::Loop loop_;
  MemoryLedger& ledger_;
  MemoryTotal& total_;
  Observer& observer_;
  Timer timer_;
  bool under_pressure_ = false;
  Instant refuses_from_{};       // under pressure: when the patience ends
  Instant calm_from_{};          // kCalm after the last refusal
  Instant trimmed_{};            // the last trim
  std::uint64_t looked_at_ = 0;  // memory of this loop at the last check under pressure
  std::uint64_t peak_ = 0;       // maximum held since the last trim
};

}  // namespace upgate::io
