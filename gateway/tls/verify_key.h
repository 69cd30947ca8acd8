#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace upgate::tls {

// The algorithms of signatures (RFC 7518, section 3.1; RFC 8037, section 3.1). There is no "none".
enum class SignatureAlgorithm : std::uint8_t {
  kHs256,
  kHs384,
  kHs512,
  kRs256,
  kRs384,
  kRs512,
  kPs256,
  kPs384,
  kPs512,
  kEs256,
  kEs384,
  kEs512,
  kEdDsa,
};
inline constexpr std::array<std::string_view, 13> kSignatureAlgorithms{
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256",
    "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};
// By its name, which is case-sensitive; nullopt for any other.
std::optional<SignatureAlgorithm> FindAlgorithm(std::string_view name);
// True for those whose key is a secret that both sides have.
constexpr bool IsSymmetric(SignatureAlgorithm algorithm) {
  return algorithm <= SignatureAlgorithm::kHs512;
}

// The public parts of a key as they stand in a JWK (RFC 7517; RFC 7518, section 6; RFC 8037,
// section 2): base64url, without padding. Those that do not belong to the type are empty.
struct JwkParts {
  std::string type;   // kty: RSA, EC or OKP
  std::string curve;  // crv
  std::string x;
  std::string y;
  std::string n;
  std::string e;
};

// A key that verifies the signatures of tokens: RSA from 2048 bits on, EC on P-256, P-384 and
// P-521, Ed25519, or a secret. Its type decides which algorithms it can be used with, so that
// nobody can have a public key used as a secret. Immutable and thread-safe; cheap to copy.
class VerifyKey {
 public:
  // The error is a clause about the key.
  static std::expected<VerifyKey, std::string> OfJwk(const JwkParts& parts);
  static VerifyKey OfSecret(std::string_view secret);

  bool Fits(SignatureAlgorithm algorithm) const;
  // Whether `token`, a JWS in compact serialization (RFC 7515, section 3.1) whose three parts are
  // valid base64url, was signed with this key. Its header must say `algorithm`.
  bool HasSigned(std::string_view token, SignatureAlgorithm algorithm) const;

 private:
  struct Key;
  explicit VerifyKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}

  std::shared_ptr<const Key> key_;
};

}  // namespace upgate::tls
