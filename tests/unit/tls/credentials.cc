#include "tests/unit/tls/credentials.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "gateway/base/address.h"
#include "gateway/tls/openssl.h"

namespace upgate::tls::test {
namespace {

constexpr long kDay = 24 * 60 * 60;

std::string Text(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string ToPem(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return Text(out.get());
}

std::string ToPem(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Text(out.get());
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr Make(EVP_PKEY* key, const CertificateSpec& spec) {
  X509Ptr certificate(X509_new());
  static long serial = 0;
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.first_day * kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.last_day * kDay);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_NID(
      X509_get_subject_name(certificate.get()), NID_commonName, MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  std::string names;
  for (const std::string& name : spec.names) {
    names += (names.empty() ? "" : ",") + std::string(Ip::Parse(name) ? "IP:" : "DNS:") + name;
  }
  if (!names.empty()) AddExtension(certificate.get(), NID_subject_alt_name, names);
  return certificate;
}

}  // namespace

struct Authority::Keys {
  PkeyPtr key;
  X509Ptr certificate;
};

Authority::Authority(const std::string& name) : keys_(std::make_unique<Keys>()) {
  keys_->key.reset(EVP_EC_gen("P-256"));
  keys_->certificate = Make(keys_->key.get(), {.names = {}, .common_name = name});
  X509* certificate = keys_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(certificate, keys_->key.get(), EVP_sha256());
  pem_ = ToPem(certificate);
}

Authority::~Authority() = default;

Pem Authority::Issue(const CertificateSpec& spec) const {
  const PkeyPtr key(spec.key == KeyKind::kRsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
  const X509Ptr certificate = Make(key.get(), spec);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(keys_->certificate.get()));
  X509_sign(certificate.get(), keys_->key.get(), EVP_sha256());
  return {ToPem(certificate.get()), ToPem(key.get())};
}

std::string Encrypted(const std::string& key_pem) {
  const BioPtr in(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  const PkeyPtr key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), "open sesame", 11, nullptr,
                                nullptr);
  return Text(out.get());
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "upgate-tls-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

config::FilePath Folder::Write(std::string_view content, std::string key) {
  const std::string name = path(std::to_string(++files_) + ".pem");
  std::ofstream(name) << content;
  return {name, {files_, 7}, std::move(key)};
}

config::Certificate Folder::Write(const Pem& pem) {
  return {Write(pem.certificate, "certificates[0].cert"), Write(pem.key, "certificates[0].key")};
}

}  // namespace upgate::tls::test
