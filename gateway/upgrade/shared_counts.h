#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gateway/base/overload.h"
#include "gateway/base/result.h"
#include "gateway/base/shared_limit.h"
#include "gateway/io/seldom.h"
#include "gateway/stats/stats.h"

namespace upgate::upgrade {

// Limits and log throttles that all loops of the process share. Created before they start.
// Thread-safe.
struct SharedCounts {
  static constexpr std::uint32_t kLinesOfClients = 20;
  struct SomeLines : io::Seldom {
    SomeLines() : Seldom(kLinesOfClients) {}
  };

  // Limits on file descriptors: for clients with their servers or files, and for idle connections
  // to HTTP servers. Unlimited until SetMost.
  SharedLimit descriptors;
  SharedLimit idle_servers;
  std::array<io::Seldom, kTlsFaults> tls_warnings;  // by TlsFault
  io::Seldom proxy_refusals;                        // connections without a valid PROXY header
  // Refused handshakes, and requests for which no server could be reached. Each line is about
  // another client and has the reason, which browsers do not reveal to pages.
  io::Seldom refusals{kLinesOfClients};
  // Refused credentials by AuthOutcome, so that the many of one kind do not hide the few of
  // another.
  std::array<SomeLines, stats::kAuthOutcomes> access_refusals;
  io::Seldom backend_failures{kLinesOfClients};
  io::Seldom failed_requests{kLinesOfClients};
  io::Seldom resource_warnings;     // handshakes refused for lack of descriptors or memory
  Overload overload;                // what the process is out of
  std::uint64_t process_limit = 0;  // on descriptors, for messages
};

}  // namespace upgate::upgrade
