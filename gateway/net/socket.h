#pragma once

#include <sys/socket.h>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/net/fd.h"

namespace upgate::net {

// An address as the socket calls take it.
struct RawAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Fails on a path that is empty or longer than the system's limit (107 bytes).
Result<RawAddress> ToRaw(const SocketAddress& address);

// A nameless unix socket is an empty path.
SocketAddress FromRaw(const RawAddress& raw);

// IPv4 and IPv6 addresses only; everything else is all zeros.
IpPort IpPortOf(const RawAddress& raw);

// A non-blocking stream socket, closed on exec. A TCP one sends small writes at once (TCP_NODELAY)
// and probes a peer that is silent for a minute; what is accepted from it inherits both.
Result<UniqueFd> OpenSocket(int family);

// The error that the system keeps for the socket, 0 for none; reading it clears it.
int TakeSocketError(int fd);

// For options without which a socket works, too: a system that refuses one is not an error.
void SetOption(int fd, int level, int name, int value);

// getsockname and getpeername; all zeros where they fail.
RawAddress LocalAddress(int fd);
RawAddress PeerAddress(int fd);

}  // namespace upgate::net
