#include "gateway/app/file_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "gateway/http/client_places.h"
#include "gateway/stats/process.h"

namespace upgate::app {
namespace {

// Descriptors of an event loop: two epoll instances, a wake-up descriptor, and one that newer
// versions of libuv use.
constexpr std::uint64_t kFilesOfLoop = 4;
// Descriptors for signal handling, and some to spare.
constexpr std::uint64_t kFilesOfProcess = 6;

}  // namespace

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t FileLimit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

std::uint64_t OpenFiles() {
  return std::max<std::uint64_t>(3, stats::ReadProcessInfo().open_fds);
}

std::optional<std::string> LackOfFiles(std::uint64_t more) {
  const std::uint64_t limit = FileLimit();
  const std::uint64_t needed = OpenFiles() + more;
  if (needed <= limit) return {};
  const std::uint64_t enough = std::max<std::uint64_t>(1024, std::bit_ceil(needed));
  return fmt::format(
      "too few file descriptors: at least {} are needed, and the process may have {}; raise the "
      "limit with ulimit -n {}, LimitNOFILE={} in a systemd unit, or docker --ulimit nofile={}",
      needed, limit, enough, enough, enough);
}

std::optional<FileShares> ShareFiles(std::uint64_t limit, std::uint64_t open,
                                     std::uint64_t idle_wanted) {
  const std::uint64_t used = open + ReservedFiles(limit);
  if (limit < used + http::ClientPlaces::kOfClient) return {};
  const std::uint64_t left = limit - used;
  const std::uint64_t idle = std::min(idle_wanted, left / 4);
  return FileShares{.clients = left - idle, .idle_servers = idle};
}

std::uint64_t FilesToStart(const config::Config& config, std::uint64_t workers) {
  const std::uint64_t sockets =
      config.listeners.size() * workers + std::uint64_t{config.admin.has_value()};
  return kFilesOfProcess + kFilesOfLoop * workers + sockets + ReservedFiles(0) +
         http::ClientPlaces::kOfClient;
}

std::uint64_t IdleServersWanted(const config::Config& config, std::uint64_t workers) {
  std::uint64_t wanted = 0;
  for (const auto& [name, backend] : config.backends) {
    if (backend.relay != config::Relay::kBytes) wanted += backend.pool_size * workers;
  }
  return wanted;
}

}  // namespace upgate::app
