#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/log.h"
#include "gateway/plugin/auth.h"

namespace upgate::plugins {

// Named tokens, read from a file of lines "name: token"; empty lines and those that begin with '#'
// mean nothing. Keeps keyed digests instead of the tokens, so that a look-up takes the same time
// however much of a token is right. Immutable once read.
class TokenList {
 public:
  static constexpr std::size_t kShortest = 16;  // characters of a token
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

  // The errors name the place and repeat nothing of the file.
  static std::expected<TokenList, std::string> Read(const std::filesystem::path& file);
  static std::expected<TokenList, std::string> Parse(std::string_view text);

  // nullptr if the token is unknown.
  std::shared_ptr<const plugin::Identity> Find(std::string_view token) const;
  std::size_t size() const { return names_.size(); }
  void Tell(Log& log, const std::filesystem::path& file) const;

 private:
  // Adds the token of a line; what is wrong with it, else empty.
  std::string Add(std::string_view line);
  std::string DigestOf(std::string_view token) const;

  std::string key_;
  std::unordered_map<std::string, std::shared_ptr<const plugin::Identity>> names_;  // by digest
};

}  // namespace upgate::plugins
