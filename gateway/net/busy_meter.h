#pragma once

#include <cstdint>
#include <ctime>
#include <mutex>

namespace upgate::net {

// How much processor time a thread has spent in a stretch of code that it enters and leaves, for
// example a loop's Run. Costs nothing in between: whoever asks reads the thread's own clock. Enter
// and Leave belong to that thread, Micros is for any.
class BusyMeter {
 public:
  void Enter();
  void Leave();
  // Microseconds since the meter was made.
  std::uint64_t Micros() const;

 private:
  std::uint64_t SinceEnter() const;

  mutable std::mutex mutex_;
  bool inside_ = false;
  clockid_t clock_{};
  std::uint64_t entered_at_ = 0;
  std::uint64_t before_ = 0;
};

}  // namespace upgate::net
