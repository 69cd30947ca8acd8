#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace upgate::tls {

// A certificate that a context presents.
struct LoadedCertificate {
  std::string file;                // as configured
  std::vector<std::string> names;  // DNS names and addresses, or the common name if it has neither
  std::int64_t not_after = 0;      // end of validity, in seconds since 1970
  std::string digest;              // SHA-256 of the certificate, 32 bytes
};

// What a context was made from.
struct LoadedFiles {
  std::vector<LoadedCertificate> certificates;  // in the order of the configuration
  // SHA-256 of all certificates with their chains and of the configured CAs, 32 bytes: two contexts
  // with the same settings and the same digest do the same.
  std::string digest;
};

}  // namespace upgate::tls
