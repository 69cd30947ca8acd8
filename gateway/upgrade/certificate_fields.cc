#include "gateway/upgrade/certificate_fields.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "gateway/base/base64.h"
#include "gateway/base/text.h"
#include "gateway/http/body_writer.h"

namespace upgate::upgrade {
namespace {

// Those that gateways commonly send; servers may look at any of them.
constexpr std::array<std::string_view, 15> kXSslClient{
    "x-ssl-client-verify",    "x-ssl-client-dn",       "x-ssl-client-s-dn",  "x-ssl-client-subject",
    "x-ssl-client-cn",        "x-ssl-client-i-dn",     "x-ssl-issuer",       "x-ssl-client-issuer",
    "x-ssl-client-serial",    "x-ssl-client-san",      "x-ssl-client-cert",  "x-ssl-client-sha1",
    "x-ssl-client-notbefore", "x-ssl-client-notafter", "x-ssl-client-sha256"};

// In PEM, percent-encoded, as nginx's $ssl_client_escaped_cert has it.
std::string EscapedPem(std::string_view der) {
  constexpr std::size_t kLine = 64;
  const std::string base64 = Base64Encode(AsBytes(der));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += kLine)
    pem.append(base64.substr(at, kLine)).append("\n");
  pem += "-----END CERTIFICATE-----\n";
  std::string escaped;
  for (const char c : pem) {
    if (IsAlpha(c) || IsDigit(c) || c == '-') {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return escaped;
}

}  // namespace

void AddCertificateFields(const config::ClientCertHeaders& wanted, const io::TlsInfo* tls,
                          http::FieldChanges& changes) {
  const io::PeerCertificate* certificate = tls != nullptr ? tls->client_certificate.get() : nullptr;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && http::FieldCanBeSent(name, value)) changes.add.emplace_back(name, value);
  };
  if (wanted.client_cert) {
    changes.drop.insert(changes.drop.end(), {"client-cert", "client-cert-chain"});
    // A byte sequence (RFC 9651, section 3.3.5).
    if (certificate != nullptr)
      add("Client-Cert", ":" + Base64Encode(AsBytes(certificate->der)) + ":");
  }
  if (!wanted.x_ssl_client) return;
  changes.drop.insert(changes.drop.end(), kXSslClient.begin(), kXSslClient.end());
  add("X-SSL-Client-Verify", certificate != nullptr ? "SUCCESS" : "NONE");
  if (certificate == nullptr) return;
  add("X-SSL-Client-DN", tls->client_subject);
  add("X-SSL-Client-CN", tls->client_name);
  add("X-SSL-Client-Issuer", certificate->issuer);
  add("X-SSL-Client-Serial", certificate->serial);
  add("X-SSL-Client-SAN", Join(certificate->names, ","));
  add("X-SSL-Client-SHA256", certificate->sha256);
  add("X-SSL-Client-Cert", EscapedPem(certificate->der));
}

}  // namespace upgate::upgrade
