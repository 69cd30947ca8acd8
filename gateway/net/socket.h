#pragma once

#include <sys/socket.h>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/net/fd.h"

namespace upgate::net {

// An address in the form that socket calls use.
struct RawAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Fails if a path is empty, contains NUL, or is longer than the system's limit (107 bytes).
Result<RawAddress> ToRaw(const SocketAddress& address);

// An unnamed unix socket gives an empty path.
SocketAddress FromRaw(const RawAddress& raw);

// For IPv4 and IPv6 addresses; all zeros for any other.
IpPort IpPortOf(const RawAddress& raw);

// A non-blocking stream socket with close-on-exec. TCP sockets send small writes immediately
// (TCP_NODELAY), as do those that one accepts.
Result<UniqueFd> OpenSocket(int family);

// TCP: probes a peer that is silent for a minute. Accepted sockets inherit it.
void SetKeepAlive(int fd);

// TCP: limits what the system takes in addition to the bytes in flight.
void BoundUnsent(int fd);

// The pending error of the socket (SO_ERROR), 0 for none; reading it clears it.
int TakeSocketError(int fd);

// For optional socket options: failure is ignored.
void SetOption(int fd, int level, int name, int value);

// getsockname and getpeername; all zeros on failure.
RawAddress LocalAddress(int fd);
RawAddress PeerAddress(int fd);

}  // namespace upgate::net
