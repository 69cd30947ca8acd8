#include "gateway/config/files.h"

#include <sys/stat.h>

#include <fmt/format.h>

namespace upgate::config {

std::optional<ConfigError> ExposedFile(const FilePath& file) {
  struct stat info{};
  if (::stat(file.path.c_str(), &info) != 0 || (info.st_mode & S_IROTH) == 0) return {};
  return ConfigError{file.mark, file.key,
                     fmt::format("{} can be read by every user of this machine; chmod o= it",
                                 PathExcerpt(file.path))};
}

}  // namespace upgate::config
