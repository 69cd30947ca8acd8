#include "gateway/backend/server_health.h"

#include "gateway/config/config.h"

namespace upgate::backend {

std::optional<io::Millis> ServerHealth::Eject(SharedMs now, io::Millis base) {
  const std::lock_guard lock(mutex_);
  if (ejected()) return {};
  // One that held out for as long as it was away last time starts anew.
  const SharedMs back = back_at_.load(std::memory_order_relaxed);
  if (back == 0 || now - back > last_out_.count()) ejections_ = 0;
  return PutOut(now, base);
}

std::optional<io::Millis> ServerHealth::FailTrial(SharedMs now, io::Millis base) {
  const std::lock_guard lock(mutex_);
  if (!ejected() || !trial_) return {};
  return PutOut(now, base);
}

io::Millis ServerHealth::PutOut(SharedMs now, io::Millis base) {
  constexpr std::uint32_t kMostDoublings = 20;
  const io::Millis longest = std::max(base, config::kLongestEjection);
  const std::uint32_t doublings = std::min(ejections_, kMostDoublings);
  last_out_ = std::min(longest, base * (std::int64_t{1} << doublings));
  ++ejections_;
  trial_ = false;
  failures_.store(0, std::memory_order_relaxed);
  out_until_.store(now + last_out_.count(), std::memory_order_relaxed);
  return last_out_;
}

bool ServerHealth::TakeTrial(SharedMs now, io::Millis patience) {
  if (!IsDue(now)) return false;
  const std::lock_guard lock(mutex_);
  if (!IsDue(now)) return false;
  trial_ = true;
  out_until_.store(now + std::max(patience, io::Millis{1}).count(), std::memory_order_relaxed);
  return true;
}

void ServerHealth::ReturnTrial(SharedMs now) {
  const std::lock_guard lock(mutex_);
  if (trial_ && ejected()) out_until_.store(std::max(now, SharedMs{1}), std::memory_order_relaxed);
}

bool ServerHealth::Recover(SharedMs now, std::uint32_t failures) {
  const std::lock_guard lock(mutex_);
  failures_.store(0, std::memory_order_relaxed);
  // What began before the ejection says nothing about now.
  if (!ejected() || !trial_) return false;
  trial_ = false;
  failures_.store(failures, std::memory_order_relaxed);
  out_until_.store(0, std::memory_order_relaxed);
  back_at_.store(std::max(now, SharedMs{1}), std::memory_order_relaxed);
  return true;
}

void ServerHealth::SetDown(bool down, SharedMs now) {
  if (down_.exchange(down, std::memory_order_relaxed) && !down)
    back_at_.store(std::max(now, SharedMs{1}), std::memory_order_relaxed);
}

}  // namespace upgate::backend
