#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace upgate::plugins {

// Errors are for the user; they name the file and repeat nothing of what is in it.

// The path of a file in an error.
std::string Shown(const std::filesystem::path& file);

// The whole of a file of at most `most` bytes. A FIFO is refused: nobody may ever write to it.
std::expected<std::string, std::string> ReadWhole(const std::filesystem::path& file,
                                                  std::size_t most);

// The files of a folder in the order of their names; of a file that file.
std::expected<std::vector<std::filesystem::path>, std::string> FilesOf(
    const std::filesystem::path& source);

// What shows that a file, or one of a folder, was changed.
struct FilesStamp {
  std::string text;    // of names, sizes and times
  bool fresh = false;  // changed so recently that a further change might not show
};
FilesStamp StampOf(const std::filesystem::path& source);

}  // namespace upgate::plugins
