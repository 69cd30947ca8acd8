#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "gateway/base/result.h"
#include "gateway/base/shared_limit.h"
#include "gateway/config/config.h"
#include "gateway/io/seldom.h"

namespace upgate::session {

// What all loops of the process count together. Made before they start. Thread-safe.
struct SharedCounts {
  static constexpr std::uint32_t kLinesOfClients = 20;

  explicit SharedCounts(const config::Config& config) {
    for (const config::Route& route : config.routes) AddLimit(sessions, route.limits.sessions);
    for (const config::Listener& listener : config.listeners)
      AddLimit(connections, listener.connections);
  }

  std::deque<SharedLimit> sessions;     // open ones, by route; touched only where there is a limit
  std::deque<SharedLimit> connections;  // of clients, by listener; touched only where there is a
                                        // limit
  // File descriptors: what clients and the servers or files behind them may take, and what
  // connections to HTTP servers may take that wait for a request. No limit until SetMost.
  SharedLimit descriptors;
  SharedLimit idle_servers;
  std::array<io::Seldom, kTlsFaults> tls_warnings;  // by TlsFault
  // Handshakes refused, and requests that no server could be had for: each line is of another
  // client, and tells why. A browser does not tell its page.
  io::Seldom refusals{kLinesOfClients};
  io::Seldom backend_failures{kLinesOfClients};
  io::Seldom resource_warnings;     // of handshakes for which there was nothing left
  std::uint64_t process_limit = 0;  // of all descriptors of the process, for messages

 private:
  static void AddLimit(std::deque<SharedLimit>& limits, std::uint64_t most) {
    limits.emplace_back(most == 0 ? SharedLimit::kNone : most);
  }
};

}  // namespace upgate::session
