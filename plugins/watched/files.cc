#include "plugins/watched/files.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

namespace upgate::plugins {

namespace fs = std::filesystem;

std::expected<std::string, std::string> ReadWhole(const fs::path& file, std::size_t most) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(fmt::format("cannot read {}", file.string()));
  std::string text;
  char piece[64 * 1024];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > most) return std::unexpected(fmt::format("{} is too large", file.string()));
  }
  if (in.bad()) return std::unexpected(fmt::format("cannot read {}", file.string()));
  return text;
}

std::expected<std::vector<fs::path>, std::string> FilesOf(const fs::path& source) {
  std::error_code error;
  const auto status = fs::status(source, error);
  if (status.type() == fs::file_type::not_found)
    return std::unexpected(fmt::format("{} is not there", source.string()));
  if (error)
    return std::unexpected(fmt::format("cannot read {}: {}", source.string(), error.message()));
  // Opening a FIFO waits for a writer, and reading it may never end.
  if (status.type() == fs::file_type::fifo)
    return std::unexpected(fmt::format("{} is a FIFO; name a file or a folder", source.string()));
  if (status.type() != fs::file_type::directory) return std::vector{source};
  std::vector<fs::path> files;
  for (fs::directory_iterator at(source, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_regular_file(gone)) files.push_back(at->path());
  }
  if (error)
    return std::unexpected(fmt::format("cannot read {}: {}", source.string(), error.message()));
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
