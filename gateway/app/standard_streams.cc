#include "gateway/app/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "gateway/base/line_writer.h"

namespace upgate::app {

void PrepareStandardStreams() {
  std::signal(SIGPIPE, SIG_IGN);
  // open(2) returns the lowest free descriptor, so each stream gets its own.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) ::open("/dev/null", O_RDWR);
  }
}

void Print(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

void PrintPromptly(int fd, std::string_view text) {
  LineWriter(fd, {.capacity = text.size()}).Write(text);
}

int FinishOutput(int exit_code) {
  // Both are needed: an earlier write may have failed even if the flush succeeds.
  const bool failed_before = std::ferror(stdout) != 0;
  const bool flushed = std::fflush(stdout) == 0;
  if (flushed && !failed_before) return exit_code;
  if (!flushed && errno != EPIPE)
    Print(stderr, std::string("upgate: standard output: ") + std::strerror(errno) + "\n");
  return exit_code == 0 ? 1 : exit_code;
}

}  // namespace upgate::app
