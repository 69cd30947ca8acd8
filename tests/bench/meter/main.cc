// Runs a program and says what another one used meanwhile.
//   meter PID COMMAND...     at the end, as the last line of standard output, a JSON object:
//   {"seconds": S, "user_us": U, "system_us": S}    of PID and its descendants
// Exits as COMMAND does.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "tests/bench/meter/process_tree.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

int main(int argc, char** argv) {
  using namespace upgate::bench;
  if (argc < 3) Die("usage: meter PID COMMAND...");
  const ProcessTree tree(static_cast<pid_t>(std::atoi(argv[1])));
  const auto before = tree.Read();
  const std::uint64_t began = Now();

  const pid_t child = fork();
  if (child < 0) DieErrno("fork");
  if (child == 0) {
    execvp(argv[2], argv + 2);
    DieErrno(argv[2]);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) DieErrno("waitpid");

  const auto seconds = static_cast<double>(Now() - began) / static_cast<double>(kSecond);
  const CpuTime used = ProcessTree::Between(before, tree.Read());
  std::printf("{\"seconds\": %.6f, \"user_us\": %llu, \"system_us\": %llu}\n", seconds,
              static_cast<unsigned long long>(used.user / 1000),
              static_cast<unsigned long long>(used.system / 1000));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
