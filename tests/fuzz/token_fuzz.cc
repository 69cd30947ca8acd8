// Tokens: whatever a client sends, none is accepted that the secret has not signed, and what a
// signed one says about its user can be shown and sent. Input: a byte, then a token; or, with the
// lowest bit of the byte, a header and claims, a line each, which are then signed.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "gateway/plugin/credentials.h"
#include "plugins/jwt/key_set.h"
#include "plugins/jwt/verifier.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_loop.h"

namespace upgate::plugins::token_fuzz {
namespace {

using fuzz::Require;

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::int64_t kNow = 1'700'000'000;

class SecretKeys final : public KeySource {
 public:
  std::shared_ptr<const KeySet> keys() const override { return keys_; }

 private:
  std::shared_ptr<const KeySet> keys_ = std::make_shared<const KeySet>(KeySet::OfSecret(kSecret));
};

std::string UrlEncoded(std::string_view text) {
  return Base64UrlEncode(AsBytes(text));
}

std::string Signed(std::string_view header, std::string_view claims) {
  const std::string text = UrlEncoded(header) + "." + UrlEncoded(claims);
  const auto mac = tls::HmacSha256(kSecret, text);
  return text + "." + UrlEncoded({reinterpret_cast<const char*>(mac.data()), mac.size()});
}

JwtRules Rules(std::uint8_t settings) {
  JwtRules rules;
  rules.algorithms = {tls::SignatureAlgorithm::kHs256};
  rules.claims.leeway = io::Millis{30'000};
  rules.claims.user = (settings & 2) != 0 ? "realm.user" : "sub";
  if ((settings & 4) != 0) rules.claims.issuers = {"me"};
  if ((settings & 8) != 0) rules.claims.audiences = {"here"};
  if ((settings & 16) != 0) rules.claims.require = {{"scope", {"write"}}, {"a.b", {"c"}}};
  return rules;
}

void RunOne(std::uint8_t settings, const std::string& token, bool is_signed) {
  test::FakeLoop loop;
  loop.timers().SetUnixSeconds(kNow);
  SecretKeys keys;
  const JwtRules rules = Rules(settings);
  JwtVerifier verifier(rules, keys, loop.io().timers);
  bool lacks_key = false;
  const auto result = verifier.Verify(token, lacks_key);
  Require(!lacks_key || !result);
  if (!result) {
    Require(verifier.remembered() == 0 && std::ranges::none_of(result.error().why, IsControl));
    return;
  }
  Require(is_signed);
  const plugin::Identity& identity = **result;
  Require(identity.user.size() <= 256 && std::ranges::none_of(identity.user, IsControl));
  Require(identity.claims.size() <= 64);
  Require(!identity.ends_unix_ms || *identity.ends_unix_ms > kNow * 1000);
  const auto again = verifier.Verify(token, lacks_key);
  Require(again && again->get() == result->get());
}

}  // namespace
}  // namespace upgate::plugins::token_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace upgate::plugins::token_fuzz;
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  if ((settings & 1) == 0) {
    RunOne(settings, std::string(input.Rest()), false);
  } else {
    const std::string_view header = input.TakeUntil('\n');
    RunOne(settings, Signed(header, input.Rest()), true);
  }
  // A document from a server that lies.
  upgate::fuzz::Input document(data, size);
  if (const auto set = upgate::plugins::KeySet::Parse(document.Rest()))
    upgate::fuzz::Require(set->size() > 0 && set->size() <= upgate::plugins::KeySet::kMostKeys);
  return 0;
}
