#pragma once

#include <cstdint>
#include <string>

namespace upgate {

// One server of a service, as DNS tells it (RFC 2782).
struct SrvRecord {
  std::string target;  // a host name
  std::uint16_t port = 0;
  std::uint16_t priority = 0;  // those with the lowest number come first
  std::uint16_t weight = 0;    // share among those of the same priority
  friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};

}  // namespace upgate
