#pragma once

#include <condition_variable>
#include <expected>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "gateway/base/log.h"
#include "plugins/watched/files.h"

namespace upgate::plugins {

// Has a file or folder read again when it has changed, by a thread of its own, so that a large file
// keeps no loop from its work. Thread-safe.
class ChangeWatch {
 public:
  // Reads the files; the error is the reason why nothing has changed. `log`: what was read is to be
  // told; nullptr: it only may have changed.
  using Read = std::function<std::expected<void, std::string>(Log* log)>;

  // `what` names the file in the log: "token file". `stamp` was taken before the file was read for
  // the first time.
  ChangeWatch(std::string what, std::filesystem::path path, FilesStamp stamp, Read read);
  ~ChangeWatch();

  const std::filesystem::path& path() const { return path_; }
  // Begins to look for changes, once a second; true for the first call, the only one that counts.
  // `log` must outlive the watch.
  bool Watch(Log& log);
  // Reads the files again if they have changed. Returns whether they were read.
  bool Refresh(Log& log);

 private:
  void Run(const std::stop_token& stop, Log& log);

  const std::string what_;
  const std::filesystem::path path_;
  const Read read_;
  std::mutex mutex_;  // of what follows
  std::condition_variable_any wake_;
  bool watching_ = false;
  // Of Refresh, which one thread calls.
  FilesStamp stamp_;
  std::string failure_;  // the last one, so that it is logged once
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace upgate::plugins
