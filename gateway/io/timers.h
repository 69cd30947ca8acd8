#pragma once

#include <chrono>
#include <cstdint>

namespace upgate::io {

using Millis = std::chrono::milliseconds;

// Time since the loop was created; monotonic. Read once per turn, so it is cheap to use.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Millis>;

class Timers;

// A one-shot timer, a member of its owner. Destroying it disarms it.
class Timer {
 public:
  class Owner {
   public:
    // The timer is already disarmed and may be armed again or destroyed.
    virtual void OnTimer(Timer& timer) = 0;

   protected:
    ~Owner() = default;
  };

  // Both must outlive the timer.
  Timer(Timers& timers, Owner& owner) : timers_(timers), owner_(owner) {}
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once, after at least `delay`, and at most one tick of the wheel later. Replaces an
  // earlier Arm.
  void Arm(Millis delay);
  void Disarm();
  bool armed() const { return slot_ != nullptr; }

  // For implementations of Timers: links in the wheel's slot, and the deadline. slot_ is non-null
  // while armed.
  Timer* next_ = nullptr;
  Timer** slot_ = nullptr;  // the pointer to this timer
  Instant deadline_{};
  Owner& owner() const { return owner_; }

 private:
  Timers& timers_;
  Owner& owner_;
};

// The loop's clock and timers.
class Timers {
 public:
  virtual ~Timers() = default;
  virtual Instant Now() const = 0;
  // The current time of the same clock, in microseconds: for measuring durations, not for every
  // message.
  virtual std::uint64_t Micros() const {
    return static_cast<std::uint64_t>(std::chrono::microseconds(Now().time_since_epoch()).count());
  }
  // The same in milliseconds, with their fractions: the time of rates that loops share.
  double FineMillis() const { return static_cast<double>(Micros()) / 1000; }
  // Wall-clock time, in whole seconds since 1970: for the Date header and for logs.
  virtual std::int64_t UnixSeconds() const = 0;
  // Links the timer into the wheel; `timer` must be disarmed. Disarming needs no call: a timer
  // unlinks itself.
  virtual void Insert(Timer& timer, Instant deadline) = 0;
};

inline void Timer::Disarm() {
  if (slot_ == nullptr) return;
  *slot_ = next_;
  if (next_ != nullptr) next_->slot_ = slot_;
  next_ = nullptr;
  slot_ = nullptr;
}

inline void Timer::Arm(Millis delay) {
  Disarm();
  timers_.Insert(*this, timers_.Now() + delay);
}

}  // namespace upgate::io
