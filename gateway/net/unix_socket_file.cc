#include "gateway/net/unix_socket_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "gateway/net/fd.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// True if the file is a socket that nobody listens on any more.
bool IsStale(const RawAddress& raw, const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT;
  if (!S_ISSOCK(info.st_mode)) return false;
  const auto probe = OpenSocket(AF_UNIX);
  if (!probe) return false;
  return ::connect(probe->get(), raw.get(), raw.length) != 0 && errno == ECONNREFUSED;
}

}  // namespace

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

UnixSocketFile::~UnixSocketFile() {
  if (path_.empty()) return;
  struct stat info{};
  const bool still_there = ::lstat(path_.c_str(), &info) == 0;
  if (still_there && info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

Result<UnixSocketFile> UnixSocketFile::Bind(int fd, const RawAddress& raw,
                                            const std::string& path) {
  const auto failed = [&](int error) {
    return std::unexpected(SystemError(error, fmt::format("listen on unix:{}", path)));
  };
  // bind gives the file the mode of the descriptor, restricted by the umask.
  ::fchmod(fd, 0666);
  int error = ::bind(fd, raw.get(), raw.length) == 0 ? 0 : errno;
  if (error == EADDRINUSE && IsStale(raw, path)) {
    ::unlink(path.c_str());
    error = ::bind(fd, raw.get(), raw.length) == 0 ? 0 : errno;
  }
  if (error != 0) return failed(error);
  struct stat info{};
  UnixSocketFile file;
  if (::lstat(path.c_str(), &info) == 0) {
    file.path_ = path;
    file.device_ = info.st_dev;
    file.inode_ = info.st_ino;
  }
  return file;
}

}  // namespace upgate::net
