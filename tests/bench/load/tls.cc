#include "tests/bench/load/tls.h"

#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

// Some servers send several per connection.
constexpr std::size_t kMostSessions = 256;

}  // namespace

TlsClient::TlsClient(const std::string& ca_file, bool resume)
    : context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX* const context = context_.get();
  if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 ||
      SSL_CTX_load_verify_file(context, ca_file.c_str()) != 1) {
    Die("cannot set up TLS with " + ca_file);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read returns one or several records, instead of two reads per record.
  SSL_CTX_set_read_ahead(context, 1);
  // Accepts an end of stream without close_notify.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!resume) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_sess_set_new_cb(context, &TlsClient::OnNewSession);
}

int TlsClient::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (self->sessions_.size() == kMostSessions) return 0;
  self->sessions_.emplace_back(session);
  return 1;  // the session is owned here
}

SslPtr TlsClient::Connect(int fd) {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd) != 1 ||
      SSL_set_tlsext_host_name(ssl.get(), "localhost") != 1 ||
      SSL_set1_host(ssl.get(), "localhost") != 1) {
    Die("cannot make a TLS connection");
  }
  if (!sessions_.empty()) {
    SSL_set_session(ssl.get(), sessions_.back().get());
    sessions_.pop_back();
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace upgate::bench
