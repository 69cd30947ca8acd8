#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gateway/io/memory.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"

namespace upgate::io {

// Keeps what one loop holds for its clients within its share of the process's limit:
//
// - Above the high mark of the total the largest holders wait: their clients are not read, so that
//   they hold no more. Small ones go on in what is left below the limit.
// - Where that has not brought the total down to the low mark within kPatience, the largest are
//   refused, as many as it takes, and those among them who still hold much after kCutOffSeconds
//   dropped. Over the limit there is no patience: others could not be served meanwhile.
// - Over the limit new requests are turned down; whoever takes them asks MemoryLedger::over().
//
// What has to be freed is divided among the loops by what each of them holds. Costs nothing while
// little is held, and one alarm a second otherwise. On the loop's thread.
class MemoryGuard final : private MemoryLedger::Watcher, private Timer::Owner {
 public:
  static constexpr Millis kTick{1'000};
  static constexpr Millis kTickUnderPressure{250};
  static constexpr Millis kPatience{3'000};
  static constexpr std::uint32_t kCutOffSeconds = 2;
  static constexpr Millis kTrimInterval{2'000};
  // Whoever holds less is never made to wait, and never refused.
  static constexpr std::size_t kSmall = 16 * 1024;
  // Freed memory goes back to the system when at least so much, and half of what was held, was
  // freed.
  static constexpr std::uint64_t kWorthTrimming = 8 * 1024 * 1024;

  // For the counters and the log.
  class Observer {
   public:
    // One more client waits, or one less.
    virtual void OnWaiting(bool waits) = 0;
    virtual void OnRefused(MemoryRefusal refusal) = 0;
    // It is a good time to give freed memory back to the system. False: to be asked again later.
    virtual bool OnTrim() = 0;

   protected:
    ~Observer() = default;
  };

  // `observer` is not owned and outlives the guard. Watches `loop.memory`, which has joined a
  // total.
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
  // `release`: whether those who hold little by now may go on.
  void HoldBackLargest(bool release);
  void SetWaiting(MemoryHolder& holder, bool wait);
  void Evict();
  // Drops those who were refused and still hold much; returns what is on its way out.
  std::uint64_t FinishRefused(const std::vector<Entry>& entries);
  // False when it is worth it, and too early.
  bool TrimIfWorth();
  std::vector<Entry> Collect() const;
  // This loop's part of `bytes`, by what it holds of the total.
  std::uint64_t ShareOf(std::uint64_t bytes) const;
  std::uint32_t Seconds() const;

  io::Loop loop_;
  MemoryLedger& ledger_;
  MemoryTotal& total_;
  Observer& observer_;
  Timer timer_;
  bool under_pressure_ = false;
  Instant since_{};              // under pressure
  Instant trimmed_{};            // last
  std::uint64_t looked_at_ = 0;  // what this loop held at the last look under pressure
  std::uint64_t peak_ = 0;       // held since the last trim
};

}  // namespace upgate::io
