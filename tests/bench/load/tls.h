#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace upgate::bench {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

// A TLS 1.3 client (TLS_AES_128_GCM_SHA256) that checks the server's certificate against one CA and
// the name "localhost", as every client would.
class TlsClient {
 public:
  // `resume`: every connection after the first takes up the newest session that the server gave.
  TlsClient(const std::string& ca_file, bool resume);
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // For a connected, non-blocking socket, which stays the caller's.
  SslPtr Connect(int fd);
  bool has_session() const { return session_ != nullptr; }

 private:
  static int OnNewSession(SSL* ssl, SSL_SESSION* session);

  std::unique_ptr<SSL_CTX, SslFree> context_;
  std::unique_ptr<SSL_SESSION, SslFree> session_;
};

}  // namespace upgate::bench
