#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/plugin/credentials.h"

namespace upgate::plugins {

// The keys that tokens are verified with. Immutable once read.
class KeySet {
 public:
  static constexpr std::size_t kMostBytes = 256 * 1024;
  static constexpr std::size_t kMostKeys = 64;

  // A JWK Set (RFC 7517, section 5). Keys that cannot verify signatures, or are of another kind,
  // are left out; also secret ones, which no public file should have. The error is a clause; there
  // must be a key.
  static std::expected<KeySet, std::string> Parse(std::string_view json);
  // Public keys in PEM, which have no id and may be meant by any. The error is a clause.
  static std::expected<KeySet, std::string> ParsePem(std::string_view text);
  // For Watched: either of them.
  static std::expected<KeySet, std::string> Read(const std::filesystem::path& file);
  // Of one secret, for HS256 and so on.
  static KeySet OfSecret(std::string_view secret);

  // Whether a key that can have been meant has signed the token: of those that fit the algorithm
  // the one that is named, or any if none is named.
  enum class Verdict { kSigned, kNotSigned, kNoKey };
  Verdict Verify(std::string_view token, tls::SignatureAlgorithm algorithm,
                 const std::optional<std::string>& key_id) const;
  std::size_t size() const { return keys_.size(); }
  void Tell(Log& log, const std::filesystem::path& file) const;

 private:
  struct Entry {
    std::string id;  // empty: none
    std::optional<tls::SignatureAlgorithm> algorithm;
    tls::VerifyKey key;
  };
  std::vector<Entry> keys_;
};

}  // namespace upgate::plugins
