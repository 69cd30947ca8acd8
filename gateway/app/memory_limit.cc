#include "gateway/app/memory_limit.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <limits>
#include <ranges>
#include <string>

#include "gateway/base/fd.h"

namespace upgate::app {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::string ReadAll(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// "max", or a file that cannot be read, means no limit.
std::uint64_t LimitIn(const std::filesystem::path& file) {
  const std::string text = ReadAll(file);
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  return error == std::errc{} ? bytes : kNoLimit;
}

// The smallest limit of a group and its ancestors. Inside a container the group may not be mounted;
// the limit at the root is then its own.
std::uint64_t SmallestUpward(const std::filesystem::path& root, std::string_view group,
                             std::string_view file) {
  std::uint64_t least = LimitIn(root / file);
  for (std::string_view rest = group; rest.size() > 1; rest = rest.substr(0, rest.rfind('/')))
    least = std::min(least, LimitIn(root / rest.substr(1) / file));
  return least;
}

// The limit of the group in a line of /proc/self/cgroup: "0::/group", or "4:memory:/group" with
// version 1.
std::uint64_t LimitOf(std::string_view line, const std::filesystem::path& root) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return kNoLimit;
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  const std::string_view group = line.substr(second + 1);
  if (!group.starts_with('/')) return kNoLimit;
  if (controllers.empty()) return SmallestUpward(root, group, "memory.max");
  for (const auto controller : std::views::split(controllers, ',')) {
    if (std::string_view(controller) == "memory")
      return SmallestUpward(root / "memory", group, "memory.limit_in_bytes");
  }
  return kNoLimit;
}

}  // namespace

std::uint64_t AvailableMemory(std::string_view groups, const std::filesystem::path& root,
                              std::uint64_t machine) {
  std::uint64_t least = machine;
  for (const auto line : std::views::split(groups, '\n'))
    least = std::min(least, LimitOf(std::string_view(line), root));
  return least;
}

std::uint64_t AvailableMemory() {
  const auto machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return AvailableMemory(ReadAll("/proc/self/cgroup"), "/sys/fs/cgroup", machine);
}

std::uint64_t BytesOf(const config::MemoryLimit& limit, std::uint64_t available) {
  if (limit.bytes != 0) return limit.bytes;
  return std::max(config::kLeastMemoryLimit, available / 100 * limit.percent);
}

// The second number of the file, in pages (proc_pid_statm(5)). Called once a second by a loop that
// relays, so it takes nothing from the heap.
std::uint64_t ResidentMemory() {
  const UniqueFd file(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text;
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (size <= 0) return 0;
  const std::string_view numbers(text.data(), static_cast<std::size_t>(size));
  const std::size_t space = numbers.find(' ');
  if (space == std::string_view::npos) return 0;
  std::uint64_t pages = 0;
  const char* const end = numbers.data() + numbers.size();
  if (std::from_chars(numbers.data() + space + 1, end, pages).ec != std::errc{}) return 0;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool TrimMemory() {
  using Clock = std::chrono::steady_clock;
  constexpr Clock::duration kInterval = std::chrono::seconds(2);
  static std::atomic<Clock::rep> last{0};
  const Clock::rep now = Clock::now().time_since_epoch().count();
  Clock::rep before = last.load(std::memory_order_relaxed);
  if (now - before < kInterval.count()) return false;
  if (!last.compare_exchange_strong(before, now, std::memory_order_relaxed)) return false;
  ::malloc_trim(0);
  return true;
}

}  // namespace upgate::app
