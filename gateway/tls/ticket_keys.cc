#include "gateway/tls/ticket_keys.h"

#include <algorithm>
#include <mutex>
#include <span>

#include <openssl/core_names.h>
#include <openssl/rand.h>

namespace upgate::tls {

void TicketKeys::Rotate() {
  Key fresh;
  std::array<std::uint8_t, 80> random;
  if (RAND_priv_bytes(random.data(), static_cast<int>(random.size())) != 1) return;
  std::copy_n(random.data(), 16, fresh.name.data());
  std::copy_n(random.data() + 16, 32, fresh.encryption.data());
  std::copy_n(random.data() + 48, 32, fresh.authentication.data());
  OPENSSL_cleanse(random.data(), random.size());
  const std::unique_lock lock(mutex_);
  previous_ = current_;
  current_ = fresh;
}

bool TicketKeys::SetMacKey(EVP_MAC_CTX* mac, const Key& key) {
  char digest[] = "SHA256";
  // The parameters are only read, although their type is not const.
  auto* bytes = const_cast<std::uint8_t*>(key.authentication.data());
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.authentication.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int TicketKeys::Seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  const std::shared_lock lock(mutex_);
  if (!current_) return 0;
  if (RAND_bytes(iv, 16) != 1) return -1;
  std::ranges::copy(current_->name, name);
  const bool fine = EVP_EncryptInit_ex2(cipher, EVP_aes_256_cbc(), current_->encryption.data(), iv,
                                        nullptr) == 1 &&
                    SetMacKey(mac, *current_);
  return fine ? 1 : -1;
}

int TicketKeys::Open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  const std::shared_lock lock(mutex_);
  for (const std::optional<Key>* key : {&current_, &previous_}) {
    if (!*key || !std::ranges::equal((*key)->name, std::span(name, 16))) continue;
    const bool fine = EVP_DecryptInit_ex2(cipher, EVP_aes_256_cbc(), (*key)->encryption.data(), iv,
                                          nullptr) == 1 &&
                      SetMacKey(mac, **key);
    if (!fine) return -1;
    return key == &current_ ? 1 : 2;
  }
  return 0;
}

}  // namespace upgate::tls
