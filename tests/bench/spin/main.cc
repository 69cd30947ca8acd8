// Keeps a core awake, at the lowest priority, so that any other program can preempt it. Waking a
// halted virtual processor costs more than most of what is measured here.
//   spin CORE        runs until it is killed
#include <sched.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdlib>

#include "tests/bench/wire/die.h"

int main(int argc, char** argv) {
  using namespace upgate::bench;
  if (argc != 2) Die("usage: spin CORE");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(std::atoi(argv[1])), &cores);
  if (sched_setaffinity(0, sizeof cores, &cores) != 0) DieErrno("sched_setaffinity");
  const sched_param none{};
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) DieErrno("sched_setscheduler");
  for (;;) asm volatile("");
}
