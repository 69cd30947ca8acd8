#include "plugins/token_file/table.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::plugins {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFaultPlaces = 3;
constexpr std::string_view kSpaces = " \t\r\n\f\v";

std::string_view Strip(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

// Where the ':' before a space is; npos if there is none, or more than one.
std::size_t SeparatorOf(std::string_view line) {
  std::size_t found = std::string_view::npos;
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    if (line[i] != ':' || !kSpaces.contains(line[i + 1])) continue;
    if (found != std::string_view::npos) return std::string_view::npos;
    found = i;
  }
  return found;
}

// As websockify reads it: the port is what stands behind the last ':', so that an IPv6 address
// needs no brackets.
std::string AsTarget(std::string_view target) {
  constexpr std::string_view kUnixSocket = "unix_socket:";
  if (target.starts_with(kUnixSocket))
    return "unix:" + std::string(target.substr(kUnixSocket.size()));
  if (target.contains("://") || target.starts_with("unix:")) return std::string(target);
  const std::size_t colon = target.rfind(':');
  const std::string_view host = target.substr(0, colon);
  if (colon == std::string_view::npos || !host.contains(':') || host.starts_with('['))
    return std::string(target);
  return fmt::format("[{}]{}", host, target.substr(colon));
}

std::expected<std::string, std::string> ReadWhole(const fs::path& file, std::size_t most) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(fmt::format("cannot read {}", file.string()));
  std::string text;
  char piece[64 * 1024];
  while (in.read(piece, sizeof piece) || in.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(in.gcount()));
    if (text.size() > most)
      return std::unexpected(fmt::format("{} is too large for a file of tokens", file.string()));
  }
  if (in.bad()) return std::unexpected(fmt::format("cannot read {}", file.string()));
  return text;
}

// The files of a folder in the order of their names; of a file that file.
std::expected<std::vector<fs::path>, std::string> FilesOf(const fs::path& source) {
  std::error_code error;
  const auto status = fs::status(source, error);
  if (status.type() == fs::file_type::not_found)
    return std::unexpected(fmt::format("{} is not there", source.string()));
  if (error)
    return std::unexpected(fmt::format("cannot read {}: {}", source.string(), error.message()));
  if (status.type() == fs::file_type::regular) return std::vector{source};
  // Reading a FIFO or a device may never end.
  if (status.type() != fs::file_type::directory)
    return std::unexpected(fmt::format("{} is neither a file nor a folder", source.string()));
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

}  // namespace

std::expected<TokenTable, std::string> TokenTable::Read(const fs::path& source, bool fold_case) {
  const auto files = FilesOf(source);
  if (!files) return std::unexpected(files.error());
  TokenTable table;
  table.fold_case_ = fold_case;
  std::error_code ignored;
  const bool of_folder = fs::is_directory(source, ignored);
  std::size_t left = kMostBytes;
  for (const fs::path& file : *files) {
    const auto text = ReadWhole(file, left);
    if (!text) return std::unexpected(text.error());
    left -= text->size();
    table.AddText(file.string(), *text, of_folder);
  }
  return table;
}

void TokenTable::AddText(const std::string& name, std::string_view text, bool of_folder) {
  std::vector<std::pair<std::size_t, std::string_view>> others;  // lines without a separator
  std::size_t found = 0;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    ++number;
    const std::string_view whole = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), whole.size() + 1));
    const std::string_view line = Strip(whole);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t at = SeparatorOf(line);
    if (at == std::string_view::npos || at == 0) {
      others.emplace_back(number, line);
      continue;
    }
    ++found;
    Add(line.substr(0, at), Strip(line.substr(at + 1)));
  }
  // Written for its name.
  if (of_folder && found == 0 && others.size() == 1 && others[0].second.contains(':') &&
      others[0].second.find_first_of(kSpaces) == std::string_view::npos) {
    return Add(std::filesystem::path(name).filename().string(), others[0].second);
  }
  for (const auto& [line, what] : others) AddFault(name, line);
}

void TokenTable::Add(std::string_view token, std::string_view target) {
  targets_.insert_or_assign(fold_case_ ? ToLower(token) : std::string(token), AsTarget(target));
}

void TokenTable::AddFault(const std::string& name, std::size_t line) {
  if (++faults_ <= kMostFaultPlaces) fault_places_.push_back(fmt::format("{}:{}", name, line));
}

const std::string* TokenTable::Find(std::string_view token) const {
  const auto it = targets_.find(token);
  return it == targets_.end() ? nullptr : &it->second;
}

TokenFilesStamp StampOf(const fs::path& source) {
  // As coarse as the clocks of file systems may be.
  constexpr auto kFresh = std::chrono::seconds(2);
  TokenFilesStamp stamp;
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
