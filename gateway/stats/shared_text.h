#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace upgate::stats {

// A text that is expensive to generate and requested by many: it is generated at most ten times
// within any second and shared by all requests in between. Infrequent requests always get a new
// one. Thread-safe; one thread generates it, and the others get the old one meanwhile.
class SharedText {
 public:
  using Clock = std::chrono::steady_clock;
  // This many consecutive requests may each get a new text; after them one is generated per
  // interval.
  static constexpr int kBurst = 5;
  static constexpr std::chrono::milliseconds kInterval{200};

  explicit SharedText(std::function<std::string()> make) : make_(std::move(make)) {}

  // Never nullptr.
  std::shared_ptr<const std::string> Get(Clock::time_point now = Clock::now());

 private:
  const std::function<std::string()> make_;
  std::mutex mutex_;
  std::shared_ptr<const std::string> text_;
  Clock::time_point all_again_;  // when a full burst is available again
  bool making_ = false;
};

}  // namespace upgate::stats
