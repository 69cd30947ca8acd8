#include "gateway/tls/pem_key.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "gateway/base/base64.h"
#include "gateway/base/bytes.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kPublicKey = "PUBLIC KEY-----";

struct BignumFree {
  void operator()(BIGNUM* p) const { BN_free(p); }
};

// A number of the key, with zeros in front of it up to `size` bytes; empty if it has none.
std::string NumberOf(const EVP_PKEY& key, const char* name, std::size_t size = 0) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(&key, name, &number) != 1) return {};
  const std::unique_ptr<BIGNUM, BignumFree> owner(number);
  const std::size_t bytes = std::max(size, static_cast<std::size_t>(BN_num_bytes(number)));
  std::string text(bytes, '\0');
  if (BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(bytes)) <
      0)
    return {};
  return Base64UrlEncode(AsBytes(text));
}

JwkParts OfRsa(const EVP_PKEY& key) {
  return {.type = "RSA",
          .curve = {},
          .x = {},
          .y = {},
          .n = NumberOf(key, OSSL_PKEY_PARAM_RSA_N),
          .e = NumberOf(key, OSSL_PKEY_PARAM_RSA_E)};
}

std::optional<JwkParts> OfEc(const EVP_PKEY& key) {
  struct Curve {
    std::string_view group;
    std::string_view name;
    std::size_t bytes;
  };
  constexpr std::array<Curve, 3> kCurves{
      {{"prime256v1", "P-256", 32}, {"secp384r1", "P-384", 48}, {"secp521r1", "P-521", 66}}};
  std::array<char, 64> group{};
  if (EVP_PKEY_get_utf8_string_param(&key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                     nullptr) != 1)
    return {};
  const auto curve = std::ranges::find(kCurves, std::string_view(group.data()), &Curve::group);
  if (curve == kCurves.end()) return {};
  return JwkParts{.type = "EC",
                  .curve = std::string(curve->name),
                  .x = NumberOf(key, OSSL_PKEY_PARAM_EC_PUB_X, curve->bytes),
                  .y = NumberOf(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve->bytes),
                  .n = {},
                  .e = {}};
}

std::optional<JwkParts> OfEd25519(const EVP_PKEY& key) {
  std::string raw(32, '\0');
  std::size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(&key, reinterpret_cast<unsigned char*>(raw.data()), &size) != 1)
    return {};
  return JwkParts{.type = "OKP",
                  .curve = "Ed25519",
                  .x = Base64UrlEncode(AsBytes(raw)),
                  .y = {},
                  .n = {},
                  .e = {}};
}

std::optional<JwkParts> PartsOf(const EVP_PKEY& key) {
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA:
      return OfRsa(key);
    case EVP_PKEY_EC:
      return OfEc(key);
    case EVP_PKEY_ED25519:
      return OfEd25519(key);
    default:
      return {};
  }
}

// What makes a public key of a block of another kind; `kind` begins with its name.
std::string FaultOfBlock(std::string_view kind) {
  if (kind.substr(0, kind.find('-')).ends_with("PRIVATE KEY"))
    return "has a private key, which the gateway must not know; write its public key with "
           "openssl pkey -pubout";
  if (kind.starts_with("CERTIFICATE"))
    return "has a certificate; write its public key with openssl x509 -noout -pubkey";
  return "has a PEM block that is not PUBLIC KEY; write one with openssl pkey -pubin";
}

}  // namespace

std::expected<std::vector<JwkParts>, std::string> JwksOfPem(std::string_view text) {
  std::vector<JwkParts> keys;
  for (auto at = text.find(kBegin); at != std::string_view::npos; at = text.find(kBegin, at + 1)) {
    const std::string_view kind = text.substr(at + kBegin.size());
    if (!kind.starts_with(kPublicKey)) return std::unexpected(FaultOfBlock(kind));
    const std::string_view block = text.substr(at);
    const BioPtr bio(BIO_new_mem_buf(block.data(), static_cast<int>(block.size())));
    const PkeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    if (!key) return std::unexpected("has a PEM block PUBLIC KEY that is damaged");
    auto parts = PartsOf(*key);
    if (!parts)
      return std::unexpected(
          "has a public key that is neither RSA, nor EC on P-256, P-384 or P-521, "
          "nor Ed25519");
    keys.push_back(std::move(*parts));
  }
  if (keys.empty()) return std::unexpected("has no PEM block PUBLIC KEY");
  return keys;
}

}  // namespace upgate::tls
