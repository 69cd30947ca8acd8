#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "gateway/config/config.h"

namespace upgate::app {

// The memory that this process may use: the smallest limit of its control group and of those above
// it (version 2 memory.max, version 1 memory.limit_in_bytes), and never more than the machine has.
// `groups` is what /proc/self/cgroup says, `root` where the control groups are mounted.
std::uint64_t AvailableMemory(std::string_view groups, const std::filesystem::path& root,
                              std::uint64_t machine);
std::uint64_t AvailableMemory();

// What may be held for clients, in bytes; at least config::kLeastMemoryLimit.
std::uint64_t BytesOf(const config::MemoryLimit& limit, std::uint64_t available);

// Gives freed memory of all threads back to the system; false, and nothing done, within two seconds
// of the last time. Takes milliseconds. Thread-safe.
bool TrimMemory();

}  // namespace upgate::app
