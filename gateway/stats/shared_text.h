#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace upgate::stats {

// A text that takes long to make and is asked for by many: made anew at most ten times within any
// second, and shared by all who ask in between. Who asks now and then always gets a new one.
// Thread-safe; one thread makes it, and the others get the old one meanwhile.
class SharedText {
 public:
  using Clock = std::chrono::steady_clock;
  // Of so many in a row each may be a new one; after them there is a new one every interval.
  static constexpr int kBurst = 5;
  static constexpr std::chrono::milliseconds kInterval{200};

  explicit SharedText(std::function<std::string()> make) : make_(std::move(make)) {}

  // Never nullptr.
  std::shared_ptr<const std::string> Get(Clock::time_point now = Clock::now());

 private:
  const std::function<std::string()> make_;
  std::mutex mutex_;
  std::shared_ptr<const std::string> text_;
  Clock::time_point all_again_;  // when a whole burst may be made anew
  bool making_ = false;
};

}  // namespace upgate::stats
