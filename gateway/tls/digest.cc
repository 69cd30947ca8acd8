#include "gateway/tls/digest.h"

#include <openssl/evp.h>

#include "gateway/tls/openssl.h"

namespace upgate::tls {
namespace {

// Fetched once: EVP_sha1() and the like are fetched again on every use. Never freed, like all of
// OpenSSL's process-wide state.
const EVP_MD* Fetch(const char* name, const EVP_MD* otherwise) {
  const EVP_MD* fetched = EVP_MD_fetch(nullptr, name, nullptr);
  return fetched != nullptr ? fetched : otherwise;
}

}  // namespace

std::array<std::byte, 20> Sha1(Bytes data) {
  static const EVP_MD* const sha1 = Fetch("SHA1", EVP_sha1());
  // Every handshake comes here; making and freeing a context would take a third of the time.
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  std::array<std::byte, 20> digest{};
  if (EVP_DigestInit_ex(context.get(), sha1, nullptr) == 1 &&
      EVP_DigestUpdate(context.get(), data.data(), data.size()) == 1) {
    EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  }
  return digest;
}

std::array<std::byte, 32> Sha256(Bytes data) {
  static const EVP_MD* const sha256 = Fetch("SHA256", EVP_sha256());
  std::array<std::byte, 32> digest{};
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             sha256, nullptr);
  return digest;
}

std::array<std::byte, 16> Md5(Bytes data) {
  static const EVP_MD* const md5 = Fetch("MD5", EVP_md5());
  std::array<std::byte, 16> digest{};
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             md5, nullptr);
  return digest;
}

}  // namespace upgate::tls
