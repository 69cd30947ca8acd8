#include "gateway/upgrade/spread_closes.h"

#include <algorithm>
#include <span>
#include <utility>

namespace upgate::upgrade {

void SpreadCloses::Add(const std::vector<std::uint64_t>& sessions, io::Millis spread,
                       Reason reason) {
  const auto shared = std::make_shared<const Reason>(std::move(reason));
  const io::Instant now = timers_.Now();
  const double part = static_cast<double>(spread.count()) / static_cast<double>(sessions.size());
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const double after =
        spread.count() > 0 ? (static_cast<double>(i) + entropy_.Fraction()) * part : 0;
    due_.emplace(now + io::Millis(static_cast<io::Millis::rep>(after)), Due{sessions[i], shared});
  }
  Arm();
}

void SpreadCloses::AddOne(std::uint64_t session, io::Instant at,
                          std::shared_ptr<const Reason> reason) {
  due_.emplace(at, Due{session, std::move(reason)});
  Arm();
}

void SpreadCloses::Remove(std::uint64_t session, io::Instant at) {
  const auto [begin, end] = due_.equal_range(at);
  for (auto it = begin; it != end; ++it) {
    if (it->second.session != session) continue;
    due_.erase(it);
    return;
  }
}

void SpreadCloses::OnTimer(io::Timer&) {
  const io::Instant now = timers_.Now();
  for (std::size_t i = 0; i < kMostAtOnce && !due_.empty() && due_.begin()->first <= now; ++i) {
    const Due due = due_.extract(due_.begin()).mapped();
    if (!due.reason->still_wanted || due.reason->still_wanted(due.session))
      close_(due.session, *due.reason);
  }
  Arm(io::Millis{1});
}

void SpreadCloses::Arm(io::Millis least) {
  if (due_.empty()) return timer_.Disarm();
  timer_.Arm(std::max(least, due_.begin()->first - timers_.Now()));
}

}  // namespace upgate::upgrade
