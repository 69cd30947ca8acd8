#include "gateway/tls/peer_certificate.h"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "gateway/base/address.h"
#include "gateway/base/text.h"
#include "gateway/tls/certificate.h"
#include "gateway/tls/digest.h"
#include "gateway/tls/failure.h"

namespace upgate::tls {
namespace {

std::string HexOf(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    const auto value = static_cast<unsigned>(byte);
    text.append({kDigits[value >> 4], kDigits[value & 0xf]});
  }
  return text;
}

std::string DerOf(const X509& certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(&certificate, &bytes);
  if (size <= 0) return {};
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

std::string SerialOf(const X509& certificate) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr), &BN_free);
  char* const digits = number ? BN_bn2hex(number.get()) : nullptr;
  if (digits == nullptr) return {};
  std::string text(digits);
  OPENSSL_free(digits);
  return text;
}

std::string_view TextOf(const ASN1_STRING& text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(&text)),
          static_cast<std::size_t>(ASN1_STRING_length(&text))};
}

std::string NameOf(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_DNS:
      return "DNS:" + ToLower(TextOf(*name.d.dNSName));
    case GEN_URI:
      return "URI:" + std::string(TextOf(*name.d.uniformResourceIdentifier));
    case GEN_EMAIL:
      return "email:" + std::string(TextOf(*name.d.rfc822Name));
    case GEN_IPADD: {
      const std::string address = AddressText(*name.d.iPAddress);
      return address.empty() ? "" : "IP:" + address;
    }
    default:
      return {};
  }
}

std::vector<std::string> AlternativeNamesOf(const X509& certificate) {
  constexpr std::size_t kMostNames = 64;
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> alternatives(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()) && names.size() < kMostNames; ++i) {
    std::string name = NameOf(*sk_GENERAL_NAME_value(alternatives.get(), i));
    if (!name.empty() && std::ranges::none_of(name, IsControl)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::shared_ptr<const io::PeerCertificate> ReadPeerCertificate(const X509& certificate) {
  auto read = std::make_shared<io::PeerCertificate>();
  read->der = DerOf(certificate);
  if (read->der.empty()) return nullptr;
  read->issuer = TextOf(*X509_get_issuer_name(&certificate));
  read->serial = SerialOf(certificate);
  read->sha256 = HexOf(Sha256(AsBytes(read->der)));
  read->names = AlternativeNamesOf(certificate);
  read->ends_unix_s = UnixSeconds(*X509_get0_notAfter(&certificate));
  return read;
}

}  // namespace upgate::tls
