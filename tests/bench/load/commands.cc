#include "tests/bench/load/commands.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace upgate::bench {

Commands::Commands(Loop& loop, std::function<void(std::string_view line)> on_line)
    : on_line_(std::move(on_line)) {
  loop.Add(STDIN_FILENO, EPOLLIN, *this);
}

void Commands::OnEvents(std::uint32_t /*events*/) {
  char buffer[256];
  const ssize_t size = read(STDIN_FILENO, buffer, sizeof buffer);
  if (size <= 0) {
    ended_ = true;
    return;
  }
  input_.append(buffer, static_cast<std::size_t>(size));
  for (std::size_t end = 0; (end = input_.find('\n')) != std::string::npos;) {
    const std::string line = input_.substr(0, end);
    input_.erase(0, end + 1);
    on_line_(line);
  }
}

void Commands::Say(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

}  // namespace upgate::bench
