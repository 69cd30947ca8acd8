#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace upgate::stats {

// A TLS certificate that the gateway presents to clients or servers.
struct Certificate {
  enum class Owner : std::uint8_t { kListener, kBackend };
  Owner owner = Owner::kListener;
  std::string name;                // of the owner
  std::string file;                // as configured
  std::vector<std::string> names;  // DNS names and addresses, or the common name if it has neither
  std::int64_t not_after = 0;      // end of validity, in seconds since 1970
};

// The word for the owner in statistics and in the log.
constexpr const char* KindOf(Certificate::Owner owner) {
  return owner == Certificate::Owner::kListener ? "listener" : "backend";
}

}  // namespace upgate::stats
