#include "gateway/app/expiry_log.h"

#include <chrono>
#include <string>
#include <utility>

#include "gateway/base/utc_time.h"

namespace upgate::app {

void ExpiryLog::Watch(std::vector<stats::Certificate> certificates) {
  certificates_ = std::move(certificates);
  Check();
  timer_.Arm(kInterval);
}

void ExpiryLog::OnTimer(io::Timer&) {
  Check();
  timer_.Arm(kInterval);
}

void ExpiryLog::Check() {
  const std::int64_t now = timers_.UnixSeconds();
  std::map<Key, Told> before = std::exchange(told_, {});
  for (const stats::Certificate& certificate : certificates_) {
    const std::int64_t left = certificate.not_after - now;
    if (left > std::chrono::seconds(kSoon).count()) continue;
    const bool expired = left < 0;
    const Key key{certificate.owner, certificate.name, certificate.file, certificate.not_after};
    if (told_.contains(key)) continue;
    const auto told = before.find(key);
    const bool again = told == before.end() || timers_.Now() - told->second.when >= kRepeat ||
                       told->second.expired != expired;
    if (again) Tell(certificate, left);
    told_.emplace(key, again ? Told{timers_.Now(), expired} : told->second);
  }
}

void ExpiryLog::Tell(const stats::Certificate& certificate, std::int64_t seconds_left) {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  const std::string not_after = UtcTime(certificate.not_after);
  const std::string name = certificate.names.empty() ? "" : certificate.names.front();
  if (seconds_left < 0) {
    log_.Error("certificate expired", {{KindOf(certificate.owner), certificate.name},
                                       {"file", certificate.file},
                                       {"name", name},
                                       {"not_after", not_after}});
  } else {
    log_.Warn("certificate expires soon", {{KindOf(certificate.owner), certificate.name},
                                           {"file", certificate.file},
                                           {"name", name},
                                           {"not_after", not_after},
                                           {"days_left", seconds_left / kDay}});
  }
}

}  // namespace upgate::app
