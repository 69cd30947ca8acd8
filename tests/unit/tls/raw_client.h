#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/tls/openssl.h"
#include "tests/unit/tls/pipe.h"

namespace upgate::tls::test {

// An OpenSSL client over a PipeEnd that can do what our client never does.
class RawClient final : private io::StreamHandler {
 public:
  using Setup = std::function<void(SSL_CTX*, SSL*)>;
  // Verifies nothing. `setup` may change any option.
  explicit RawClient(std::unique_ptr<PipeEnd> end, const Setup& setup = {});

  SSL* ssl() { return ssl_.get(); }
  PipeEnd& end() { return *end_; }
  bool established() const { return established_; }
  // OpenSSL's description of the error; empty if there was none.
  const std::string& failure() const { return failure_; }
  const std::string& received() const { return received_; }
  // The name in the server's certificate.
  std::string peer_name() const;
  void Send(std::string_view text);
  void Close();
  // Sends bytes behind OpenSSL's back.
  void SendRaw(std::string_view bytes) { end_->Write(AsBytes(bytes)); }
  // Sends what OpenSSL has written since the last call.
  void Flush();
  std::string TakeOutput();
  // The session with the newest ticket.
  SSL_SESSION* session() const {
    return SSL_version(ssl_.get()) == TLS1_3_VERSION ? session_.get() : SSL_get_session(ssl_.get());
  }
  int tickets() const { return tickets_; }

 private:
  struct SessionFree {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  void OnBytes(MutableBytes data) override;
  void OnEnd() override {}
  void OnError(const Error&) override {}
  void OnWritable() override {}
  void Pump();
  void Note();

  std::unique_ptr<PipeEnd> end_;
  SslCtxPtr context_;
  SslPtr ssl_;
  BIO* in_;
  BIO* out_;
  std::unique_ptr<SSL_SESSION, SessionFree> session_;
  int tickets_ = 0;
  bool established_ = false;
  std::string failure_;
  std::string received_;
};

}  // namespace upgate::tls::test
