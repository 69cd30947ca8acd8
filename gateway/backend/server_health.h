#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "gateway/io/timers.h"

namespace upgate::backend {

// Milliseconds on the clock that all loops share (io::Timers::Micros). Never 0 where it says when
// something happened.
using SharedMs = std::int64_t;

// Whether a server may get new clients, as far as is known from those before and from health
// checks. Shared by all loops, and by all configurations that have the server. Thread-safe; the
// question that is asked for every client takes two loads.
//
// Ejection: a server that fails several times in a row is ejected for a time, which doubles with
// each ejection that follows closely. When the time is over, one attempt (the trial) decides
// whether it comes back; nobody else tries it meanwhile.
class ServerHealth {
 public:
  bool serves() const { return !ejected() && !down(); }
  bool ejected() const { return out_until_.load(std::memory_order_relaxed) != 0; }
  // By health checks.
  bool down() const { return down_.load(std::memory_order_relaxed); }

  // Whether it is ejected and its time is over.
  bool IsDue(SharedMs now) const {
    const SharedMs until = out_until_.load(std::memory_order_relaxed);
    return until != 0 && now >= until;
  }

  // When its time is over; 0 if it is not ejected.
  SharedMs out_until() const { return out_until_.load(std::memory_order_relaxed); }

  // True if that brings it back; `failures` then count already.
  bool OnSuccess(SharedMs now, std::uint32_t failures = 0) {
    if (failures_.load(std::memory_order_relaxed) == 0 && !ejected()) return false;
    return Recover(now, failures);
  }
  // Counts a failure of a server that is not ejected; how many there were in a row.
  std::uint32_t CountFailure() { return failures_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // For how long it is ejected; nullopt if it is ejected already.
  std::optional<io::Millis> Eject(SharedMs now, io::Millis base);
  // The trial failed. For how long it is ejected again; nullopt if there was no trial.
  std::optional<io::Millis> FailTrial(SharedMs now, io::Millis base);
  // True for the one who is to make the attempt, from when its time is over. If nothing is heard of
  // that within `patience`, another one may.
  bool TakeTrial(SharedMs now, io::Millis patience);
  // Nothing will be heard of the trial: another one may take it at once.
  void ReturnTrial(SharedMs now);

  void SetDown(bool down, SharedMs now);

  // How much of its weight counts, in thousandths: it grows for `slow_start` after the server came
  // back.
  std::uint32_t Ramp(SharedMs now, io::Millis slow_start) const {
    constexpr SharedMs kWhole = 1000, kLeast = 100;
    if (slow_start.count() == 0) return kWhole;
    const SharedMs back = back_at_.load(std::memory_order_relaxed);
    if (back == 0 || now - back >= slow_start.count()) return kWhole;
    return static_cast<std::uint32_t>(
        std::max(kLeast, kWhole * std::max(now - back, SharedMs{0}) / slow_start.count()));
  }

 private:
  bool Recover(SharedMs now, std::uint32_t failures);
  io::Millis PutOut(SharedMs now, io::Millis base);  // with the lock

  std::atomic<SharedMs> out_until_{0};  // 0: not ejected
  std::atomic<bool> down_{false};
  std::atomic<std::uint32_t> failures_{0};  // in a row
  std::atomic<SharedMs> back_at_{0};        // 0: it was never away

  std::mutex mutex_;  // for the changes of what follows, and of out_until_
  bool trial_ = false;
  std::uint32_t ejections_ = 0;  // that followed each other closely
  io::Millis last_out_{0};
};

}  // namespace upgate::backend
