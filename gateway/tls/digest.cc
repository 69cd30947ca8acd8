#include "gateway/tls/digest.h"

#include <openssl/evp.h>

namespace upgate::tls {

std::array<std::byte, 20> Sha1(Bytes data) {
  std::array<std::byte, 20> digest{};
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_sha1(), nullptr);
  return digest;
}

std::array<std::byte, 16> Md5(Bytes data) {
  std::array<std::byte, 16> digest{};
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_md5(), nullptr);
  return digest;
}

}  // namespace upgate::tls
