#include "gateway/tls/settings.h"

namespace upgate::tls {
namespace {

// AES-128 first: as strong as the rest of the handshake, and faster. A client that prefers ChaCha20
// has no AES hardware, and gets ChaCha20.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphersuites[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr long kMaxChainBytes = 64 * 1024;

}  // namespace

SslCtxPtr MakeSslContext(const SSL_METHOD* method, config::TlsVersion min_version) {
  SslCtxPtr context(SSL_CTX_new(method));
  if (!context) return nullptr;
  SSL_CTX* ctx = context.get();
  const int oldest = min_version == config::TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  const bool fine = SSL_CTX_set_min_proto_version(ctx, oldest) == 1 &&
                    SSL_CTX_set_cipher_list(ctx, kCiphers) == 1 &&
                    SSL_CTX_set_ciphersuites(ctx, kCiphersuites) == 1 &&
                    SSL_CTX_set1_groups_list(ctx, kGroups) == 1;
  if (!fine) return nullptr;
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // RELEASE_BUFFERS is for the handshake: while it is stalled, it holds no record buffers.
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Reads header and body of a record at once. It cannot read further ahead, because the engine
  // provides one record at a time.
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(ctx, kMaxChainBytes);
  return context;
}

}  // namespace upgate::tls
