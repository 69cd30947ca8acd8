#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "gateway/base/fd.h"
#include "gateway/base/result.h"

namespace upgate::plugins::files {

// A regular file, open for reading, with its metadata. The metadata comes from the descriptor, so
// it belongs to these bytes even if the name is reused.
struct OpenFile {
  UniqueFd fd;
  std::uint64_t size = 0;
  std::int64_t modified_s = 0;  // since 1970
  std::uint32_t modified_ns = 0;
};

enum class OpenError : std::uint8_t {
  kNotFound,   // no such name, not a servable file, or outside of the folder
  kFolder,     // a folder
  kForbidden,  // no permission to read it
  kBusy,       // out of descriptors or memory; may succeed later
  kBroken,     // the disk or file system failed
};

// A folder and the files beneath it; never a file outside of it, whatever a path or a symbolic link
// says. Const use is thread-safe. Refers to the folder, not its name: if it is renamed, it is still
// served; a folder that replaces it is not.
class Folder {
 public:
  // How paths are resolved. kKernel: openat2(2) of Linux 5.6; relative symbolic links that stay
  // inside are followed. kWalk: component by component if that call is missing or forbidden by a
  // sandbox; no symbolic links.
  enum class Way : std::uint8_t { kKernel, kWalk };

  Folder() = default;  // empty; only to be assigned to
  // The error message is the system's. Detects the way to resolve paths unless one is given.
  static Result<Folder> Open(const std::string& path);
  static Result<Folder> Open(const std::string& path, Way way);

  // `path` must be relative, with components separated by single slashes, none of them "." or "..".
  // Does not block on a FIFO, and opens only regular files.
  std::expected<OpenFile, OpenError> OpenBeneath(const std::string& path) const;

  Way way() const { return way_; }
  bool holds_folder() const { return static_cast<bool>(fd_); }

 private:
  Folder(UniqueFd fd, Way way) : fd_(std::move(fd)), way_(way) {}

  UniqueFd fd_;
  Way way_ = Way::kKernel;
};

}  // namespace upgate::plugins::files
