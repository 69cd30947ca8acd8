#include "gateway/tls/verify_key.h"

#include <cjose/cjose.h>

#include <algorithm>
#include <utility>

#include "gateway/base/base64.h"
#include "gateway/base/bytes.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {
namespace {

constexpr std::size_t kLeastRsaBits = 2048;
constexpr std::size_t kMostRsaBits = 8192;  // a larger one takes too long
constexpr std::size_t kEd25519Bytes = 32;

struct CjoseFree {
  void operator()(cjose_jwk_t* p) const { cjose_jwk_release(p); }
  void operator()(cjose_jws_t* p) const { cjose_jws_release(p); }
};

enum class KeyType : std::uint8_t { kSecret, kRsa, kP256, kP384, kP521, kEd25519 };

std::optional<KeyType> TypeOf(const JwkParts& parts) {
  if (parts.type == "RSA") return KeyType::kRsa;
  if (parts.type == "OKP" && parts.curve == "Ed25519") return KeyType::kEd25519;
  if (parts.type != "EC") return {};
  if (parts.curve == "P-256") return KeyType::kP256;
  if (parts.curve == "P-384") return KeyType::kP384;
  if (parts.curve == "P-521") return KeyType::kP521;
  return {};
}

const unsigned char* Data(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// As JSON; the parts are base64url, which needs no escapes.
std::string JsonOf(const JwkParts& parts) {
  if (parts.type == "RSA")
    return R"({"kty":"RSA","n":")" + parts.n + R"(","e":")" + parts.e + "\"}";
  return R"({"kty":"EC","crv":")" + parts.curve + R"(","x":")" + parts.x + R"(","y":")" + parts.y +
         "\"}";
}

bool HasParts(const JwkParts& parts, KeyType type) {
  const auto decodes = [](const std::string& part) {
    return !part.empty() && Base64UrlDecode(part).has_value();
  };
  if (type == KeyType::kRsa) return decodes(parts.n) && decodes(parts.e);
  return decodes(parts.x) && (type == KeyType::kEd25519 || decodes(parts.y));
}

bool VerifyEd25519(EVP_PKEY* key, std::string_view token) {
  const std::size_t dot = token.rfind('.');
  const std::string_view signed_part = token.substr(0, dot);
  const auto signature = Base64UrlDecode(token.substr(dot + 1));
  if (!signature) return false;
  const MdCtxPtr context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), Data(*signature), signature->size(), Data(signed_part),
                          signed_part.size()) == 1;
}

}  // namespace

struct VerifyKey::Key {
  KeyType type;
  std::unique_ptr<cjose_jwk_t, CjoseFree> jwk;  // all but Ed25519
  PkeyPtr ed25519;
};

std::optional<SignatureAlgorithm> FindAlgorithm(std::string_view name) {
  const auto found = std::ranges::find(kSignatureAlgorithms, name);
  if (found == kSignatureAlgorithms.end()) return {};
  return static_cast<SignatureAlgorithm>(found - kSignatureAlgorithms.begin());
}

std::expected<VerifyKey, std::string> VerifyKey::OfJwk(const JwkParts& parts) {
  const auto type = TypeOf(parts);
  if (!type) return std::unexpected("is of a type that is not known");
  if (!HasParts(parts, *type)) return std::unexpected("lacks a part, or has an invalid one");
  auto key = std::make_shared<Key>(*type);
  if (*type == KeyType::kEd25519) {
    const auto raw = Base64UrlDecode(parts.x);
    if (raw->size() != kEd25519Bytes) return std::unexpected("is not 32 bytes long");
    key->ed25519.reset(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Data(*raw), raw->size()));
    if (!key->ed25519) return std::unexpected("is no valid Ed25519 key");
    return VerifyKey(std::move(key));
  }
  const std::string json = JsonOf(parts);
  cjose_err error{};
  key->jwk.reset(cjose_jwk_import(json.data(), json.size(), &error));
  if (!key->jwk) return std::unexpected("is no valid key");
  const std::size_t bits = cjose_jwk_get_keysize(key->jwk.get(), &error);
  if (*type == KeyType::kRsa && (bits < kLeastRsaBits || bits > kMostRsaBits))
    return std::unexpected("is an RSA key of less than 2048 or more than 8192 bits");
  return VerifyKey(std::move(key));
}

VerifyKey VerifyKey::OfSecret(std::string_view secret) {
  auto key = std::make_shared<Key>(KeyType::kSecret);
  cjose_err error{};
  key->jwk.reset(cjose_jwk_create_oct_spec(Data(secret), secret.size(), &error));
  return VerifyKey(std::move(key));
}

bool VerifyKey::Fits(SignatureAlgorithm algorithm) const {
  using enum SignatureAlgorithm;
  switch (key_->type) {
    case KeyType::kSecret:
      return IsSymmetric(algorithm);
    case KeyType::kRsa:
      return algorithm >= kRs256 && algorithm <= kPs512;
    case KeyType::kP256:
      return algorithm == kEs256;
    case KeyType::kP384:
      return algorithm == kEs384;
    case KeyType::kP521:
      return algorithm == kEs512;
    case KeyType::kEd25519:
      return algorithm == kEdDsa;
  }
  return false;
}

bool VerifyKey::HasSigned(std::string_view token, SignatureAlgorithm algorithm) const {
  if (!Fits(algorithm)) return false;
  if (key_->type == KeyType::kEd25519) return VerifyEd25519(key_->ed25519.get(), token);
  if (!key_->jwk) return false;
  cjose_err error{};
  const std::unique_ptr<cjose_jws_t, CjoseFree> jws(
      cjose_jws_import(token.data(), token.size(), &error));
  return jws && cjose_jws_verify(jws.get(), key_->jwk.get(), &error);
}

}  // namespace upgate::tls
