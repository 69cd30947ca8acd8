#include "plugins/files/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <linux/openat2.h>
#include <string_view>
#include <utility>

namespace upgate::plugins::files {
namespace {

// Opening must have no side effects and never block: a FIFO would wait for a writer, a terminal
// would become the controlling terminal.
constexpr int kToRead = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
constexpr int kToPassThrough = O_PATH | O_DIRECTORY | O_CLOEXEC;

// EAGAIN means that something was renamed meanwhile, so that the kernel cannot tell whether the
// path left the folder.
constexpr int kAttempts = 4;

// An open descriptor, or an errno.
using Opened = std::expected<UniqueFd, int>;

Opened Take(long fd) {
  if (fd < 0) return std::unexpected(errno);
  return UniqueFd(static_cast<int>(fd));
}

Opened OpenByKernel(int folder, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 1;; ++attempt) {
    Opened opened = Take(::syscall(SYS_openat2, folder, path, &how, sizeof how));
    if (opened || (opened.error() != EINTR && opened.error() != EAGAIN) || attempt == kAttempts)
      return opened;
  }
}

Opened OpenName(int folder, const std::string& name, int flags) {
  if (name.empty() || name == "." || name == "..") return std::unexpected(ENOENT);
  for (int attempt = 1;; ++attempt) {
    Opened opened = Take(::openat(folder, name.c_str(), flags | O_NOFOLLOW));
    if (opened || opened.error() != EINTR || attempt == kAttempts) return opened;
  }
}

Opened OpenByWalking(int folder, std::string_view path) {
  UniqueFd reached;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/')) {
    Opened next = OpenName(reached ? reached.get() : folder, std::string(path.substr(0, slash)),
                           kToPassThrough);
    if (!next) return next;
    reached = std::move(*next);
    path.remove_prefix(slash + 1);
  }
  return OpenName(reached ? reached.get() : folder, std::string(path), kToRead);
}

OpenError ErrorOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:  // too many symbolic links, or one where none is allowed
    case EXDEV:  // the path leaves the folder
    case ENAMETOOLONG:
    case EINVAL:  // a name that this file system does not support
    case EILSEQ:
    case ENXIO:  // a socket, or a device without a driver
    case ENODEV:
    case ESTALE:
      return OpenError::kNotFound;
    case EACCES:
    case EPERM:
      return OpenError::kForbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EINTR:
    case EAGAIN:
      return OpenError::kBusy;
    default:
      return OpenError::kBroken;
  }
}

}  // namespace

Result<Folder> Folder::Open(const std::string& path) {
  auto folder = Open(path, Way::kKernel);
  if (!folder) return folder;
  // Also checks that the folder may be searched.
  const Opened itself = OpenByKernel(folder->fd_.get(), ".", kToPassThrough);
  if (itself) return folder;
  if (itself.error() == ENOSYS || itself.error() == EPERM) return Open(path, Way::kWalk);
  return Fail(Errc::kPermission, std::strerror(itself.error()));
}

Result<Folder> Folder::Open(const std::string& path, Way way) {
  auto opened = Take(::open(path.c_str(), kToPassThrough));
  if (!opened)
    return Fail(opened.error() == EACCES ? Errc::kPermission : Errc::kOther,
                std::strerror(opened.error()));
  return Folder(std::move(*opened), way);
}

std::expected<OpenFile, OpenError> Folder::OpenBeneath(const std::string& path) const {
  auto opened = way_ == Way::kKernel ? OpenByKernel(fd_.get(), path.c_str(), kToRead)
                                     : OpenByWalking(fd_.get(), path);
  if (!opened) return std::unexpected(ErrorOf(opened.error()));
  struct stat about{};
  if (::fstat(opened->get(), &about) != 0) return std::unexpected(ErrorOf(errno));
  if (S_ISDIR(about.st_mode)) return std::unexpected(OpenError::kFolder);
  if (!S_ISREG(about.st_mode)) return std::unexpected(OpenError::kNotFound);
  return OpenFile{.fd = std::move(*opened),
                  .size = static_cast<std::uint64_t>(about.st_size),
                  .modified_s = about.st_mtim.tv_sec,
                  .modified_ns = static_cast<std::uint32_t>(about.st_mtim.tv_nsec)};
}

}  // namespace upgate::plugins::files
