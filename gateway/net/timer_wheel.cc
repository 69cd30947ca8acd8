#include "gateway/net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>

namespace upgate::net {
namespace {

void PushFront(io::Timer*& head, io::Timer& timer) {
  timer.next_ = head;
  timer.slot_ = &head;
  if (head != nullptr) head->slot_ = &timer.next_;
  head = &timer;
}

// Moves the list to `to`, in reverse order.
void MoveReversed(io::Timer*& from, io::Timer*& to) {
  while (from != nullptr) {
    io::Timer& timer = *from;
    timer.Disarm();
    PushFront(to, timer);
  }
}

}  // namespace

TimerWheel::~TimerWheel() {
  // A timer that is still armed would later unlink itself from freed memory.
  for (auto& level : slots_) {
    for (io::Timer*& head : level) {
      while (head != nullptr) head->Disarm();
    }
  }
}

std::int64_t TimerWheel::UnixSeconds() const {
  return unix_start_ +
         std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
}

TimerWheel::Tick TimerWheel::TickOf(const io::Timer& timer) const {
  const auto after = std::max(timer.deadline_.time_since_epoch(), io::Millis{0});
  const auto rounded_up = (after.count() + kTick.count() - 1) / kTick.count();
  return static_cast<Tick>(rounded_up);
}

void TimerWheel::Insert(io::Timer& timer, io::Instant deadline) {
  assert(!timer.armed());
  // Far enough in the future, and small enough that no sum overflows.
  constexpr io::Instant kFarthest{std::chrono::hours{24 * 365 * 1000}};
  timer.deadline_ = std::min(deadline, kFarthest);
  Place(timer);
}

void TimerWheel::Place(io::Timer& timer) {
  const Tick tick = std::max(TickOf(timer), current_ + 1);
  const int highest_difference =
      std::numeric_limits<Tick>::digits - 1 - std::countl_zero(tick ^ current_);
  const int level = std::min(highest_difference / kBits, kLevels - 1);
  // A timer beyond the top level wraps around: its slot comes up too early, and it is placed again.
  const std::size_t index = (tick >> (level * kBits)) % kSlots;
  PushFront(slots_[level][index], timer);
  occupied_[level] |= std::uint64_t{1} << index;
}

std::optional<TimerWheel::Slot> TimerWheel::NextSlot() {
  // Timers on a lower level are due before those on a higher one, because the level of a timer is
  // given by the highest bit in which its tick differs from the current one.
  for (int level = 0; level < kLevels; ++level) {
    const int shift = level * kBits;
    const int here = static_cast<int>((current_ >> shift) % kSlots);
    while (occupied_[level] != 0) {
      const int ahead = std::countr_zero(std::rotr(occupied_[level], here + 1)) + 1;
      const std::size_t index = static_cast<std::size_t>(here + ahead) % kSlots;
      if (slots_[level][index] != nullptr) {
        return Slot{((current_ >> shift) + static_cast<Tick>(ahead)) << shift, level, index};
      }
      occupied_[level] &= ~(std::uint64_t{1} << index);
    }
  }
  return std::nullopt;
}

std::optional<io::Instant> TimerWheel::NextDeadline() {
  const auto slot = NextSlot();
  if (!slot) return std::nullopt;
  return io::Instant{kTick * static_cast<io::Millis::rep>(slot->start)};
}

void TimerWheel::Advance(io::Instant now) {
  if (now < now_) return;
  const Tick target = static_cast<Tick>(now.time_since_epoch() / kTick);
  for (auto slot = NextSlot(); slot && slot->start <= target; slot = NextSlot()) {
    current_ = slot->start;
    now_ = std::max(now_, io::Instant{kTick * static_cast<io::Millis::rep>(current_)});
    Expire(*slot);
  }
  current_ = std::max(current_, target);
  now_ = std::max(now_, now);
}

void TimerWheel::Expire(const Slot& slot) {
  // On the stack, so that callbacks may disarm and destroy timers that have not fired yet.
  io::Timer* first_come = nullptr;
  MoveReversed(slots_[slot.level][slot.index], first_come);
  io::Timer* due_reversed = nullptr;
  while (first_come != nullptr) {
    io::Timer& timer = *first_come;
    timer.Disarm();
    if (TickOf(timer) <= current_) {
      PushFront(due_reversed, timer);
    } else {
      Place(timer);
    }
  }
  io::Timer* due = nullptr;
  MoveReversed(due_reversed, due);
  while (due != nullptr) {
    io::Timer& timer = *due;
    timer.Disarm();
    timer.owner().OnTimer(timer);
  }
}

}  // namespace upgate::net
