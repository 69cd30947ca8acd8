#pragma once

#include <cstdint>
#include <ctime>
#include <mutex>

namespace upgate::net {

// Measures the processor time that a thread spends in a section of code, such as a loop's Run.
// Costs nothing while the section runs: readers query the thread's CPU clock. Enter and Leave are
// called on that thread; Micros is thread-safe.
class BusyMeter {
 public:
  void Enter();
  void Leave();
  // Microseconds since construction.
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
