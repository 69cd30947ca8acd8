#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

namespace upgate::bench {

struct SslFree {
  // Marks the connection as cleanly shut down, because OpenSSL does not resume other sessions.
  void operator()(SSL* ssl) const {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl);
  }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

// A TLS 1.3 client (TLS_AES_128_GCM_SHA256) that verifies the server's certificate against one CA
// and the name "localhost".
class TlsClient {
 public:
  // `resume`: connections resume sessions received earlier, each once (RFC 8446, C.4).
  TlsClient(const std::string& ca_file, bool resume);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // For a connected, non-blocking socket, which the caller keeps owning.
  SslPtr Connect(int fd);

 private:
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);

  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::vector<std::unique_ptr<SSL_SESSION, SslFree>> sessions_;  // not used yet
};

}  // namespace upgate::bench
