#include "plugins/watched/change_watch.h"

#include <chrono>
#include <utility>

#include "gateway/base/side_thread.h"

namespace upgate::plugins {

ChangeWatch::ChangeWatch(std::string what, std::filesystem::path path, FilesStamp stamp, Read read)
    : what_(std::move(what)),
      path_(std::move(path)),
      read_(std::move(read)),
      stamp_(std::move(stamp)) {}

ChangeWatch::~ChangeWatch() = default;

bool ChangeWatch::Watch(Log& log) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(watching_, true)) return false;
  thread_ = std::jthread([this, &log](const std::stop_token& stop) {
    BeginSideThread();
    Run(stop, log);
  });
  return true;
}

void ChangeWatch::Run(const std::stop_token& stop, Log& log) {
  constexpr auto kInterval = std::chrono::seconds(1);
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, kInterval, [] { return false; });
    }
    if (!stop.stop_requested()) Refresh(log);
  }
}

bool ChangeWatch::Refresh(Log& log) {
  FilesStamp now = StampOf(path_);
  if (now.text == stamp_.text && !stamp_.fresh) return false;
  const bool changed = now.text != stamp_.text;
  stamp_ = std::move(now);
  const auto read = read_(changed ? &log : nullptr);
  if (!read) {
    if (failure_ != read.error())
      log.Warn(what_ + " failed", {{"file", path_.string()},
                                   {"why", read.error()},
                                   {"then", "what was read before stays in use"}});
    failure_ = read.error();
    return false;
  }
  failure_.clear();
  return true;
}

}  // namespace upgate::plugins
