// Runs a load and measures the processor time of a gateway.
//   meter GATEWAY_PID SERVER_PID COMMAND...     prints, as the last line of standard output:
//   {"seconds": S, "user_us": U, "system_us": S, "load_us": L}
// user and system are the gateway's; load is the time of COMMAND and the server, including
// descendants. The exit code is that of COMMAND.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/meter/process_tree.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

ProcessTree TreeOf(const char* pid) {
  return ProcessTree(static_cast<pid_t>(std::strtol(pid, nullptr, 10)));
}

std::uint64_t Micros(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

struct Ran {
  int status = 0;
  std::uint64_t cpu_us = 0;
};

Ran RunToEnd(char** command) {
  const pid_t child = fork();
  if (child < 0) DieErrno("fork");
  if (child == 0) {
    execvp(command[0], command);
    DieErrno(command[0]);
  }
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child) DieErrno("wait4");
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1,
          .cpu_us = Micros(used.ru_utime) + Micros(used.ru_stime)};
}

int Main(char** arguments) {
  const ProcessTree gateway = TreeOf(arguments[0]);
  const ProcessTree server = TreeOf(arguments[1]);
  const auto gateway_before = gateway.Read();
  const auto server_before = server.Read();
  const std::uint64_t began = Now();
  const Ran ran = RunToEnd(arguments + 2);
  const auto seconds = static_cast<double>(Now() - began) / static_cast<double>(kSecond);
  const CpuTime used = ProcessTree::Between(gateway_before, gateway.Read());
  const CpuTime serving = ProcessTree::Between(server_before, server.Read());
  std::printf("{\"seconds\": %.6f, \"user_us\": %ju, \"system_us\": %ju, \"load_us\": %ju}\n",
              seconds, std::uintmax_t{used.user / 1000}, std::uintmax_t{used.system / 1000},
              std::uintmax_t{ran.cpu_us + serving.total() / 1000});
  return ran.status;
}

}  // namespace
}  // namespace upgate::bench

int main(int argc, char** argv) {
  if (argc < 4) upgate::bench::Die("usage: meter GATEWAY_PID SERVER_PID COMMAND...");
  return upgate::bench::Main(argv + 1);
}
