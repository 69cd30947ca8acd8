#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace upgate::bench {

// Processor time, in nanoseconds.
struct CpuTime {
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t total() const { return user + system; }
};

// A process and its descendants with all their threads, as listed in /proc.
class ProcessTree {
 public:
  // The totals at one moment, including children that have exited.
  struct Reading {
    std::uint64_t run = 0;   // from schedstat: nanoseconds
    std::uint64_t user = 0;  // from stat: clock ticks, used only to split user from system
    std::uint64_t system = 0;
  };

  explicit ProcessTree(pid_t root) : root_(root) {}

  Reading Read() const;
  static CpuTime Between(const Reading& from, const Reading& to);

 private:
  std::vector<pid_t> Members() const;

  pid_t root_;
};

}  // namespace upgate::bench
