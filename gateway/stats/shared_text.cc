#include "gateway/stats/shared_text.h"

#include <algorithm>
#include <utility>

namespace upgate::stats {

std::shared_ptr<const std::string> SharedText::Get(Clock::time_point now) {
  {
    const std::lock_guard lock(mutex_);
    if (text_ && (making_ || all_again_ - now > (kBurst - 1) * kInterval)) return text_;
    making_ = true;
    all_again_ = std::max(all_again_, now) + kInterval;
  }
  auto text = std::make_shared<const std::string>(make_());
  const std::lock_guard lock(mutex_);
  making_ = false;
  text_ = text;
  return text;
}

}  // namespace upgate::stats
