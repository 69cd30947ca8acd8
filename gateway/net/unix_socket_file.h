#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/result.h"
#include "gateway/net/socket.h"

namespace upgate::net {

// The file of a listening unix socket. The destructor removes the file, unless it was replaced by
// another one.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile();

  // Binds `fd` to the path, with access for everyone that the umask allows. A stale socket file is
  // replaced; kAddressInUse if the socket is in use or the file is not a socket.
  static Result<UnixSocketFile> Bind(int fd, const RawAddress& raw, const std::string& path);

 private:
  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace upgate::net
