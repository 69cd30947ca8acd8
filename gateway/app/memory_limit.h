#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "gateway/config/config.h"

namespace upgate::app {

// The memory that this process may use, in bytes: the smallest limit of its control group and of
// the groups above it (version 2 memory.max, version 1 memory.limit_in_bytes), and at most
// `machine`. `groups` is the content of /proc/self/cgroup; `root` is where control groups are
// mounted.
std::uint64_t AvailableMemory(std::string_view groups, const std::filesystem::path& root,
                              std::uint64_t machine);
std::uint64_t AvailableMemory();

// The memory that may be held for clients, in bytes; at least config::kLeastMemoryLimit.
std::uint64_t BytesOf(const config::MemoryLimit& limit, std::uint64_t available);

// The memory that this process uses, in bytes (resident set size); 0 if /proc is not available.
std::uint64_t ResidentMemory();

// Returns freed memory of all threads to the system. Does nothing and returns false within two
// seconds of the last call that did. Takes milliseconds. Thread-safe.
bool TrimMemory();

}  // namespace upgate::app
