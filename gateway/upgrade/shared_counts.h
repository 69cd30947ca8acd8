#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/result.h"
#include "gateway/base/shared_limit.h"
#include "gateway/io/seldom.h"

namespace upgate::upgrade {

// What all loops of the process count together. Made before they start. Thread-safe.
struct SharedCounts {
  static constexpr std::uint32_t kLinesOfClients = 20;

  // File descriptors: what clients and the servers or files behind them may take, and what
  // connections to HTTP servers may take that wait for a request. No limit until SetMost.
  SharedLimit descriptors;
  SharedLimit idle_servers;
  std::array<io::Seldom, kTlsFaults> tls_warnings;  // by TlsFault
  // Handshakes refused, and requests that no server could be had for: each line is of another
  // client, and tells why. A browser does not tell its page.
  io::Seldom refusals{kLinesOfClients};
  io::Seldom backend_failures{kLinesOfClients};
  io::Seldom failed_requests{kLinesOfClients};
  io::Seldom resource_warnings;     // of handshakes for which there was nothing left
  std::uint64_t process_limit = 0;  // of all descriptors of the process, for messages
};

}  // namespace upgate::upgrade
