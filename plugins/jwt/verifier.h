#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/plugin/auth.h"
#include "plugins/auth/recent.h"
#include "plugins/jwt/claims.h"
#include "plugins/jwt/key_source.h"

namespace upgate::plugins {

// What tokens are checked by.
struct JwtRules {
  std::vector<tls::SignatureAlgorithm> algorithms;  // at least one
  ClaimRules claims;
};

// Checks the tokens of one loop. Those that were good are remembered, by their digest, as long as
// they and the keys last; of a fixed number those that came last. On its loop's thread.
class JwtVerifier {
 public:
  static constexpr std::size_t kMostRemembered = 4096;

  // Everything outlives the verifier.
  JwtVerifier(const JwtRules& rules, KeySource& keys, io::Timers& timers)
      : rules_(rules), keys_(keys), timers_(timers), remembered_(kMostRemembered) {}

  using Result = std::expected<std::shared_ptr<const plugin::Identity>, TokenFault>;
  // `lacks_key`: set if newer keys might change the result.
  Result Verify(std::string_view token, bool& lacks_key);
  // The same for one token, of which nothing is remembered. `keys`: nullptr if there are none yet.
  static Result VerifyOnce(const JwtRules& rules, std::string_view token, const KeySet* keys,
                           std::int64_t unix_s, bool& lacks_key);
  std::size_t remembered() const { return remembered_.size(); }

 private:
  using Digest = std::array<std::byte, 32>;
  struct HashOfDigest {
    std::size_t operator()(const Digest& digest) const;
  };

  bool IsOver(const plugin::Identity& identity) const;

  const JwtRules& rules_;
  KeySource& keys_;
  io::Timers& timers_;
  std::shared_ptr<const KeySet> keys_then_;  // that the remembered ones were verified with
  Recent<Digest, std::shared_ptr<const plugin::Identity>, HashOfDigest> remembered_;
};

}  // namespace upgate::plugins
