#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/config/config.h"

namespace upgate::app {

// Raises the soft limit on file descriptors to the hard limit (RLIMIT_NOFILE): the usual soft limit
// of 1024 exists for programs that use select(2), and suffices for 500 sessions only. If that
// fails, the limit stays as it is.
void RaiseFileLimit();

// The soft RLIMIT_NOFILE, and the number of descriptors in use (3 if /proc is not available).
std::uint64_t FileLimit();
std::uint64_t OpenFiles();

// An error message that says how to raise the limit, if the process cannot open `more` additional
// descriptors.
std::optional<std::string> LackOfFiles(std::uint64_t more);

// The most simultaneous clients of the admin address, for a process that may have `limit`
// descriptors; they are part of the reserve. Connections that are being closed count, too.
constexpr std::uint64_t MostAdminClients(std::uint64_t limit) {
  return std::clamp<std::uint64_t>(limit / 16, 8, 128);
}

// Descriptors that clients cannot use: for the admin address, name lookups (four loops, with up
// to three each), and 12 for connections and files that are closed only at the end of a turn, for
// reading /proc, and for notifying the service manager.
constexpr std::uint64_t ReservedFiles(std::uint64_t limit) {
  return MostAdminClients(limit) + 12 + 12;
}

// How the descriptors that are left when the gateway listens are divided.
struct FileShares {
  std::uint64_t clients = 0;  // with their servers: two for each client, one for a session with
                              // a service; at least two
  std::uint64_t idle_servers = 0;  // idle kept-alive connections to HTTP servers
};

// `open`: the descriptors in use before the first client. `idle_wanted`: the sum of the pools of
// all HTTP backends over all loops; they get at most a quarter of what is left. Returns nullopt if
// not even one client fits.
std::optional<FileShares> ShareFiles(std::uint64_t limit, std::uint64_t open,
                                     std::uint64_t idle_wanted);

// An upper estimate of the descriptors needed to start and to serve one client, beyond those in use
// now, for listeners with one address each.
std::uint64_t FilesToStart(const config::Config& config, std::uint64_t workers);

// The `idle_wanted` of ShareFiles.
std::uint64_t IdleServersWanted(const config::Config& config, std::uint64_t workers);

}  // namespace upgate::app
