#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "gateway/base/fd.h"
#include "gateway/base/result.h"

namespace upgate::plugins::files {

// A regular file, open for reading, and what it was like then. Looked at through its own
// descriptor, so that what is said about it is about these bytes, whatever becomes of the name.
struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;
  std::int64_t modified_s = 0;  // since 1970
  std::uint32_t modified_ns = 0;
};

enum class OpenError : std::uint8_t {
  kNotFound,   // nothing of that name that could be served, or nothing inside the folder
  kFolder,     // a folder
  kForbidden,  // the system does not let this process read it
  kBusy,       // out of descriptors or memory; may work later
  kBroken,     // the disk, or whatever is behind it, failed
};

// A folder, and the files beneath it; never one outside of it, whatever a path or a symbolic link
// in it says. Const use is thread-safe. Follows the folder and not its name: one that is renamed is
// served on, one that takes its place is not.
class Folder {
 public:
  // How a path is resolved. kKernel: openat2(2) of Linux 5.6; relative symbolic links that stay
  // inside are followed. kWalk: name by name where that call is missing or a sandbox forbids it; no
  // symbolic links at all.
  enum class Way : std::uint8_t { kKernel, kWalk };

  Folder() = default;  // holds nothing; only to be replaced
  // The message is the system's reason. Finds out which way there is, unless one is given.
  static Result<Folder> Open(const std::string& path);
  static Result<Folder> Open(const std::string& path, Way way);

  // `path` is relative, its names separated by single slashes, none of them "." or "..". Neither
  // blocks on a FIFO nor takes anything but regular files.
  std::expected<OpenFile, OpenError> OpenBeneath(const std::string& path) const;

  Way way() const { return way_; }
  bool holds_folder() const { return static_cast<bool>(fd_); }

 private:
  Folder(UniqueFd fd, Way way) : fd_(std::move(fd)), way_(way) {}

  UniqueFd fd_;
  Way way_ = Way::kKernel;
};

}  // namespace upgate::plugins::files
