// Runs fixed workloads under callgrind, which counts their instructions (valgrind --tool=callgrind
// --instr-atstart=no): each workload ends with a dump named after it. Without callgrind it just
// runs them.
//   guard [NAME...]     default: all
#include <valgrind/callgrind.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/bench/guard/workloads.h"
#include "tests/bench/wire/die.h"

namespace {

void Count(const std::function<void()>& part) {
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  part();
}

bool Wanted(std::string_view name, int argc, char** argv) {
  return argc == 1 || std::any_of(argv + 1, argv + argc, [&](const char* a) { return a == name; });
}

}  // namespace

int main(int argc, char** argv) {
  int ran = 0;
  for (const auto& workload : upgate::bench::Workloads()) {
    if (!Wanted(workload.name, argc, argv)) continue;
    workload.run([&](const std::function<void()>& part) {
      Count(part);
      const std::string name(workload.name);  // must outlive the dump
      CALLGRIND_DUMP_STATS_AT(name.c_str());
      CALLGRIND_STOP_INSTRUMENTATION;
    });
    ++ran;
  }
  if (ran == 0) upgate::bench::Die("no such workload");
}
