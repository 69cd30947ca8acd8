#include <algorithm>
#include <array>
#include <utility>

#include <openssl/err.h>

#include "gateway/tls/certificate.h"
#include "gateway/tls/context.h"
#include "gateway/tls/failure.h"
#include "gateway/tls/server_names.h"
#include "gateway/tls/settings.h"
#include "gateway/tls/stream.h"
#include "gateway/tls/ticket_keys.h"

namespace upgate::tls {
namespace {

using config::ConfigError;

constexpr std::array<unsigned char, 9> kAlpn{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::array<unsigned char, 6> kSessionIdContext{'u', 'p', 'g', 'a', 't', 'e'};

class OpensslServerContext final : public ServerContext,
                                   public std::enable_shared_from_this<OpensslServerContext> {
 public:
  bool Load(const config::ListenerTls& tls, std::vector<ConfigError>& errors);

  void RotateTicketKeys() override { ticket_keys_->Rotate(); }
  void ShareTicketKeys(const ServerContext& previous) override;
  const LoadedFiles& files() const override { return files_; }

  std::unique_ptr<io::ByteStream> Wrap(std::unique_ptr<io::ByteStream> lower,
                                       io::Millis handshake_timeout, io::Loop loop,
                                       Scratch& scratch) override {
    SslPtr ssl(SSL_new(sites_.front().context.get()));
    if (ssl) SSL_set_accept_state(ssl.get());
    return std::make_unique<Stream>(std::move(lower), std::move(ssl), shared_from_this(),
                                    handshake_timeout, loop, scratch);
  }

 private:
  // Certificates for the same names, one per key type; the client's cipher list determines which is
  // used.
  struct Site {
    SslCtxPtr context;
    std::vector<std::string> names;
    std::vector<int> key_types;
  };

  Site* SiteFor(const std::vector<std::string>& names, int key_type);
  bool AddSite(const config::ListenerTls& tls, std::vector<std::string> names,
               std::vector<ConfigError>& errors);
  bool SetClientAuth(SSL_CTX& context, config::ClientAuth auth) const;

  static OpensslServerContext& Of(SSL* ssl) {
    return *static_cast<OpensslServerContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  }
  static int OnServerName(SSL* ssl, int* alert, void*);
  static int OnAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*);
  static int OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac, int seal);

  // The first is used for clients that send no server name or an unknown one.
  std::vector<Site> sites_;
  ServerNames names_;
  StorePtr authorities_;
  std::string client_trust_;  // digest of `authorities_`; empty if they are not used
  config::ClientAuth client_auth_ = config::ClientAuth::kNone;
  LoadedFiles files_;
  std::shared_ptr<TicketKeys> ticket_keys_ = std::make_shared<TicketKeys>();
};

bool OpensslServerContext::Load(const config::ListenerTls& tls, std::vector<ConfigError>& errors) {
  FilesDigest digest;
  client_auth_ = tls.client_auth;
  if (tls.client_ca && tls.client_auth != config::ClientAuth::kNone)
    authorities_ = LoadAuthorities(*tls.client_ca, errors);
  if (authorities_) {
    digest.Add(*authorities_);
    client_trust_ = digest.Finish();
  }
  for (const config::Certificate& files : tls.certificates) {
    const std::optional<Identity> identity = LoadIdentity(files, errors);
    if (!identity) continue;
    std::vector<std::string> names = NamesOf(*identity->leaf);
    std::ranges::sort(names);
    const int key_type = EVP_PKEY_get_base_id(identity->key.get());
    if (SiteFor(names, key_type) == nullptr && !AddSite(tls, names, errors)) return false;
    Site& site = *SiteFor(names, key_type);
    UseIdentity(*site.context, *identity, files, errors);
    site.key_types.push_back(key_type);
    files_.certificates.push_back(Describe(*identity, files));
    digest.Add(*identity);
  }
  files_.digest = digest.Finish();
  for (std::size_t i = 0; i < sites_.size(); ++i) names_.Add(sites_[i].names, i);
  if (sites_.empty() && errors.empty()) errors.push_back({{}, "", "TLS needs a certificate"});
  if (!errors.empty()) return false;
  SSL_CTX_set_tlsext_servername_callback(sites_.front().context.get(), OnServerName);
  return true;
}

void OpensslServerContext::ShareTicketKeys(const ServerContext& previous) {
  const auto& other = static_cast<const OpensslServerContext&>(previous);
  if (other.client_auth_ == client_auth_ && other.client_trust_ == client_trust_)
    ticket_keys_ = other.ticket_keys_;
}

OpensslServerContext::Site* OpensslServerContext::SiteFor(const std::vector<std::string>& names,
                                                          int key_type) {
  const auto site = std::ranges::find_if(sites_, [&](const Site& s) {
    return s.names == names && std::ranges::find(s.key_types, key_type) == s.key_types.end();
  });
  return site != sites_.end() ? &*site : nullptr;
}

bool OpensslServerContext::AddSite(const config::ListenerTls& tls, std::vector<std::string> names,
                                   std::vector<ConfigError>& errors) {
  ERR_clear_error();
  SslCtxPtr context = MakeSslContext(TLS_server_method(), tls.min_version);
  if (!context || !SetClientAuth(*context, tls.client_auth)) {
    errors.push_back({{}, "", "cannot set up TLS: " + TakeReason()});
    return false;
  }
  SSL_CTX* ctx = context.get();
  SSL_CTX_set_app_data(ctx, this);
  SSL_CTX_set_alpn_select_cb(ctx, OnAlpn, nullptr);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, OnTicketKey);
  // A client resumes once and then gets a new ticket; WebSocket connections are few and long, so a
  // second ticket would be a waste.
  SSL_CTX_set_num_tickets(ctx, 1);
  SSL_CTX_set_session_id_context(ctx, kSessionIdContext.data(), kSessionIdContext.size());
  sites_.push_back({std::move(context), std::move(names), {}});
  return true;
}

bool OpensslServerContext::SetClientAuth(SSL_CTX& context, config::ClientAuth auth) const {
  if (auth == config::ClientAuth::kNone || !authorities_) return true;
  const int required = auth == config::ClientAuth::kRequired ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | required, OnVerify);
  SSL_CTX_set1_cert_store(&context, authorities_.get());
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(authorities_.get());
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (authority != nullptr && SSL_CTX_add_client_CA(&context, authority) != 1) return false;
  }
  return true;
}

int OpensslServerContext::OnServerName(SSL* ssl, int*, void*) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  OpensslServerContext& self = Of(ssl);
  const auto site = self.names_.Find(asked);
  if (site && SSL_set_SSL_CTX(ssl, self.sites_[*site].context.get()) == nullptr)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  return SSL_TLSEXT_ERR_OK;
}

int OpensslServerContext::OnAlpn(SSL*, const unsigned char** out, unsigned char* out_size,
                                 const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int result =
      SSL_select_next_proto(&chosen, out_size, kAlpn.data(), kAlpn.size(), in, in_size);
  if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int OpensslServerContext::OnTicketKey(SSL* ssl, unsigned char* name, unsigned char* iv,
                                      EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int seal) {
  const TicketKeys& keys = *Of(ssl).ticket_keys_;
  if (seal == 1) return keys.Seal(name, iv, cipher, mac);
  const int opened = keys.Open(name, iv, cipher, mac);
  // A TLS 1.3 client uses a ticket once (RFC 8446, appendix C.4); 2 issues a new one.
  return opened == 1 && SSL_version(ssl) == TLS1_3_VERSION ? 2 : opened;
}

}  // namespace

std::expected<std::shared_ptr<ServerContext>, std::vector<ConfigError>> ServerContext::Make(
    const config::ListenerTls& tls) {
  auto context = std::make_shared<OpensslServerContext>();
  std::vector<ConfigError> errors;
  if (!context->Load(tls, errors)) return std::unexpected(std::move(errors));
  return context;
}

}  // namespace upgate::tls
