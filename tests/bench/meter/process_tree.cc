#include "tests/bench/meter/process_tree.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace upgate::bench {
namespace {

// The fields ppid, utime, stime, cutime and cstime of proc(5).
struct Stat {
  pid_t parent = 0;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  std::uint64_t children_user = 0;
  std::uint64_t children_system = 0;
};

std::string ProcPath(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

std::optional<Stat> ReadStat(pid_t pid) {
  std::string line;
  if (!std::getline(std::ifstream(ProcPath(pid) + "/stat"), line)) return std::nullopt;
  // The second field is a name in parentheses, which may contain any character.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  Stat stat;
  std::string skipped;
  fields >> skipped >> stat.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  fields >> stat.user >> stat.system >> stat.children_user >> stat.children_system;
  if (!fields) return std::nullopt;
  return stat;
}

std::uint64_t ReadRunTime(pid_t pid) {
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator(ProcPath(pid) + "/task", error)) {
    std::uint64_t run = 0;
    if (std::ifstream(task.path() / "schedstat") >> run) total += run;
  }
  return total;
}

std::vector<pid_t> AllProcesses() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
  }
  return pids;
}

}  // namespace

std::vector<pid_t> ProcessTree::Members() const {
  std::vector<std::pair<pid_t, pid_t>> parents;
  for (const pid_t pid : AllProcesses()) {
    if (const auto stat = ReadStat(pid)) parents.emplace_back(pid, stat->parent);
  }
  std::vector<pid_t> members{root_};
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (const auto& [pid, parent] : parents) {
      if (parent == members[i]) members.push_back(pid);
    }
  }
  return members;
}

ProcessTree::Reading ProcessTree::Read() const {
  static const auto kTick = 1'000'000'000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  Reading reading;
  for (const pid_t pid : Members()) {
    const auto stat = ReadStat(pid);
    if (!stat) continue;
    reading.run += ReadRunTime(pid) + (stat->children_user + stat->children_system) * kTick;
    reading.user += stat->user + stat->children_user;
    reading.system += stat->system + stat->children_system;
  }
  return reading;
}

CpuTime ProcessTree::Between(const Reading& from, const Reading& to) {
  const std::uint64_t run = to.run - from.run;
  const std::uint64_t user = to.user - from.user;
  const std::uint64_t ticks = user + to.system - from.system;
  if (ticks == 0) return {.system = run};
  const auto share = static_cast<double>(user) / static_cast<double>(ticks);
  const auto user_time = static_cast<std::uint64_t>(share * static_cast<double>(run));
  return {.user = user_time, .system = run - user_time};
}

}  // namespace upgate::bench
