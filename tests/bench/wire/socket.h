#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/fd.h"

namespace upgate::bench {

// TCP over IPv4 loopback; everything non-blocking, with TCP_NODELAY. Failures end the program.

// Listens at 127.0.0.1.
UniqueFd ListenAt(std::uint16_t port);
// The next connection; none when nobody waits.
UniqueFd Accept(int listener);
// Begins to connect to 127.0.0.1; writable once that is through. `source` is an address of
// 127.0.0.0/8 to come from (each has ports of its own); empty: the system chooses.
UniqueFd ConnectTo(std::uint16_t port, const std::string& source = {});
// The error that a socket has run into, 0 when there is none.
int SocketError(int fd);

}  // namespace upgate::bench
