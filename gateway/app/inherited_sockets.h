#pragma once

#include <memory>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/fd.h"
#include "gateway/base/log.h"
#include "gateway/base/result.h"
#include "gateway/io/network.h"

namespace upgate::app {

// Listening sockets passed by the service manager (LISTEN_FDS; systemd's socket activation,
// sd_listen_fds(3)). They outlive this process, so that clients wait in their backlog during a
// restart instead of being refused. Kept for the life of the process, because they are passed only
// once. Thread-safe after construction.
class InheritedSockets {
 public:
  // Takes the sockets over and removes the environment variables, which child processes would
  // inherit. Descriptors that are not listening stream sockets are closed, with a warning. `log` is
  // borrowed for this call.
  static InheritedSockets FromEnvironment(Log& log);

  // Returns a socket with this address for one more loop; nullptr if none was passed. All loops
  // share its backlog.
  Result<std::unique_ptr<io::BoundSocket>> Take(const SocketAddress& address) const;

  // Logs a warning for each socket without a listener among these addresses.
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
