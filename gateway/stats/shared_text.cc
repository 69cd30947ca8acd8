#include "gateway/stats/shared_text.h"

#include <utility>

namespace upgate::stats {

std::shared_ptr<const std::string> SharedText::Get(Clock::time_point now) {
  {
    const std::lock_guard lock(mutex_);
    if (text_ && (making_ || now - made_at_ < kAge)) return text_;
    making_ = true;
  }
  auto text = std::make_shared<const std::string>(make_());
  const std::lock_guard lock(mutex_);
  making_ = false;
  text_ = text;
  made_at_ = now;
  return text;
}

}  // namespace upgate::stats
