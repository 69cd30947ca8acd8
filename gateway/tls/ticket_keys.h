#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <shared_mutex>

#include "gateway/tls/openssl.h"

namespace upgate::tls {

// The keys that session tickets are sealed with (AES-256-CBC and HMAC-SHA256, RFC 5077, section 4):
// one that seals, and the one before it, whose tickets are still opened. Thread-safe.
class TicketKeys {
 public:
  TicketKeys() { Rotate(); }
  // Tickets of the key before the last one are worthless from here on. Keeps the old keys when the
  // system has no randomness.
  void Rotate();

  // What OpenSSL's callback has to do (SSL_CTX_set_tlsext_ticket_key_evp_cb): 1 done, 0 no such
  // key, 2 open and renew, -1 failed.
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
  std::optional<Key> current_;  // nothing only while there is no randomness: no tickets then
  std::optional<Key> previous_;
};

}  // namespace upgate::tls
