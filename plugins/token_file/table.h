#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace upgate::plugins {

// Tokens and the targets they stand for, read from a file or from all files of a folder, in the
// formats of websockify's TokenFile and TokenFileName:
//   - lines of "token: host:port", also "token: unix_socket:/path"; empty lines and those that
//   begin
//     with '#' mean nothing; of a token that stands there twice the last line counts
//   - in a folder also files of one line "host:port", whose name is the token
// Targets may be URLs and unix:/path, too. Immutable once read.
class TokenTable {
 public:
  static constexpr std::size_t kMostBytes = 64 * 1024 * 1024;  // of all files together

  // The error is for the user; it names the file and repeats nothing of what is in it. Lines that
  // are in no format are left out: see faults. `fold_case`: tokens are compared in lower case.
  static std::expected<TokenTable, std::string> Read(const std::filesystem::path& source,
                                                     bool fold_case = false);

  // The target, in the form of a resolver's answer; nullptr if the token is unknown.
  const std::string* Find(std::string_view token) const;
  std::size_t size() const { return targets_.size(); }
  // The places of lines that were left out, "FILE:LINE": all counted, the first few named.
  std::size_t faults() const { return faults_; }
  const std::vector<std::string>& fault_places() const { return fault_places_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };

  void AddText(const std::string& name, std::string_view text, bool of_folder);
  void Add(std::string_view token, std::string_view target);
  void AddFault(const std::string& name, std::size_t line);

  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> targets_;
  bool fold_case_ = false;
  std::size_t faults_ = 0;
  std::vector<std::string> fault_places_;
};

}  // namespace upgate::plugins
