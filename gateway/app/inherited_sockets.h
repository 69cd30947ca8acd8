#pragma once

#include <memory>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/io/network.h"

namespace upgate::app {

// Listening sockets that the service manager has opened and passed on (LISTEN_FDS; systemd's socket
// activation, sd_listen_fds(3)). They outlive this process, so that clients wait in their backlog
// while the gateway restarts instead of being refused. Kept for the life of the process, because
// they come only once; thread-safe after it is made.
class InheritedSockets {
 public:
  // Takes them over and removes the variables, for programs that would inherit them. What is not a
  // listening stream socket is closed, with a warning. `log` is borrowed for this call.
  static InheritedSockets FromEnvironment(Log& log);

  // A socket for one more loop, of that address; nullptr when none was inherited for it. All loops
  // share the backlog.
  Result<std::unique_ptr<io::BoundSocket>> Take(const SocketAddress& address) const;

  // Warns of sockets for which there is no listener among these addresses.
  void WarnOfUnused(const std::vector<std::vector<SocketAddress>>& listeners, Log& log) const;

  bool empty() const { return sockets_.empty(); }

 private:
  struct Socket {
    UniqueFd fd;
    SocketAddress address;
  };
  std::vector<Socket> sockets_;
};

}  // namespace upgate::app
