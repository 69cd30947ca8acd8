#pragma once

#include "gateway/config/config.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {

// Settings of both sides: versions, AEAD ciphers with ephemeral keys (RFC 9325, section 4.2),
// groups, no renegotiation, no compression, no session cache, and buffers released when idle. Null
// if OpenSSL fails, which means a broken installation.
SslCtxPtr MakeSslContext(const SSL_METHOD* method, config::TlsVersion min_version);

}  // namespace upgate::tls
