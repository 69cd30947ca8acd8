#pragma once

#include <atomic>
#include <mutex>
#include <utility>

#include "gateway/base/rate.h"

namespace upgate {

// A token bucket that all loops share. Thread-safe; a lock for each call but limited().
class SharedRate {
 public:
  explicit SharedRate(const Rate& rate = {}) : rate_(rate), limited_(rate.amount != 0) {}

  // False if there is no rate: calls are then not needed. Takes no lock.
  bool limited() const { return limited_.load(std::memory_order_relaxed); }

  // A bucket of the same rate stays as full as it is.
  void SetRate(const Rate& rate) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(rate_, rate) != rate) bucket_ = {};
    limited_.store(rate.amount != 0, std::memory_order_relaxed);
  }
  // Takes one if it is there. Returns 0, or how long until it is, in milliseconds. `now`:
  // milliseconds of a clock that all loops share.
  double TakeOne(double now) {
    const std::lock_guard lock(mutex_);
    return rate_ ? bucket_.TakeOne(rate_, now) : 0;
  }
  // For one that was taken and not used.
  void GiveBackOne(double now) {
    const std::lock_guard lock(mutex_);
    if (rate_) bucket_.GiveBackOne(rate_, now);
  }

 private:
  std::mutex mutex_;
  Rate rate_;
  TokenBucket bucket_;
  std::atomic<bool> limited_;
};

}  // namespace upgate
