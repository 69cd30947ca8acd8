#include "gateway/net/system_error.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <uv.h>

#include "gateway/net/fd.h"

namespace upgate::net {
namespace {

Errc CodeOf(int error_number) {
  switch (error_number) {
    case ECONNREFUSED:
      return Errc::kRefused;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENOENT:
    case ENOTDIR:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return Errc::kUnreachable;
    case ETIMEDOUT:
      return Errc::kTimeout;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
      return Errc::kReset;
    case EADDRINUSE:
      return Errc::kAddressInUse;
    case EACCES:
    case EPERM:
      return Errc::kPermission;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case EAGAIN:
      return Errc::kLimit;
    default:
      return Errc::kOther;
  }
}

// "too many open files" does not name the limit or its value.
std::string ReasonOf(int error_number) {
  if (error_number == ENFILE) return "no file descriptors left in the whole system (fs.file-max)";
  if (error_number == EMFILE) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return fmt::format(
        "no file descriptors left; the process may have {} (ulimit -n, LimitNOFILE=, docker "
        "--ulimit nofile=)",
        limit.rlim_cur);
  }
  return uv_strerror(uv_translate_sys_error(error_number));
}

}  // namespace

Error SystemError(int error_number, std::string_view what) {
  std::string reason = ReasonOf(error_number);
  return {CodeOf(error_number),
          what.empty() ? std::move(reason) : fmt::format("{}: {}", what, reason)};
}

std::optional<Error> LackOfDescriptors(std::size_t wanted) {
  std::vector<UniqueFd> taken;
  while (taken.size() < wanted) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int error = fd ? 0 : errno;
    if (error == EMFILE || error == ENFILE) return SystemError(error);
    if (error != 0) return {};
    taken.push_back(std::move(fd));
  }
  return {};
}

}  // namespace upgate::net
