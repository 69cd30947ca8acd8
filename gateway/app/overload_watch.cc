#include "gateway/app/overload_watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace upgate::app {
namespace {

// Where it ends, below where it begins, so that it does not begin and end all the time.
std::uint64_t EndOf(std::uint64_t limit) {
  return limit - limit / 16;
}

}  // namespace

OverloadWatch::OverloadWatch(io::Timers& timers, Log& log, Overload& overload, Read read, Wake wake)
    : log_(log),
      overload_(overload),
      read_(std::move(read)),
      wake_(std::move(wake)),
      timer_(timers, *this) {
  timer_.Arm(kInterval);
}

void OverloadWatch::OnTimer(io::Timer&) {
  Look();
  timer_.Arm(kInterval);
}

void OverloadWatch::Look() {
  using enum OverloadReason;
  read_(now_);
  const Sample& now = now_;
  const auto is_over = [&](OverloadReason reason, std::uint64_t value, std::uint64_t limit) {
    return told_.Has(reason) ? value > EndOf(limit) : value > limit;
  };
  OverloadSet all;
  all.Set(kMemory, is_over(kMemory, now.resident, memory_limit_));
  // A client takes two.
  all.Set(kDescriptors, is_over(kDescriptors, now.descriptors_taken + 1, now.descriptors));
  loops_.resize(now.loops.size());
  std::size_t lagging = 0;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    OverloadSet here = all;
    here.Set(kLoopLag, Lags(i, now.loops[i]));
    lagging += here.Has(kLoopLag) ? 1 : 0;
    overload_.Set(i, here);
  }
  Tell(kMemory, all.Has(kMemory), [&] {
    return fmt::format("{} bytes of memory are used; the limit is {}", now.resident, memory_limit_);
  });
  Tell(kDescriptors, all.Has(kDescriptors), [&] {
    return fmt::format("{} of {} file descriptors for clients are taken", now.descriptors_taken,
                       now.descriptors);
  });
  Tell(kLoopLag, lagging > 0, [&] {
    return fmt::format("{} of {} event loops take too long for their turns", lagging,
                       loops_.size());
  });
}

bool OverloadWatch::Lags(std::size_t index, const LoopSample& now) {
  LoopState& loop = loops_[index];
  const std::uint64_t turns = now.turns - loop.seen.turns;
  const std::uint64_t slow = now.long_turns - loop.seen.long_turns;
  loop.seen = now;
  if (turns == 0) {  // it sleeps, or has been in one turn all the time
    if (loop.lags) wake_(index);
    return loop.lags;
  }
  const bool bad = slow * 100 > turns;
  loop.looks = bad != loop.lags ? loop.looks + 1 : 0;
  if (loop.looks >= kLagLooks) {
    loop.lags = bad;
    loop.looks = 0;
  }
  return loop.lags;
}

template <class Why>
void OverloadWatch::Tell(OverloadReason reason, bool on, Why&& why) {
  if (told_.Has(reason) == on) return;
  told_.Set(reason, on);
  const std::string_view name = kOverloadNames[static_cast<std::size_t>(reason)];
  if (on) {
    log_.Warn("overloaded", {{"reason", name}, {"why", why()}});
  } else {
    log_.Info("no longer overloaded", {{"reason", name}, {"now", why()}});
  }
}

}  // namespace upgate::app
