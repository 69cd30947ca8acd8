#pragma once

#include <cstdint>

namespace upgate::stats {

// Information from the system about this process; 0 if not available.
struct ProcessInfo {
  std::int64_t pid = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  // the soft RLIMIT_NOFILE
};

// A few small reads from /proc: cheap enough for a loop's thread.
ProcessInfo ReadProcessInfo();

}  // namespace upgate::stats
