#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "gateway/base/address.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/client_handshake.h"
#include "gateway/tls/context.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/settings.h"

namespace upgate::tls {
namespace {

class OpensslClientContext final : public ClientContext {
 public:
  OpensslClientContext(SslCtxPtr context, const config::ClientTls& tls, LoadedFiles files)
      : context_(std::move(context)),
        verify_(tls.verify),
        server_name_(tls.server_name),
        files_(std::move(files)) {}

  const LoadedFiles& files() const override { return files_; }

  std::unique_ptr<io::Pending> Handshake(std::unique_ptr<io::ByteStream> lower,
                                         const std::string& server_name, io::Loop loop,
                                         Scratch& scratch, io::ConnectHandler& handler) override {
    std::string name = server_name_.value_or(server_name);
    if (name.ends_with('.')) name.pop_back();
    SslPtr ssl(SSL_new(context_.get()));
    if (ssl) {
      SSL_set_connect_state(ssl.get());
      if (!SetServerName(*ssl, name)) {
        Error error{Errc::kTls,
                    fmt::format("\"{}\" is not a name that a certificate can have", name)};
        return std::make_unique<ClientHandshake>(std::move(error), loop, handler);
      }
    }
    auto stream = std::make_unique<Stream>(std::move(lower), std::move(ssl), nullptr, io::Millis{0},
                                           loop, scratch);
    return std::make_unique<ClientHandshake>(std::move(stream), loop, handler);
  }

 private:
  // Sets the name for SNI, which has no address literals (RFC 6066, section 3), and for
  // verification.
  bool SetServerName(SSL& ssl, const std::string& name) const {
    const auto ip = Ip::Parse(name);
    ERR_clear_error();
    if (!ip && !name.empty() && SSL_set_tlsext_host_name(&ssl, name.c_str()) != 1) return false;
    if (!verify_) return true;
    // An empty name would disable the check.
    if (name.empty()) return false;
    X509_VERIFY_PARAM* parameters = SSL_get0_param(&ssl);
    if (ip) {
      const std::size_t size = ip->is_v4() ? 4 : 16;
      return X509_VERIFY_PARAM_set1_ip(parameters, ip->bytes.data() + 16 - size, size) == 1;
    }
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size()) == 1;
  }

  const SslCtxPtr context_;
  const bool verify_;
  const std::optional<std::string> server_name_;
  const LoadedFiles files_;
};

void TrustAuthorities(SSL_CTX& context, const config::ClientTls& tls, FilesDigest& digest,
                      std::vector<config::ConfigError>& errors) {
  if (tls.ca) {
    if (StorePtr store = LoadAuthorities(*tls.ca, errors)) {
      digest.Add(*store);
      SSL_CTX_set_cert_store(&context, store.release());
    }
    return;
  }
  ERR_clear_error();
  if (tls.verify && SSL_CTX_set_default_verify_paths(&context) != 1) {
    errors.push_back({{}, "", "cannot load the system's CA certificates: " + TakeReason()});
  }
}

}  // namespace

std::expected<std::shared_ptr<ClientContext>, std::vector<config::ConfigError>> ClientContext::Make(
    const config::ClientTls& tls) {
  std::vector<config::ConfigError> errors;
  ERR_clear_error();
  SslCtxPtr context = MakeSslContext(TLS_client_method(), config::TlsVersion::kTls12);
  if (!context)
    return std::unexpected(
        std::vector{config::ConfigError{{}, "", "cannot set up TLS: " + TakeReason()}});
  // Sessions are not stored, so tickets would only use memory.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_verify(context.get(), tls.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     tls.verify ? OnVerify : nullptr);
  LoadedFiles files;
  FilesDigest digest;
  TrustAuthorities(*context, tls, digest, errors);
  if (tls.certificate) {
    if (const auto identity = LoadIdentity(*tls.certificate, errors)) {
      UseIdentity(*context, *identity, *tls.certificate, errors);
      files.certificates.push_back(Describe(*identity, *tls.certificate));
      digest.Add(*identity);
    }
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  files.digest = digest.Finish();
  return std::make_shared<OpensslClientContext>(std::move(context), tls, std::move(files));
}

}  // namespace upgate::tls
