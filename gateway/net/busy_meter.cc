#include "gateway/net/busy_meter.h"

#include <pthread.h>

namespace upgate::net {
namespace {

std::uint64_t ReadMicros(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1'000;
}

}  // namespace

void BusyMeter::Enter() {
  const std::lock_guard lock(mutex_);
  inside_ = ::pthread_getcpuclockid(::pthread_self(), &clock_) == 0;
  if (inside_) entered_at_ = ReadMicros(clock_);
}

void BusyMeter::Leave() {
  const std::lock_guard lock(mutex_);
  before_ += SinceEnter();
  inside_ = false;
}

std::uint64_t BusyMeter::Micros() const {
  const std::lock_guard lock(mutex_);
  return before_ + SinceEnter();
}

std::uint64_t BusyMeter::SinceEnter() const {
  if (!inside_) return 0;
  const std::uint64_t now = ReadMicros(clock_);
  return now > entered_at_ ? now - entered_at_ : 0;
}

}  // namespace upgate::net
