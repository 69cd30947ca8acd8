#pragma once

#include <cstdint>

namespace upgate::stats {

// What the system says about this process; 0 where it does not tell.
struct ProcessInfo {
  std::int64_t pid = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;  // the soft RLIMIT_NOFILE
};

// Cheap enough for a loop's thread: a few small reads from /proc.
ProcessInfo ReadProcessInfo();

}  // namespace upgate::stats
