#pragma once

#include <sys/types.h>

#include <string>

#include "gateway/base/result.h"
#include "gateway/net/socket.h"

namespace upgate::net {

// The file of a listening unix socket. Destroying it removes the file, unless somebody has put
// another one there.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile();

  // Binds `fd` to the path, open to everybody whom the umask lets in. A socket file that nobody
  // answers at is replaced; one that is in use, or is no socket, is kAddressInUse.
  static Result<UnixSocketFile> Bind(int fd, const RawAddress& raw, const std::string& path);

 private:
  std::string path_;  // empty: nothing to remove
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace upgate::net
