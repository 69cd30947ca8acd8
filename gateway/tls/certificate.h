#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// A certificate with its chain and the key that belongs to it.
struct Identity {
  X509Ptr leaf;
  ChainPtr chain;  // what follows the leaf in the file; never null
  PkeyPtr key;
};

// Reads both files and checks that they belong together. Nothing when that failed: `errors` says
// why, at the place in the configuration that names the file.
std::optional<Identity> LoadIdentity(const config::Certificate& files,
                                     std::vector<config::ConfigError>& errors);

// Certificates that are trusted to sign others; null when that failed.
StorePtr LoadAuthorities(const config::FilePath& file, std::vector<config::ConfigError>& errors);

// Makes `context` show the identity. A second one with another kind of key stands beside the first.
bool UseIdentity(SSL_CTX& context, const Identity& identity, const config::Certificate& files,
                 std::vector<config::ConfigError>& errors);

// The names that a certificate is for, lower case: DNS names and addresses of its subjectAltName,
// or the common name when it has neither. RFC 6125, section 6.4.4.
std::vector<std::string> NamesOf(const X509& certificate);

}  // namespace upgate::tls
