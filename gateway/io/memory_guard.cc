#include "gateway/io/memory_guard.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace upgate::io {

MemoryGuard::MemoryGuard(io::Loop loop, Observer& observer)
    : loop_(loop),
      ledger_(loop.memory),
      total_(*loop.memory.total()),
      observer_(observer),
      timer_(loop.timers, *this) {
  ledger_.Watch(this);
}

MemoryGuard::~MemoryGuard() {
  ledger_.Watch(nullptr);
}

// Large holders are held back inside the call that reports growth. While the total is high, the
// loop checks again whenever its memory has grown notably: many sockets that bring a lot in one
// turn would exceed the limit otherwise.
void MemoryGuard::OnMemoryChanged(bool grew) {
  const std::uint64_t held = ledger_.held();
  peak_ = std::max(peak_, held);
  if (!timer_.armed() && held > 0) timer_.Arm(kTick);
  if (!grew || total_.held() <= total_.high_mark()) return;
  const std::uint64_t step =
      std::max<std::uint64_t>(MemoryLedger::kDrift, ShareOf(total_.limit()) / 256);
  if (under_pressure_ && held < looked_at_ + step) return;
  BeginPressure();
  HoldBackLargest(false);
}

void MemoryGuard::OnTimer(Timer&) {
  ledger_.Publish();  // re-arms the timer while anything is held
  if (total_.held() > total_.high_mark()) BeginPressure();
  if (under_pressure_ && total_.held() <= total_.low_mark()) EndPressure();
  if (under_pressure_) {
    HoldBackLargest(true);
    if (total_.over() || loop_.timers.Now() >= refuses_from_) Evict();
  }
  const bool trimmed = TrimIfWorth();
  if (under_pressure_) {
    timer_.Arm(kTickUnderPressure);
  } else if (!trimmed) {
    timer_.Arm(kTick);
  }
}

void MemoryGuard::BeginPressure() {
  if (std::exchange(under_pressure_, true)) return;
  const Instant now = loop_.timers.Now();
  refuses_from_ = now < calm_from_ ? now : now + kPatience;
  timer_.Arm(kTickUnderPressure);
}

void MemoryGuard::EndPressure() {
  under_pressure_ = false;
  for (const Entry& entry : Collect()) SetWaiting(*entry.holder, false);
}

std::vector<MemoryGuard::Entry> MemoryGuard::Collect() const {
  std::vector<Entry> entries;
  ledger_.ForEach([&](MemoryHolder& holder) {
    const std::size_t bytes = holder.held_bytes();
    if (bytes >= kSmall || holder.standing_ != MemoryHolder::Standing::kFree)
      entries.push_back({bytes, &holder});
  });
  return entries;
}

// The large holders together may have half of the limit, in equal parts; a holder that is not held
// back may have a part of what is left below the limit, which leaves some for later ones. A holder
// with more than that is held back.
void MemoryGuard::HoldBackLargest(bool release) {
  looked_at_ = ledger_.held();
  const std::vector<Entry> entries = Collect();
  if (entries.empty()) return;
  std::size_t free = 1;
  ledger_.ForEach([&](MemoryHolder& holder) {
    if (holder.standing_ == MemoryHolder::Standing::kFree) ++free;
  });
  const std::uint64_t room = total_.limit() - std::min(total_.held(), total_.limit());
  const std::uint64_t most = std::max<std::uint64_t>(
      kSmall, std::min(ShareOf(total_.limit()) / (2 * entries.size()), ShareOf(room) / (8 * free)));
  for (const Entry& entry : entries) {
    if (entry.bytes >= most) {
      SetWaiting(*entry.holder, true);
    } else if (release && entry.bytes < most / 2) {
      SetWaiting(*entry.holder, false);
    }
  }
}

void MemoryGuard::SetWaiting(MemoryHolder& holder, bool wait) {
  using Standing = MemoryHolder::Standing;
  const Standing now = wait ? Standing::kWaiting : Standing::kFree;
  if (holder.standing_ == now || holder.standing_ == Standing::kRefused) return;
  holder.standing_ = now;
  observer_.OnWaiting(wait);
  holder.HoldBack(wait);
}

void MemoryGuard::Evict() {
  const std::uint64_t total = total_.held();
  if (total <= total_.low_mark()) return;
  std::vector<Entry> entries = Collect();
  std::uint64_t freed = FinishRefused(entries);
  std::erase_if(entries, [](const Entry& entry) {
    return entry.bytes < kSmall || entry.holder->standing_ == MemoryHolder::Standing::kRefused;
  });
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    const bool first = a.holder->expendable();
    return first != b.holder->expendable() ? first : a.bytes > b.bytes;
  });
  const std::uint64_t wanted = std::max<std::uint64_t>(1, ShareOf(total - total_.low_mark()));
  for (const Entry& entry : entries) {
    if (freed >= wanted) return;
    freed += entry.bytes;
    if (entry.holder->standing_ == MemoryHolder::Standing::kWaiting) observer_.OnWaiting(false);
    entry.holder->standing_ = MemoryHolder::Standing::kRefused;
    entry.holder->refused_at_ = Seconds();
    calm_from_ = loop_.timers.Now() + kCalm;
    observer_.OnRefused(entry.holder->Refuse());
  }
}

std::uint64_t MemoryGuard::FinishRefused(const std::vector<Entry>& entries) {
  std::uint64_t leaving = 0;
  for (const Entry& entry : entries) {
    if (entry.holder->standing_ != MemoryHolder::Standing::kRefused) continue;
    leaving += entry.bytes;
    if (entry.bytes >= kSmall && Seconds() - entry.holder->refused_at_ >= kCutOffSeconds)
      entry.holder->AbortEvicted();
  }
  return leaving;
}

bool MemoryGuard::TrimIfWorth() {
  const std::uint64_t held = ledger_.held();
  const bool much_freed = peak_ - std::min(held, peak_) >= std::max(kWorthTrimming, peak_ / 2);
  if (!much_freed && !under_pressure_) return true;
  const Instant now = loop_.timers.Now();
  if (now - trimmed_ < kTrimInterval || !observer_.OnTrim()) return false;
  trimmed_ = now;
  peak_ = held;
  return true;
}

std::uint64_t MemoryGuard::ShareOf(std::uint64_t bytes) const {
  const auto total = static_cast<double>(std::max<std::uint64_t>(1, total_.held()));
  const double part = std::min(1.0, static_cast<double>(ledger_.held()) / total);
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * part);
}

std::uint32_t MemoryGuard::Seconds() const {
  using std::chrono::duration_cast;
  return static_cast<std::uint32_t>(
      duration_cast<std::chrono::seconds>(loop_.timers.Now().time_since_epoch()).count());
}

}  // namespace upgate::io
