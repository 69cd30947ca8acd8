#include "gateway/tls/failure.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "gateway/base/address.h"
#include "gateway/base/text.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/engine.h"

namespace upgate::tls {
namespace {

// The first error of the SSL library itself, if there is one: it names the cause, the others are
// details.
unsigned long TakeCode() {
  unsigned long first = 0;
  while (const unsigned long code = ERR_get_error()) {
    if (first == 0 || (ERR_GET_LIB(first) != ERR_LIB_SSL && ERR_GET_LIB(code) == ERR_LIB_SSL))
      first = code;
  }
  return first;
}

TlsFault FaultOf(unsigned long code) {
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return TlsFault::kOther;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsFault::kPlainHttp;
    case SSL_R_WRONG_VERSION_NUMBER:
      return TlsFault::kNotTls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return TlsFault::kVersion;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsFault::kCertificate;
    default:
      return ERR_GET_REASON(code) > SSL_AD_REASON_OFFSET ? TlsFault::kAlert : TlsFault::kOther;
  }
}

std::string ReasonText(unsigned long code) {
  if (code == 0) return "unknown reason";
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : fmt::format("OpenSSL error {:x}", code);
}

std::string HandshakeText(unsigned long code) {
  switch (FaultOf(code)) {
    case TlsFault::kPlainHttp:
      return "plain HTTP on a TLS port";
    case TlsFault::kNotTls:
      return "the peer does not speak TLS";
    case TlsFault::kVersion:
      return "no TLS version in common";
    default:
      return ReasonText(code);
  }
}

// The name or address that the certificate is verified against.
std::string WantedName(X509_STORE_CTX* store) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(store);
  if (const char* host = X509_VERIFY_PARAM_get0_host(parameters, 0)) return host;
  char* text = X509_VERIFY_PARAM_get1_ip_asc(parameters);
  if (text == nullptr) return {};
  const std::string address = text;
  OPENSSL_free(text);
  // OpenSSL does not compress the zeros of an IPv6 address.
  const auto ip = Ip::Parse(address);
  return ip ? ip->ToString() : address;
}

std::string VerifyText(X509_STORE_CTX* store) {
  const int code = X509_STORE_CTX_get_error(store);
  const char* text = X509_verify_cert_error_string(code);
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const X509* leaf = X509_STORE_CTX_get0_cert(store);
      const std::vector<std::string> names =
          leaf != nullptr ? NamesOf(*leaf) : std::vector<std::string>();
      const std::string listed = names.empty() ? "no name at all" : Join(names, ", ");
      return fmt::format("hostname mismatch: wanted {}, the certificate is for {}",
                         Printable(WantedName(store)), Printable(listed));
    }
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("certificate not signed by a trusted authority ({})", text);
    default:
      return text;
  }
}

}  // namespace

Error TakeFailure(bool established) {
  const unsigned long code = TakeCode();
  const TlsFault fault = FaultOf(code);
  const bool alert = fault == TlsFault::kAlert;
  std::string text =
      alert         ? fmt::format("the peer refused with the alert \"{}\"",
                                  SSL_alert_desc_string_long(ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET))
      : established ? ReasonText(code)
                    : HandshakeText(code);
  if (!established) return {Errc::kTls, std::move(text), fault};
  return {alert ? Errc::kReset : Errc::kProtocol, std::move(text)};
}

bool IsPlainHttp() {
  return FaultOf(ERR_peek_error()) == TlsFault::kPlainHttp;
}

std::string TakeReason() {
  return ReasonText(TakeCode());
}

int OnVerify(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return 1;
  const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
  SSL* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, index));
  Engine* engine = ssl != nullptr ? Engine::BoundBio(SSL_get_rbio(ssl)) : nullptr;
  if (engine != nullptr)
    engine->Refuse((SSL_is_server(ssl) ? "client certificate: " : "") + VerifyText(store));
  return 0;
}

std::string TextOf(const X509_NAME& name) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out) return {};
  X509_NAME_print_ex(out.get(), &name, 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::string SubjectOf(const X509& certificate) {
  return TextOf(*X509_get_subject_name(&certificate));
}

std::string CommonNameOf(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  int last = -1;
  for (int i = last; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) last = i;
  if (last < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return std::ranges::any_of(name, IsControl) ? std::string() : name;
}

}  // namespace upgate::tls
