#include <array>
#include <string>
#include <vector>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "gateway/base/address.h"
#include "gateway/tls/context.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kValidDays = 30;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280, appendix A.1: ub-common-name

template <class Write>
std::string ToPem(Write write) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || write(out.get()) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void SetSerial(X509& certificate) {
  std::array<unsigned char, 16> random{};
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  // positive, and always of the same length
  random[0] = static_cast<unsigned char>((random[0] & 0x3f) | 0x40);
  BIGNUM* number = BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(&certificate));
  BN_free(number);
}

void SetNames(X509& certificate, const std::vector<std::string>& names) {
  X509_NAME* subject = X509_get_subject_name(&certificate);
  const std::string common = names.front().substr(0, kMaxCommonName);
  X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common.data()),
                             static_cast<int>(common.size()), -1, 0);
  X509_set_issuer_name(&certificate, subject);

  GENERAL_NAMES* alternatives = GENERAL_NAMES_new();
  for (const std::string& name : names) {
    GENERAL_NAME* entry = GENERAL_NAME_new();
    if (const auto ip = Ip::Parse(name)) {
      ASN1_OCTET_STRING* address = ASN1_OCTET_STRING_new();
      const int size = ip->is_v4() ? 4 : 16;
      ASN1_OCTET_STRING_set(address, ip->bytes.data() + 16 - size, size);
      GENERAL_NAME_set0_value(entry, GEN_IPADD, address);
    } else {
      ASN1_IA5STRING* dns = ASN1_IA5STRING_new();
      ASN1_STRING_set(dns, name.data(), static_cast<int>(name.size()));
      GENERAL_NAME_set0_value(entry, GEN_DNS, dns);
    }
    sk_GENERAL_NAME_push(alternatives, entry);
  }
  X509_add1_ext_i2d(&certificate, NID_subject_alt_name, alternatives, 0, X509V3_ADD_DEFAULT);
  GENERAL_NAMES_free(alternatives);
}

void AddExtension(X509& certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return;
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

SelfSigned MakeSelfSigned(const std::vector<std::string>& names) {
  const PkeyPtr key(EVP_EC_gen("P-256"));
  const X509Ptr certificate(X509_new());
  if (!key || !certificate) return {};
  X509_set_version(certificate.get(), X509_VERSION_3);
  SetSerial(*certificate);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), (kValidDays - 1) * kDay);
  X509_set_pubkey(certificate.get(), key.get());
  SetNames(*certificate, names.empty() ? std::vector<std::string>{"localhost"} : names);
  AddExtension(*certificate, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(*certificate, NID_key_usage, "critical,digitalSignature");
  AddExtension(*certificate, NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(*certificate, NID_subject_key_identifier, "hash");
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return {};
  return {ToPem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }),
          ToPem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace upgate::tls
