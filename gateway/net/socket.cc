#include "gateway/net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>

#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// Maximum unsent bytes in the socket buffer, in addition to the bytes in flight. By default the
// system accepts megabytes for a slow reader: memory that the gateway's watermarks do not limit, a
// delay for every ping and Close, and a send queue that seems stalled although the peer reads as
// fast as it can. Bytes in flight are not counted, so this costs no throughput.
constexpr int kMostUnsent = 128 * 1024;

RawAddress RawIp(const IpPort& from) {
  RawAddress raw;
  if (from.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(from.port);
    std::memcpy(&v4.sin_addr, from.ip.bytes.data() + 12, 4);
    std::memcpy(&raw.storage, &v4, sizeof v4);
    raw.length = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(from.port);
    std::memcpy(&v6.sin6_addr, from.ip.bytes.data(), 16);
    std::memcpy(&raw.storage, &v6, sizeof v6);
    raw.length = sizeof v6;
  }
  return raw;
}

Result<RawAddress> RawPath(const UnixPath& from) {
  sockaddr_un un{};
  // A NUL would truncate the path.
  if (from.path.empty() || from.path.find('\0') != std::string::npos) {
    return Fail(Errc::kOther, "not a path for a unix socket");
  }
  if (from.path.size() >= sizeof un.sun_path) {
    return Fail(Errc::kOther, fmt::format("a unix socket's path has at most {} bytes: {}",
                                          sizeof un.sun_path - 1, from.path));
  }
  un.sun_family = AF_UNIX;
  std::ranges::copy(from.path, un.sun_path);
  RawAddress raw;
  std::memcpy(&raw.storage, &un, sizeof un);
  raw.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + from.path.size() + 1);
  return raw;
}

}  // namespace

void SetOption(int fd, int level, int name, int value) {
  static_cast<void>(::setsockopt(fd, level, name, &value, sizeof value));
}

Result<RawAddress> ToRaw(const SocketAddress& address) {
  if (const auto* path = std::get_if<UnixPath>(&address)) return RawPath(*path);
  return RawIp(std::get<IpPort>(address));
}

IpPort IpPortOf(const RawAddress& raw) {
  IpPort to;
  if (raw.family() == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &raw.storage, sizeof v4);
    to.ip.bytes[10] = to.ip.bytes[11] = 0xff;
    std::memcpy(to.ip.bytes.data() + 12, &v4.sin_addr, 4);
    to.port = ntohs(v4.sin_port);
  } else if (raw.family() == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &raw.storage, sizeof v6);
    std::memcpy(to.ip.bytes.data(), &v6.sin6_addr, 16);
    to.port = ntohs(v6.sin6_port);
  }
  return to;
}

SocketAddress FromRaw(const RawAddress& raw) {
  if (raw.family() != AF_UNIX) return IpPortOf(raw);
  sockaddr_un un;
  std::memcpy(&un, &raw.storage, sizeof un);
  const std::size_t start = offsetof(sockaddr_un, sun_path);
  const std::size_t room =
      raw.length > start ? std::min<std::size_t>(raw.length - start, sizeof un.sun_path) : 0;
  return UnixPath{std::string(un.sun_path, ::strnlen(un.sun_path, room))};
}

Result<UniqueFd> OpenSocket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(SystemError(errno, "socket"));
  if (family != AF_UNIX) SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  return fd;
}

// Switched on first: the times then count from the last sign of life.
void SetKeepAlive(int fd) {
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

void BoundUnsent(int fd) {
  SetOption(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kMostUnsent);
}

int TakeSocketError(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

RawAddress LocalAddress(int fd) {
  RawAddress raw;
  return ::getsockname(fd, raw.get(), &raw.length) == 0 ? raw : RawAddress{};
}

RawAddress PeerAddress(int fd) {
  RawAddress raw;
  return ::getpeername(fd, raw.get(), &raw.length) == 0 ? raw : RawAddress{};
}

}  // namespace upgate::net
