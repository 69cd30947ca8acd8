#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <shared_mutex>

#include "gateway/tls/openssl.h"

namespace upgate::tls {

// The keys that encrypt session tickets (AES-256-CBC and HMAC-SHA256, RFC 5077, section 4): the
// current one, and the previous one, whose tickets are still accepted. Thread-safe.
class TicketKeys {
 public:
  TicketKeys() { Rotate(); }
  // Invalidates tickets of the key before the current one. Keeps the old keys if the system has no
  // randomness.
  void Rotate();

  // Implement OpenSSL's callback (SSL_CTX_set_tlsext_ticket_key_evp_cb): 1 done, 0 no such key, 2
  // decrypt and renew, -1 failed.
  int Seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
  int Open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac) const;

 private:
  struct Key {
    std::array<std::uint8_t, 16> name;
    std::array<std::uint8_t, 32> encryption;
    std::array<std::uint8_t, 32> authentication;
  };
  static bool SetMacKey(EVP_MAC_CTX* mac, const Key& key);

  mutable std::shared_mutex mutex_;
  std::optional<Key> current_;  // nullopt only if there is no randomness: no tickets then
  std::optional<Key> previous_;
};

}  // namespace upgate::tls
