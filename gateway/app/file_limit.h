#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/config/config.h"

namespace upgate::app {

// Takes as many file descriptors as the system lets this process have (the hard RLIMIT_NOFILE): the
// usual soft limit of 1024 is for programs that use select(2), and ends at 500 sessions. Where that
// is refused, the limit stays as it is.
void RaiseFileLimit();

// The soft RLIMIT_NOFILE, and what of it is in use now (3 where /proc does not tell).
std::uint64_t FileLimit();
std::uint64_t OpenFiles();

// What is wrong, with the ways to raise the limit, when the process cannot have `more` descriptors
// than it has now.
std::optional<std::string> LackOfFiles(std::uint64_t more);

// Clients of the admin address at the same time, of a process that may have `limit` descriptors:
// they have a share of the reserve. Connections that are about to end count, too.
constexpr std::uint64_t MostAdminClients(std::uint64_t limit) {
  return std::clamp<std::uint64_t>(limit / 16, 8, 128);
}

// Descriptors that clients leave to everything else: the admin address, name lookups (four at a
// time, each with up to three), and 12 for connections and files that are closed at the end of a
// turn only, for reading /proc, and for telling the service manager.
constexpr std::uint64_t ReservedFiles(std::uint64_t limit) {
  return MostAdminClients(limit) + 12 + 12;
}

// How the descriptors that are left once the gateway listens are shared out.
struct FileShares {
  std::uint64_t clients = 0;       // and their servers: two for each client, one for a session of a
                                   // service; at least two
  std::uint64_t idle_servers = 0;  // kept-alive connections to HTTP servers that wait for a request
};

// `open`: what the process has open before the first client comes. `idle_wanted`: the pools of all
// HTTP backends over all loops; they get a quarter of what is left, at most. Nothing when no client
// would have a place.
std::optional<FileShares> ShareFiles(std::uint64_t limit, std::uint64_t open,
                                     std::uint64_t idle_wanted);

// What the start takes and the first client needs, beyond what is open now; an estimate, high
// enough for one address a listener.
std::uint64_t FilesToStart(const config::Config& config, std::uint64_t workers);

// What ShareFiles wants as `idle_wanted`.
std::uint64_t IdleServersWanted(const config::Config& config, std::uint64_t workers);

}  // namespace upgate::app
