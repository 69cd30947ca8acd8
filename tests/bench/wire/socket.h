#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/fd.h"

namespace upgate::bench {

// TCP over IPv4 loopback; all sockets are non-blocking, with TCP_NODELAY. Failures end the program.

// Listens at 127.0.0.1.
UniqueFd ListenAt(std::uint16_t port);
// The next connection; none if the backlog is empty.
UniqueFd Accept(int listener);
// Begins to connect to 127.0.0.1; the socket is writable once connected. `source` is a local
// address in 127.0.0.0/8 (each has its own ports); empty: the kernel chooses.
UniqueFd ConnectTo(std::uint16_t port, const std::string& source = {});
// The pending error of a socket, or 0.
int SocketError(int fd);

}  // namespace upgate::bench
