#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "gateway/base/address.h"

namespace upgate {

// What clients are counted by: an IPv4 address, or the /64 that an IPv6 address belongs to, because
// one customer has all of it; or a user's name. Clients without an address are one client.
struct ClientKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  static ClientKey Of(const std::optional<Ip>& ip) {
    ClientKey key;
    if (!ip) return key;
    std::memcpy(&key.high, ip->bytes.data(), sizeof key.high);
    if (ip->is_v4()) {
      std::memcpy(&key.low, ip->bytes.data() + sizeof key.high, sizeof key.low);
    } else {
      key.low = 1;
    }
    return key;
  }
  static ClientKey OfUser(std::string_view name);
  friend bool operator==(const ClientKey&, const ClientKey&) = default;
};

// Hashes keys with a secret, so that nobody can choose addresses that collide. A pure function of
// its key and the secret; thread-safe.
class ClientHash {
 public:
  ClientHash();
  std::uint64_t operator()(const ClientKey& key) const;

 private:
  std::uint64_t high_;
  std::uint64_t low_;
};

}  // namespace upgate
