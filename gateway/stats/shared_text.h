#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace upgate::stats {

// A text that takes long to make and is asked for by many: made anew only when it is older than
// kAge, and shared by all who ask before that. Thread-safe; one thread makes it, and the others get
// the old one meanwhile.
class SharedText {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kAge{100};

  explicit SharedText(std::function<std::string()> make) : make_(std::move(make)) {}

  // Never nullptr.
  std::shared_ptr<const std::string> Get(Clock::time_point now = Clock::now());

 private:
  const std::function<std::string()> make_;
  std::mutex mutex_;
  std::shared_ptr<const std::string> text_;
  Clock::time_point made_at_;
  bool making_ = false;
};

}  // namespace upgate::stats
