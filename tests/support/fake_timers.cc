#include "tests/support/fake_timers.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace upgate::test {
namespace {

// Far more than any scenario needs at one instant. Detects a timer that rearms itself for "now"
// each time it fires.
constexpr int kMostAtOneInstant = 100'000;

std::int64_t SecondsOf(io::Instant instant) {
  return std::chrono::floor<std::chrono::seconds>(instant.time_since_epoch()).count();
}

}  // namespace

FakeTimers::~FakeTimers() {
  const std::size_t left = armed();
  if (left == 0) return;
  ADD_FAILURE() << left << " timer(s) still armed when the loop ended";
  for (auto& [deadline, head] : slots_) {
    while (head != nullptr) head->Disarm();
  }
}

std::int64_t FakeTimers::UnixSeconds() const {
  return unix_at_start_ + SecondsOf(now_);
}

void FakeTimers::SetUnixSeconds(std::int64_t seconds) {
  unix_at_start_ = seconds - SecondsOf(now_);
}

void FakeTimers::Insert(io::Timer& timer, io::Instant deadline) {
  if (timer.slot_ != nullptr) {
    ADD_FAILURE() << "Timers::Insert of a timer that is armed";
    timer.Disarm();
  }
  timer.deadline_ = std::max(deadline, now_);
  io::Timer** end = &slots_[timer.deadline_];
  while (*end != nullptr) end = &(*end)->next_;
  *end = &timer;
  timer.slot_ = end;
  timer.next_ = nullptr;
}

int FakeTimers::AdvanceTo(io::Instant target) {
  int fired = 0;
  int at_this_instant = 0;
  while (!slots_.empty() && slots_.begin()->first <= target) {
    const auto slot = slots_.begin();
    if (slot->second == nullptr) {
      slots_.erase(slot);
      continue;
    }
    if (slot->first > now_) at_this_instant = 0;
    now_ = std::max(now_, slot->first);
    if (++at_this_instant > kMostAtOneInstant) {
      ADD_FAILURE() << "timers keep arming themselves without any delay";
      break;
    }
    io::Timer& timer = *slot->second;
    timer.Disarm();
    ++fired;
    timer.owner().OnTimer(timer);
  }
  now_ = std::max(now_, target);
  return fired;
}

std::optional<io::Instant> FakeTimers::NextDeadline() const {
  for (const auto& [deadline, head] : slots_) {
    if (head != nullptr) return deadline;
  }
  return {};
}

std::size_t FakeTimers::armed() const {
  std::size_t count = 0;
  for (const auto& [deadline, head] : slots_) {
    for (const io::Timer* timer = head; timer != nullptr; timer = timer->next_) ++count;
  }
  return count;
}

}  // namespace upgate::test
