#include "tests/unit/tls/raw_client.h"

#include <array>
#include <utility>

#include <openssl/err.h>

#include "gateway/tls/certificate.h"
#include "gateway/tls/failure.h"

namespace upgate::tls::test {

RawClient::RawClient(std::unique_ptr<PipeEnd> end, const Setup& setup)
    : end_(std::move(end)),
      context_(SSL_CTX_new(TLS_client_method())),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
  SSL_CTX_set_session_cache_mode(context_.get(),
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(context_.get(), this);
  SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
    auto* self = static_cast<RawClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    self->session_.reset(session);
    ++self->tickets_;
    return 1;
  });
  if (setup) setup(context_.get(), nullptr);
  ssl_.reset(SSL_new(context_.get()));
  if (setup) setup(context_.get(), ssl_.get());
  SSL_set_bio(ssl_.get(), in_, out_);
  SSL_set_connect_state(ssl_.get());
  end_->SetHandler(this);
  end_->SetReading(true);
  Pump();
}

void RawClient::OnBytes(MutableBytes data) {
  BIO_write(in_, data.data(), static_cast<int>(data.size()));
  Pump();
}

void RawClient::Pump() {
  ERR_clear_error();
  if (!established_) {
    const int result = SSL_do_handshake(ssl_.get());
    established_ = result == 1;
    if (result < 0 && SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) Note();
  }
  std::array<char, 4096> buffer;
  std::size_t size = 0;
  while (established_ && failure_.empty()) {
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &size);
    if (result == 1) {
      received_.append(buffer.data(), size);
      continue;
    }
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) Note();
    break;
  }
  Flush();
}

void RawClient::Note() {
  if (failure_.empty()) failure_ = TakeFailure(established_).message;
}

void RawClient::Send(std::string_view text) {
  ERR_clear_error();
  if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) <= 0) Note();
  Flush();
}

void RawClient::Close() {
  SSL_shutdown(ssl_.get());
  Flush();
  end_->Shutdown();
}

std::string RawClient::TakeOutput() {
  std::string bytes(BIO_ctrl_pending(out_), '\0');
  if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

void RawClient::Flush() {
  const std::string bytes = TakeOutput();
  if (!bytes.empty()) end_->Write(AsBytes(bytes));
}

std::string RawClient::peer_name() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) return {};
  const std::vector<std::string> names = NamesOf(*certificate);
  return names.empty() ? std::string() : names.front();
}

}  // namespace upgate::tls::test
