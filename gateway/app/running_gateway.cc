#include "gateway/app/running_gateway.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace upgate::app {
namespace {

namespace fs = std::filesystem;

// The name of a process's program, without the mark of one that was replaced while it runs.
std::string ProgramOf(const fs::path& process) {
  std::error_code error;
  std::string name = fs::read_symlink(process / "exe", error).filename().string();
  constexpr std::string_view kDeleted = " (deleted)";
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  return name;
}

// Calls `take` with the path of every entry of a folder, as far as it is readable.
template <class Take>
void ForEachIn(const fs::path& folder, Take&& take) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) take(entry->path());
}

// The sockets of all other processes of this program, in the form "socket:[inode]".
std::set<std::string> SocketsOfOthers() {
  std::set<std::string> sockets;
  const std::string program = ProgramOf("/proc/self");
  if (program.empty()) return sockets;
  const std::string self = std::to_string(::getpid());
  ForEachIn("/proc", [&](const fs::path& process) {
    const std::string pid = process.filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == self) return;
    if (ProgramOf(process) != program) return;
    ForEachIn(process / "fd", [&](const fs::path& fd) {
      std::error_code error;
      const std::string target = fs::read_symlink(fd, error).string();
      if (!error && target.starts_with("socket:[")) sockets.insert(target);
    });
  });
  return sockets;
}

// True if a line of /proc/net/tcp or tcp6 is one of `sockets` and listens at the port. The columns:
// number, local address, remote address, state, queues, timer, retransmits, user, timeout, inode;
// see proc_net_tcp(5).
bool ListensAtPort(const std::string& line, std::uint16_t port,
                   const std::set<std::string>& sockets) {
  constexpr std::string_view kListening = "0A";
  std::istringstream columns(line);
  std::string number, local, remote, state, skipped, inode;
  columns >> number >> local >> remote >> state;
  for (int i = 0; i < 5; ++i) columns >> skipped;
  columns >> inode;
  return columns && state == kListening && local.ends_with(fmt::format(":{:04X}", port)) &&
         sockets.contains("socket:[" + inode + "]");
}

// The same for /proc/net/unix: number, references, protocol, flags, type, state, inode, path.
bool ListensAtPath(const std::string& line, const std::string& path,
                   const std::set<std::string>& sockets) {
  std::istringstream columns(line);
  std::string skipped, inode, bound;
  for (int i = 0; i < 6; ++i) columns >> skipped;
  columns >> inode >> std::ws;
  std::getline(columns, bound);
  return bound == path && sockets.contains("socket:[" + inode + "]");
}

template <class Matches>
bool AnyLineOf(const char* file, Matches&& matches) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (matches(line)) return true;
  }
  return false;
}

}  // namespace

bool RunningGatewayListensAt(const SocketAddress& address) {
  const std::set<std::string> sockets = SocketsOfOthers();
  if (sockets.empty()) return false;
  if (const auto* path = std::get_if<UnixPath>(&address)) {
    return AnyLineOf("/proc/net/unix", [&](const std::string& line) {
      return ListensAtPath(line, path->path, sockets);
    });
  }
  const auto matches = [&](const std::string& line) {
    return ListensAtPort(line, std::get<IpPort>(address).port, sockets);
  };
  return AnyLineOf("/proc/net/tcp", matches) || AnyLineOf("/proc/net/tcp6", matches);
}

}  // namespace upgate::app
