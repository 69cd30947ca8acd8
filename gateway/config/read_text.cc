#include "gateway/config/read_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "gateway/base/fd.h"
#include "gateway/config/yaml.h"

namespace upgate::config {
namespace {

std::unexpected<std::string> Unreadable(int error) {
  return std::unexpected(fmt::format("cannot be read: {}", std::generic_category().message(error)));
}

std::string_view KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  return "not a file";
}

std::unexpected<std::string> NoFile(mode_t mode) {
  return std::unexpected(fmt::format(
      "cannot be read: is {}; write the path of a regular file, or - for standard input",
      KindOf(mode)));
}

std::expected<std::string, std::string> ReadAll(int fd) {
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (text.size() <= kMaxText) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unreadable(errno);
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

std::expected<std::string, std::string> ReadText(const std::string& file) {
  struct stat info{};
  if (file == kStandardInput) {
    if (::fstat(STDIN_FILENO, &info) != 0) return Unreadable(errno);
    return S_ISDIR(info.st_mode) ? NoFile(info.st_mode) : ReadAll(STDIN_FILENO);
  }
  // Checked before it is opened, because opening a device has side effects.
  if (::stat(file.c_str(), &info) != 0) return Unreadable(errno);
  if (!S_ISREG(info.st_mode)) return NoFile(info.st_mode);
  // O_NONBLOCK: a file that has replaced it meanwhile does not block.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd || ::fstat(fd.get(), &info) != 0) return Unreadable(errno);
  if (!S_ISREG(info.st_mode)) return NoFile(info.st_mode);
  return ReadAll(fd.get());
}

}  // namespace upgate::config
