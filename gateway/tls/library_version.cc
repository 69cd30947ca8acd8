#include <openssl/crypto.h>

#include "gateway/tls/context.h"

namespace upgate::tls {

std::string LibraryVersion() {
  return OpenSSL_version(OPENSSL_VERSION);
}

}  // namespace upgate::tls
