#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "gateway/base/log.h"

namespace upgate::plugins {

// Users and the hashes of their passwords, read from a file of lines "user:hash", as htpasswd(1)
// writes it; empty lines and those that begin with '#' mean nothing. Of a user who is there twice
// the first line counts. Immutable once read.
class Htpasswd {
 public:
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

  // The errors name the place and repeat nothing of the file. Only hashes that take long to try are
  // accepted: bcrypt, yescrypt and SHA-512.
  static std::expected<Htpasswd, std::string> Read(const std::filesystem::path& file);
  static std::expected<Htpasswd, std::string> Parse(std::string_view text);

  // The hash for a user; of one who is unknown that of another, so that both take as long.
  struct Entry {
    std::string hash;
    bool known = false;
  };
  Entry Find(std::string_view user) const;
  std::size_t size() const { return users_.size(); }
  void Tell(Log& log, const std::filesystem::path& file) const;

 private:
  std::map<std::string, std::string, std::less<>> users_;
};

}  // namespace upgate::plugins
