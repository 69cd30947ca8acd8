#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace upgate::test {

// A temporary folder for a test, removed with its contents at the end. Names are relative to it;
// parent folders are created.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "upgate-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string At(std::string_view name) const { return (path_ / name).string(); }

  void Folder(std::string_view name) const { std::filesystem::create_directories(path_ / name); }
  // Writes a file last modified at `modified`, in seconds since 1970.
  void Write(std::string_view name, std::string_view content,
             std::int64_t modified = 1'600'000'000) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    SetModified(name, modified);
  }
  void SetModified(std::string_view name, std::int64_t seconds) const {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (::utimensat(AT_FDCWD, At(name).c_str(), times, 0) != 0)
      throw std::runtime_error("utimensat failed");
  }
  void Link(std::string_view name, const std::filesystem::path& to) const {
    std::filesystem::create_symlink(to, path_ / name);
  }
  void Fifo(std::string_view name) const {
    if (::mkfifo(At(name).c_str(), 0600) != 0) throw std::runtime_error("mkfifo failed");
  }
  void Resize(std::string_view name, std::uintmax_t size) const {
    std::filesystem::resize_file(path_ / name, size);
  }

 private:
  std::filesystem::path path_;
};

// Number of open descriptors of this process.
inline std::size_t OpenDescriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), ::closedir);
  std::size_t count = 0;
  while (::readdir(folder.get()) != nullptr) ++count;
  return count;
}

}  // namespace upgate::test
