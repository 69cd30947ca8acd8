#include "gateway/tls/certificate.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "gateway/base/address.h"
#include "gateway/base/text.h"
#include "gateway/tls/failure.h"

namespace upgate::tls {
namespace {

using config::ConfigError;
using config::FilePath;

// Far above any chain or CA bundle; prevents reading all of a device or a log file.
constexpr std::size_t kMaxFileSize = 4 * 1024 * 1024;
// Enough for most files; a power of two of this is kMaxFileSize.
constexpr std::size_t kFirstRead = 16 * 1024;

struct FileClose {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// The text of a key must not remain in freed memory.
struct Contents {
  std::string text;
  Contents() = default;
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;
  ~Contents() { OPENSSL_cleanse(text.data(), text.size()); }
  void Grow(std::size_t size) {
    std::string larger;
    larger.reserve(size);
    larger = text;
    larger.resize(size);
    text.swap(larger);
    OPENSSL_cleanse(larger.data(), larger.size());
  }
  BioPtr Open() const {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  }
};

void Add(std::vector<ConfigError>& errors, const FilePath& file, std::string message) {
  errors.push_back({file.mark, file.key, std::move(message)});
}

bool ReadFile(const FilePath& file, Contents& contents, std::vector<ConfigError>& errors) {
  const auto fail = [&] {
    Add(errors, file,
        fmt::format("cannot read {}: {}", config::PathExcerpt(file.path), std::strerror(errno)));
    return false;
  };
  const std::unique_ptr<std::FILE, FileClose> opened(std::fopen(file.path.c_str(), "re"));
  if (!opened) return fail();
  std::setvbuf(opened.get(), nullptr, _IONBF, 0);
  for (std::size_t size = 0;; size = contents.text.size()) {
    contents.Grow(std::max(kFirstRead, 2 * size));
    errno = 0;
    char* const rest = contents.text.data() + size;
    const std::size_t got = std::fread(rest, 1, contents.text.size() - size, opened.get());
    if (std::ferror(opened.get()) != 0) return fail();
    if (size + got == contents.text.size() && size + got < kMaxFileSize) continue;
    contents.text.resize(size + got);
    if (size + got < kMaxFileSize) return true;
    Add(errors, file,
        fmt::format("{} is too large for a PEM file", config::PathExcerpt(file.path)));
    return false;
  }
}

// A hint about what the file contains instead, as the end of a message.
std::string_view Hint(std::string_view text) {
  if (text.find("PRIVATE KEY-----") != std::string_view::npos)
    return "; it holds a private key: are cert and key swapped?";
  if (text.find("BEGIN CERTIFICATE-----") != std::string_view::npos)
    return "; it holds a certificate: are cert and key swapped?";
  if (text.starts_with('\x30'))
    return "; it looks like DER: convert it with openssl x509 or openssl pkey";
  return "";
}

ChainPtr ReadCertificates(const FilePath& file, std::vector<ConfigError>& errors) {
  Contents contents;
  if (!ReadFile(file, contents, errors)) return nullptr;
  const BioPtr bio = contents.Open();
  ChainPtr chain(sk_X509_new_null());
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(chain.get(), next);
  }
  const unsigned long code = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  const std::string reason = TakeReason();
  const int count = sk_X509_num(chain.get());
  if (!at_end) {
    Add(errors, file,
        fmt::format("certificate {} in {} is damaged: {}", count + 1,
                    config::PathExcerpt(file.path), reason));
    return nullptr;
  }
  if (count == 0) {
    Add(errors, file,
        fmt::format("no PEM certificate in {}{}", config::PathExcerpt(file.path),
                    Hint(contents.text)));
    return nullptr;
  }
  return chain;
}

int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

PkeyPtr ReadKey(const FilePath& file, std::vector<ConfigError>& errors) {
  Contents contents;
  if (!ReadFile(file, contents, errors)) return nullptr;
  const BioPtr bio = contents.Open();
  bool encrypted = false;
  ERR_clear_error();
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &encrypted));
  ERR_clear_error();
  if (key) return key;
  if (encrypted) {
    Add(errors, file,
        fmt::format("the key in {} is encrypted; decrypt it with openssl pkey -in FILE -out FILE",
                    config::PathExcerpt(file.path)));
  } else {
    Add(errors, file,
        fmt::format("no PEM private key in {}{}", config::PathExcerpt(file.path),
                    Hint(contents.text)));
  }
  return nullptr;
}

bool Belong(X509& certificate, EVP_PKEY& key) {
  const bool belong = X509_check_private_key(&certificate, &key) == 1;
  ERR_clear_error();
  return belong;
}

std::string MismatchText(const config::Certificate& files, const Identity& identity) {
  for (int i = 0; i < sk_X509_num(identity.chain.get()); ++i) {
    if (!Belong(*sk_X509_value(identity.chain.get(), i), *identity.key)) continue;
    return fmt::format(
        "the key in {} belongs to certificate {} in {}; put that one first and its issuers after "
        "it",
        config::PathExcerpt(files.key.path), i + 2, config::PathExcerpt(files.cert.path));
  }
  return fmt::format(
      "the key in {} does not belong to the certificate in {}; name the key that the certificate "
      "was requested with",
      config::PathExcerpt(files.key.path), config::PathExcerpt(files.cert.path));
}

std::string Sha256(const X509& certificate) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  X509_digest(&certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string CommonName(const X509& certificate) {
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return {};
  std::string name = ToLower(
      std::string_view(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)));
  OPENSSL_free(text);
  return name;
}

}  // namespace

std::optional<Identity> LoadIdentity(const config::Certificate& files,
                                     std::vector<ConfigError>& errors) {
  Identity identity;
  identity.chain = ReadCertificates(files.cert, errors);
  identity.key = ReadKey(files.key, errors);
  if (!identity.chain || !identity.key) return std::nullopt;
  identity.leaf.reset(sk_X509_shift(identity.chain.get()));
  if (Belong(*identity.leaf, *identity.key)) return identity;
  Add(errors, files.key, MismatchText(files, identity));
  return std::nullopt;
}

StorePtr LoadAuthorities(const FilePath& file, std::vector<ConfigError>& errors) {
  const ChainPtr authorities = ReadCertificates(file, errors);
  if (!authorities) return nullptr;
  StorePtr store(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(authorities.get()); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(authorities.get(), i));
  }
  // Every listed certificate is trusted, including an intermediate whose root is not listed.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

bool UseIdentity(SSL_CTX& context, const Identity& identity, const config::Certificate& files,
                 std::vector<ConfigError>& errors) {
  ERR_clear_error();
  if (SSL_CTX_use_cert_and_key(&context, identity.leaf.get(), identity.key.get(),
                               identity.chain.get(), 1) == 1)
    return true;
  Add(errors, files.cert,
      fmt::format("cannot use the certificate in {}: {}", config::PathExcerpt(files.cert.path),
                  TakeReason()));
  return false;
}

std::string AddressText(const ASN1_OCTET_STRING& address) {
  Ip ip;
  const int size = ASN1_STRING_length(&address);
  if (size != 4 && size != 16) return {};
  if (size == 4) ip.bytes[10] = ip.bytes[11] = 0xff;
  std::memcpy(ip.bytes.data() + 16 - size, ASN1_STRING_get0_data(&address),
              static_cast<std::size_t>(size));
  return ip.ToString();
}

std::int64_t UnixSeconds(const ASN1_TIME& time) {
  std::tm calendar{};
  return ASN1_TIME_to_tm(&time, &calendar) == 1 ? ::timegm(&calendar) : 0;
}

std::vector<std::string> NamesOf(const X509& certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) {
      const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      names.push_back(ToLower(
          std::string_view(text, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)))));
    } else if (name->type == GEN_IPADD) {
      names.push_back(AddressText(*name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(alternatives);
  if (names.empty()) names.push_back(CommonName(certificate));
  std::erase(names, std::string());
  return names;
}

LoadedCertificate Describe(const Identity& identity, const config::Certificate& files) {
  return {files.cert.path, NamesOf(*identity.leaf),
          UnixSeconds(*X509_get0_notAfter(identity.leaf.get())), Sha256(*identity.leaf)};
}

void FilesDigest::Add(const Identity& identity) {
  digests_ += Sha256(*identity.leaf);
  for (int i = 0; i < sk_X509_num(identity.chain.get()); ++i)
    digests_ += Sha256(*sk_X509_value(identity.chain.get(), i));
}

void FilesDigest::Add(const X509_STORE& authorities) {
  std::vector<std::string> all;
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(&authorities);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    if (authority != nullptr) all.push_back(Sha256(*authority));
  }
  std::ranges::sort(all);
  for (const std::string& digest : all) digests_ += digest;
}

std::string FilesDigest::Finish() const {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  EVP_Digest(digests_.data(), digests_.size(), reinterpret_cast<unsigned char*>(digest.data()),
             nullptr, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace upgate::tls
