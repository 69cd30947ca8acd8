#include "gateway/net/system_error.h"

#include <cerrno>

#include <fmt/format.h>
#include <uv.h>

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

}  // namespace

Error SystemError(int error_number, std::string_view what) {
  const char* reason = uv_strerror(uv_translate_sys_error(error_number));
  return {CodeOf(error_number),
          what.empty() ? std::string(reason) : fmt::format("{}: {}", what, reason)};
}

}  // namespace upgate::net
