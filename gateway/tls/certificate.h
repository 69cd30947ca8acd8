#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/tls/loaded_files.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// A certificate with its chain and its private key.
struct Identity {
  X509Ptr leaf;
  ChainPtr chain;  // the certificates behind the leaf in the file; never null
  PkeyPtr key;
};

// Reads both files and checks that they match. On failure returns nullopt and adds to `errors` the
// reason, at the place in the configuration that names the file.
std::optional<Identity> LoadIdentity(const config::Certificate& files,
                                     std::vector<config::ConfigError>& errors);

// The trusted CA certificates in `file`; null on failure.
StorePtr LoadAuthorities(const config::FilePath& file, std::vector<config::ConfigError>& errors);

// Adds the identity to `context`. A second one with another key type is used in addition to the
// first.
bool UseIdentity(SSL_CTX& context, const Identity& identity, const config::Certificate& files,
                 std::vector<config::ConfigError>& errors);

// The names that a certificate is valid for, in lower case: DNS names and addresses of its
// subjectAltName, or the common name if it has neither. RFC 6125, section 6.4.4.
std::vector<std::string> NamesOf(const X509& certificate);

// Of an iPAddress in a certificate; empty if it is none.
std::string AddressText(const ASN1_OCTET_STRING& address);
std::int64_t UnixSeconds(const ASN1_TIME& time);

LoadedCertificate Describe(const Identity& identity, const config::Certificate& files);

// Collects LoadedFiles::digest: what is added, in this order.
class FilesDigest {
 public:
  void Add(const Identity& identity);
  // The order of the certificates in the store makes no difference.
  void Add(const X509_STORE& authorities);
  std::string Finish() const;

 private:
  std::string digests_;  // of single certificates
};

}  // namespace upgate::tls
