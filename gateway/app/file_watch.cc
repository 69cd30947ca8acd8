#include "gateway/app/file_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace upgate::app {
namespace {

constexpr io::Millis kBetweenTurns{1};

std::int64_t Nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

FileState LookAt(const std::string& file) {
  struct stat found{};
  FileState state;
  if (::stat(file.c_str(), &found) != 0) {
    state.error = errno;
    return state;
  }
  state.regular = S_ISREG(found.st_mode);
  state.device = found.st_dev;
  state.inode = found.st_ino;
  state.size = found.st_size;
  state.modified_ns = Nanoseconds(found.st_mtim);
  state.changed_ns = Nanoseconds(found.st_ctim);
  return state;
}

FileStates LookAt(const std::vector<std::string>& files) {
  FileStates states;
  for (const std::string& file : files) states.push_back(LookAt(file));
  return states;
}

FileWatch::FileWatch(io::Timers& timers, io::Millis interval, std::vector<std::string> files,
                     std::function<void()> changed, FileStates seen)
    : interval_(interval),
      files_(std::move(files)),
      changed_(std::move(changed)),
      seen_(std::move(seen)),
      timer_(timers, *this) {
  timer_.Arm(interval_);
}

void FileWatch::MarkAsSeen(FileStates seen) {
  seen_ = std::move(seen);
  pending_.clear();
}

void FileWatch::OnTimer(io::Timer&) {
  const std::size_t end = std::min(files_.size(), looked_.size() + kFilesPerTurn);
  while (looked_.size() < end) looked_.push_back(LookAt(files_[looked_.size()]));
  if (looked_.size() < files_.size()) return timer_.Arm(kBetweenTurns);
  Judge();
}

void FileWatch::Judge() {
  FileStates now = std::exchange(looked_, {});
  const bool changed = now != seen_;
  const bool settled = now == pending_;
  if (changed && !settled) {
    pending_ = std::move(now);
    return timer_.Arm(std::min(interval_, kSettle));
  }
  pending_.clear();
  timer_.Arm(interval_);
  if (!changed) return;
  seen_ = std::move(now);
  const auto call = changed_;  // a copy: it may destroy this object
  call();
}

}  // namespace upgate::app
