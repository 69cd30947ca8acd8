#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "gateway/io/timers.h"

namespace upgate::app {

// What the system says of a file without opening it. Symbolic links are followed, so that a link to
// another file, at any level of the path, shows as well: certbot and Kubernetes replace files so.
struct FileState {
  int error = 0;  // errno of the attempt; the other members are 0 then
  bool regular = false;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;  // of the content, since 1970
  std::int64_t changed_ns = 0;   // of content, owner or mode
  friend bool operator==(const FileState&, const FileState&) = default;
};
using FileStates = std::vector<FileState>;

FileState LookAt(const std::string& file);
FileStates LookAt(const std::vector<std::string>& files);

// Looks at files every so often, and calls back when any of them has changed and all were the same
// in two looks: not while they are being written. Does not open them. Lives on the loop of its
// timers; a look takes some microseconds, and many files are spread over several turns.
class FileWatch final : private io::Timer::Owner {
 public:
  // `interval`: between two looks, more than 0. `seen`: the states from before the files were read
  // last; without them the first look counts as a change. `changed` may destroy the watch.
  FileWatch(io::Timers& timers, io::Millis interval, std::vector<std::string> files,
            std::function<void()> changed, FileStates seen = {});

  // In the order of the files, as of the last call of `changed`; before it, `seen`.
  const FileStates& states() const { return seen_; }
  // Makes the next look count as a change.
  void Forget() { seen_.clear(); }
  // As the constructor's `seen`.
  void MarkAsSeen(FileStates seen);

  // Changed files are looked at again after this time, or after `interval` if that is shorter.
  static constexpr io::Millis kSettle{1'000};
  static constexpr std::size_t kFilesPerTurn = 64;

 private:
  void OnTimer(io::Timer& timer) override;
  void Judge();

  const io::Millis interval_;
  const std::vector<std::string> files_;
  const std::function<void()> changed_;
  FileStates seen_;
  FileStates looked_;   // in this look so far
  FileStates pending_;  // of the last look, if they differ from seen_
  io::Timer timer_;
};

}  // namespace upgate::app
