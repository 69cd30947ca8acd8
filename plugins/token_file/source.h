#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "gateway/base/log.h"
#include "plugins/token_file/table.h"

namespace upgate::plugins {

// The table of a file or folder, read again when that changes. Reading is done by a thread of its
// own, so that a large file keeps no loop from its work. Thread-safe.
class TokenSource {
 public:
  // `path` was read into `table`; `stamp` was taken before that.
  TokenSource(std::filesystem::path path, bool fold_case, TokenTable table, TokenFilesStamp stamp);
  ~TokenSource();

  // The newest that could be read. A file that is gone or cannot be read any more changes nothing.
  std::shared_ptr<const TokenTable> table() const;

  // Begins to look for changes, once a second; only the first call counts. `log` must outlive the
  // source.
  void Watch(Log& log);
  // Reads the files again if they have changed. Returns whether they were read.
  bool Refresh(Log& log);

 private:
  void Run(const std::stop_token& stop, Log& log);
  void LogRead(Log& log, const TokenTable& table) const;

  const std::filesystem::path path_;
  const bool fold_case_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const TokenTable> table_;
  std::condition_variable_any wake_;
  bool watching_ = false;
  // Of Refresh, which one thread calls.
  TokenFilesStamp stamp_;
  std::string failure_;  // the last one, so that it is logged once
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace upgate::plugins
