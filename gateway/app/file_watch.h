#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/io/timers.h"

namespace upgate::app {

// The state of a file, from stat(2), without opening it. Symbolic links are followed, so that a
// change of a link at any level of the path is noticed: certbot and Kubernetes replace files in
// this way.
struct FileState {
  int error = 0;  // errno if the file cannot be examined; the other members are 0 then
  bool regular = false;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;  // of the content; nanoseconds since 1970
  std::int64_t changed_ns = 0;   // of content, owner or mode
  friend bool operator==(const FileState&, const FileState&) = default;
};
using FileStates = std::vector<FileState>;

FileState LookAt(const std::string& file);
FileStates LookAt(const std::vector<std::string>& files);

// Polls files, and calls back when any of them has changed and all were the same in two successive
// checks, so that files are not read while they are being written. Does not open them. On the
// thread of its timers; a check of one file takes some microseconds, and many files are checked
// over several turns.
class FileWatch final : private io::Timer::Owner {
 public:
  // `interval`: between two checks, more than 0. `seen`: the states before the files were last
  // read; without them the first check counts as a change. `changed` may destroy the watch.
  FileWatch(io::Timers& timers, io::Millis interval, std::vector<std::string> files,
            std::function<void()> changed, FileStates seen = {});

  // The states in the order of the files, as of the last call of `changed`; before the first call,
  // `seen`.
  const FileStates& states() const { return seen_; }
  // Makes the next check count as a change.
  void Forget() { seen_.clear(); }
  // Replaces `seen`; see the constructor.
  void MarkAsSeen(FileStates seen);

  // Changed files are checked again after this time, or after `interval` if that is shorter.
  static constexpr io::Millis kSettle{1'000};
  static constexpr std::size_t kFilesPerTurn = 64;

 private:
  void OnTimer(io::Timer& timer) override;
  void Judge();

  const io::Millis interval_;
  const std::vector<std::string> files_;
  const std::function<void()> changed_;
  FileStates seen_;
  FileStates looked_;   // in the current check so far
  FileStates pending_;  // of the last check, if they differ from seen_
  io::Timer timer_;
};

}  // namespace upgate::app
