#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/base/log.h"
#include "plugins/token_file/table.h"
#include "plugins/watched/change_watch.h"

namespace upgate::plugins {

// The table of a file or folder, read again when that changes; see ChangeWatch. Thread-safe.
class TokenSource {
 public:
  // `path` was read into `table`; `stamp` was taken before that.
  TokenSource(std::filesystem::path path, bool fold_case, TokenTable table, FilesStamp stamp);

  // The newest that could be read. A file that is gone or cannot be read any more changes nothing.
  std::shared_ptr<const TokenTable> table() const;

  // Begins to look for changes, once a second; only the first call counts. `log` must outlive the
  // source.
  void Watch(Log& log);
  // Reads the files again if they have changed. Returns whether they were read.
  bool Refresh(Log& log) { return watch_.Refresh(log); }

 private:
  std::expected<void, std::string> Read(Log* log);
  void LogRead(Log& log, const TokenTable& table) const;

  const bool fold_case_;
  mutable std::mutex mutex_;  // of what follows
  std::shared_ptr<const TokenTable> table_;
  ChangeWatch watch_;  // last: its thread uses the rest
};

}  // namespace upgate::plugins
