#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// What both sides have in common: versions, AEAD ciphers with ephemeral keys (RFC 9325,
// section 4.2), groups, no renegotiation, no compression, no session cache, and buffers that are
// given back when idle. Null when OpenSSL refuses: a broken installation.
SslCtxPtr MakeSslContext(const SSL_METHOD* method, config::TlsVersion min_version);

}  // namespace upgate::tls
