#include "plugins/jwt/verifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/bytes.h"

namespace upgate::plugins {

using plugin::AuthReason;

std::size_t JwtVerifier::HashOfDigest::operator()(const Digest& digest) const {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

bool JwtVerifier::IsOver(const plugin::Identity& identity) const {
  return identity.ends_unix_ms && timers_.UnixSeconds() * 1000 >= *identity.ends_unix_ms;
}

JwtVerifier::Result JwtVerifier::Verify(std::string_view token, bool& lacks_key) {
  lacks_key = false;
  const std::shared_ptr<const KeySet> keys = keys_.keys();
  if (keys != keys_then_) {
    remembered_.Clear();
    keys_then_ = keys;
  }
  const Digest digest = tls::Sha256(AsBytes(token));
  if (const auto* known = remembered_.Find(digest)) {
    if (!IsOver(**known)) return *known;
    remembered_.Erase(digest);
  }
  Result result = VerifyOnce(rules_, token, keys.get(), timers_.UnixSeconds(), lacks_key);
  if (result) remembered_.Put(digest, *result);
  return result;
}

JwtVerifier::Result JwtVerifier::VerifyOnce(const JwtRules& rules, std::string_view token,
                                            const KeySet* keys, std::int64_t unix_s,
                                            bool& lacks_key) {
  const auto fault = [](AuthReason reason, std::string why) {
    return std::unexpected(TokenFault{reason, std::move(why)});
  };
  const auto parts = JwtParts::Read(token);
  if (!parts) return std::unexpected(parts.error());
  if (std::ranges::find(rules.algorithms, parts->algorithm) == rules.algorithms.end())
    return fault(AuthReason::kWrong, "the token's alg is not among the algorithms");
  if (keys == nullptr) {
    lacks_key = true;
    return fault(AuthReason::kFailed, "there are no keys yet");
  }
  switch (keys->Verify(token, parts->algorithm, parts->key_id)) {
    case KeySet::Verdict::kSigned:
      break;
    case KeySet::Verdict::kNotSigned:
      return fault(AuthReason::kWrong, "the token's signature is wrong");
    case KeySet::Verdict::kNoKey:
      lacks_key = true;
      return fault(AuthReason::kWrong, "no key fits the token's kid and alg");
  }
  const auto claims = parts->Claims();
  if (!claims) return std::unexpected(claims.error());
  return CheckClaims(claims->root(), rules.claims, unix_s);
}

}  // namespace upgate::plugins
