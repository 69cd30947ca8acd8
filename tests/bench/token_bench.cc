// The time to verify a token that is not remembered, beside that of the libraries alone: cjose, or
// OpenSSL for EdDSA, with the same token and key. The difference is what the gateway adds: taking
// the token apart, its claims, and the identity. In turns, so that both see the same machine:
//   build/release/tests/bench/token --benchmark_enable_random_interleaving
//   --benchmark_repetitions=15
#include <benchmark/benchmark.h>
#include <cjose/cjose.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/evp.h>

#include "gateway/base/base64.h"
#include "gateway/base/bytes.h"
#include "plugins/jwt/verifier.h"

namespace upgate::bench {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";

// As an identity provider makes them.
constexpr std::string_view kClaims =
    R"({"exp":1700003600,"iat":1700000000,"auth_time":1699999990,"jti":"4f1f0f1e-55c1-4c8b-9d3a-6f7f)"
    R"(0f1c2d3e","iss":"https://id.example.com/realms/staff","aud":["mqtt","account"],"sub":"f:1b9d6)"
    R"(bcd:alice","typ":"Bearer","azp":"console","sid":"9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d","acr":)"
    R"("1","realm_access":{"roles":["operators","offline_access"]},"scope":"openid profile email","e)"
    R"(mail_verified":true,"name":"Alice Example","preferred_username":"alice","email":"alice@exampl)"
    R"(e.com"})";

std::string Url(std::string_view text) {
  return Base64UrlEncode(AsBytes(text));
}

// A token, and its key in the forms of the libraries and of the gateway.
struct Sample {
  std::string token;
  std::string set;  // a JWK set; empty for a secret
  cjose_jwk_t* jwk = nullptr;
  EVP_PKEY* ed25519 = nullptr;
};

Sample SignedByCjose(const char* algorithm, cjose_jwk_t* jwk) {
  cjose_err error{};
  cjose_header_t* header = cjose_header_new(&error);
  cjose_header_set(header, CJOSE_HDR_ALG, algorithm, &error);
  if (cjose_jwk_get_kty(jwk, &error) != CJOSE_JWK_KTY_OCT)
    cjose_header_set(header, CJOSE_HDR_KID, "key-1", &error);
  cjose_jws_t* jws = cjose_jws_sign(
      jwk, header, reinterpret_cast<const std::uint8_t*>(kClaims.data()), kClaims.size(), &error);
  const char* text = nullptr;
  if (jws == nullptr || !cjose_jws_export(jws, &text, &error)) std::abort();
  Sample sample{.token = text, .set = {}, .jwk = jwk};
  if (char* json = cjose_jwk_to_json(jwk, false, &error);
      cjose_jwk_get_kty(jwk, &error) != CJOSE_JWK_KTY_OCT)
    sample.set = std::string(R"({"keys":[)") + json + "]}";
  return sample;
}

Sample MakeRs256() {
  cjose_err error{};
  const std::array<std::uint8_t, 3> exponent{1, 0, 1};
  cjose_jwk_t* jwk = cjose_jwk_create_RSA_random(2048, exponent.data(), exponent.size(), &error);
  cjose_jwk_set_kid(jwk, "key-1", 5, &error);
  return SignedByCjose("RS256", jwk);
}

Sample MakeEs256() {
  cjose_err error{};
  cjose_jwk_t* jwk = cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &error);
  cjose_jwk_set_kid(jwk, "key-1", 5, &error);
  return SignedByCjose("ES256", jwk);
}

Sample MakeHs256() {
  cjose_err error{};
  return SignedByCjose(
      "HS256", cjose_jwk_create_oct_spec(reinterpret_cast<const std::uint8_t*>(kSecret.data()),
                                         kSecret.size(), &error));
}

Sample MakeEdDsa() {
  Sample sample;
  std::array<unsigned char, 32> secret{};
  secret.fill(7);
  sample.ed25519 =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, secret.data(), secret.size());
  std::array<unsigned char, 32> open{};
  std::size_t size = open.size();
  EVP_PKEY_get_raw_public_key(sample.ed25519, open.data(), &size);
  const std::string x(reinterpret_cast<const char*>(open.data()), size);
  sample.set = R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"key-1","x":")" + Url(x) + "\"}]}";
  sample.token = Url(R"({"alg":"EdDSA","kid":"key-1"})") + "." + Url(kClaims);
  std::array<unsigned char, 64> signature{};
  size = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, nullptr, nullptr, sample.ed25519);
  EVP_DigestSign(context, signature.data(), &size,
                 reinterpret_cast<const unsigned char*>(sample.token.data()), sample.token.size());
  EVP_MD_CTX_free(context);
  sample.token += "." + Url({reinterpret_cast<const char*>(signature.data()), size});
  return sample;
}

bool VerifiedByCjose(const Sample& sample) {
  cjose_err error{};
  cjose_jws_t* jws = cjose_jws_import(sample.token.data(), sample.token.size(), &error);
  const bool good = jws != nullptr && cjose_jws_verify(jws, sample.jwk, &error);
  cjose_jws_release(jws);
  return good;
}

bool VerifiedByOpenssl(const Sample& sample) {
  const std::size_t dot = sample.token.rfind('.');
  const auto signature = Base64UrlDecode(std::string_view(sample.token).substr(dot + 1));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  const bool good =
      EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, sample.ed25519) == 1 &&
      EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature->data()),
                       signature->size(),
                       reinterpret_cast<const unsigned char*>(sample.token.data()), dot) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

class StandingClock final : public io::Timers {
 public:
  io::Instant Now() const override { return {}; }
  std::int64_t UnixSeconds() const override { return kNow; }
  void Insert(io::Timer&, io::Instant) override {}
};

std::shared_ptr<const plugins::KeySet> KeysOf(const Sample& sample) {
  return std::make_shared<const plugins::KeySet>(sample.set.empty()
                                                     ? plugins::KeySet::OfSecret(kSecret)
                                                     : plugins::KeySet::Parse(sample.set).value());
}

class StandingKeys final : public plugins::KeySource {
 public:
  explicit StandingKeys(const Sample& sample) : keys_(KeysOf(sample)) {}
  std::shared_ptr<const plugins::KeySet> keys() const override { return keys_; }

 private:
  std::shared_ptr<const plugins::KeySet> keys_;
};

// Other keys each time, although the same ones: so nothing is remembered.
class ChangingKeys final : public plugins::KeySource {
 public:
  explicit ChangingKeys(const Sample& sample) : keys_{KeysOf(sample), KeysOf(sample)} {}
  std::shared_ptr<const plugins::KeySet> keys() const override { return keys_[++asked_ % 2]; }

 private:
  std::array<std::shared_ptr<const plugins::KeySet>, 2> keys_;
  mutable std::size_t asked_ = 0;
};

plugins::JwtRules RulesFor(tls::SignatureAlgorithm algorithm) {
  plugins::JwtRules rules;
  rules.algorithms = {algorithm};
  rules.claims.issuers = {"https://id.example.com/realms/staff"};
  rules.claims.audiences = {"mqtt"};
  rules.claims.require = {{"realm_access.roles", {"operators"}}};
  return rules;
}

void Bare(benchmark::State& state, Sample (*make)()) {
  const Sample sample = make();
  for (auto _ : state) {
    const bool good = sample.jwk != nullptr ? VerifiedByCjose(sample) : VerifiedByOpenssl(sample);
    if (!good) state.SkipWithError("not verified");
  }
}

void Upgate(benchmark::State& state, Sample (*make)(), tls::SignatureAlgorithm algorithm) {
  const Sample sample = make();
  const plugins::JwtRules rules = RulesFor(algorithm);
  ChangingKeys keys(sample);
  StandingClock clock;
  plugins::JwtVerifier verifier(rules, keys, clock);
  for (auto _ : state) {
    bool lacks_key = false;
    const auto result = verifier.Verify(sample.token, lacks_key);
    if (!result) state.SkipWithError("not verified");
  }
}

// A token that is known already.
void Remembered(benchmark::State& state) {
  const Sample sample = MakeRs256();
  const plugins::JwtRules rules = RulesFor(tls::SignatureAlgorithm::kRs256);
  StandingKeys keys(sample);
  StandingClock clock;
  plugins::JwtVerifier verifier(rules, keys, clock);
  for (auto _ : state) {
    bool lacks_key = false;
    const auto result = verifier.Verify(sample.token, lacks_key);
    if (!result || verifier.remembered() != 1) state.SkipWithError("not remembered");
  }
}

// As many members as fit into a credential, which nobody has signed.
void Refuse(benchmark::State& state, bool in_header) {
  std::string crowd = R"({"alg":"HS256")";
  for (int i = 0; crowd.size() < plugin::kMaxCredential / 4 * 3 - 200; ++i)
    crowd += ",\"" + std::to_string(i) + "\":0";
  crowd += "}";
  const std::string token =
      (in_header ? Url(crowd) + "." + Url("{}") : Url(R"({"alg":"HS256"})") + "." + Url(crowd)) +
      ".AAAA";
  const plugins::JwtRules rules = RulesFor(tls::SignatureAlgorithm::kHs256);
  ChangingKeys keys({});
  StandingClock clock;
  plugins::JwtVerifier verifier(rules, keys, clock);
  for (auto _ : state) {
    bool lacks_key = false;
    const auto result = verifier.Verify(token, lacks_key);
    if (result) state.SkipWithError("verified");
  }
}

BENCHMARK(Remembered);
BENCHMARK_CAPTURE(Refuse, header, true);
BENCHMARK_CAPTURE(Refuse, claims, false);
BENCHMARK_CAPTURE(Bare, RS256, MakeRs256);
BENCHMARK_CAPTURE(Upgate, RS256, MakeRs256, tls::SignatureAlgorithm::kRs256);
BENCHMARK_CAPTURE(Bare, ES256, MakeEs256);
BENCHMARK_CAPTURE(Upgate, ES256, MakeEs256, tls::SignatureAlgorithm::kEs256);
BENCHMARK_CAPTURE(Bare, EdDSA, MakeEdDsa);
BENCHMARK_CAPTURE(Upgate, EdDSA, MakeEdDsa, tls::SignatureAlgorithm::kEdDsa);
BENCHMARK_CAPTURE(Bare, HS256, MakeHs256);
BENCHMARK_CAPTURE(Upgate, HS256, MakeHs256, tls::SignatureAlgorithm::kHs256);

}  // namespace
}  // namespace upgate::bench

BENCHMARK_MAIN();
