#include "plugins/watched/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <fmt/format.h>

#include "gateway/base/fd.h"
#include "gateway/config/error.h"

namespace upgate::plugins {

namespace fs = std::filesystem;

std::string Shown(const fs::path& file) {
  return config::PathExcerpt(file.string());
}

namespace {

std::unexpected<std::string> CannotRead(const fs::path& file) {
  return std::unexpected(
      fmt::format("cannot read {}: {}", Shown(file), std::generic_category().message(errno)));
}

// Reading one waits for somebody who writes, and may never end.
std::string IsFifo(const fs::path& file) {
  return fmt::format("{} is a FIFO; name a file or a folder", Shown(file));
}

}  // namespace

std::expected<std::string, std::string> ReadWhole(const fs::path& file, std::size_t most) {
  // Without waiting for the writer of a FIFO.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct ::stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) return CannotRead(file);
  if (S_ISFIFO(status.st_mode)) return std::unexpected(IsFifo(file));
  std::string text;
  char piece[64 * 1024];
  while (true) {
    const ::ssize_t size = ::read(fd.get(), piece, sizeof piece);
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return CannotRead(file);
    text.append(piece, static_cast<std::size_t>(size));
    if (text.size() > most) return std::unexpected(fmt::format("{} is too large", Shown(file)));
  }
}

std::expected<std::vector<fs::path>, std::string> FilesOf(const fs::path& source) {
  std::error_code error;
  const auto status = fs::status(source, error);
  if (status.type() == fs::file_type::not_found)
    return std::unexpected(fmt::format("{} is not there", Shown(source)));
  if (error)
    return std::unexpected(fmt::format("cannot read {}: {}", Shown(source), error.message()));
  if (status.type() == fs::file_type::fifo) return std::unexpected(IsFifo(source));
  if (status.type() != fs::file_type::directory) return std::vector{source};
  std::vector<fs::path> files;
  for (fs::directory_iterator at(source, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_regular_file(gone)) files.push_back(at->path());
  }
  if (error)
    return std::unexpected(fmt::format("cannot read {}: {}", Shown(source), error.message()));
  std::ranges::sort(files);
  return files;
}

FilesStamp StampOf(const fs::path& source) {
  // As coarse as the clocks of file systems may be.
  constexpr auto kFresh = std::chrono::seconds(2);
  FilesStamp stamp;
  const auto files = FilesOf(source);
  if (!files) return {files.error(), false};
  const auto now = fs::file_time_type::clock::now();
  for (const fs::path& file : *files) {
    std::error_code error;
    const auto time = fs::last_write_time(file, error);
    const auto size = fs::file_size(file, error);
    stamp.text += fmt::format("{}\n{} {}\n", file.string(), size, time.time_since_epoch().count());
    if (now - time < kFresh) stamp.fresh = true;
  }
  return stamp;
}

}  // namespace upgate::plugins
