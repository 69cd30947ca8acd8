// Public keys in PEM: the same as those in JWKs, and nothing else.
#include "gateway/tls/pem_key.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::tls::pem_key_test {
namespace {

using testing::HasSubstr;
using testing::Not;

// The keys of verify_key_test.cc, and one with a coordinate that begins with a zero.
struct Case {
  std::string_view pem, type, curve, n, x, y;
};
constexpr Case kCases[] = {
    {"-----BEGIN PUBLIC KEY-----\n"
     "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n"
     "NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n"
     "P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n"
     "9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n"
     "EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n"
     "FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n"
     "oQIDAQAB\n"
     "-----END PUBLIC KEY-----\n",
     "RSA", "",
     "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
     "PMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0"
     "LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD"
     "Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2"
     "PAcDTW9gb54h4FRWyuXpoQ",
     "", ""},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
     "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
     "-----END PUBLIC KEY-----\n",
     "EC", "P-256", "", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
     "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEXTRdrmC/yy1NKs/mipfxcIINLuJyWp/+\n"
     "ofnEiocJjqYcpv+KOpEdlEKj9DULqyvGsE8crpQspNhr0fG7hRSFpnxIY9ZZtfjd\n"
     "5dQeOAKXHZxyhF6mpsrxEy01GhdbgLfY\n"
     "-----END PUBLIC KEY-----\n",
     "EC", "P-384", "", "XTRdrmC_yy1NKs_mipfxcIINLuJyWp_-ofnEiocJjqYcpv-KOpEdlEKj9DULqyvG",
     "sE8crpQspNhr0fG7hRSFpnxIY9ZZtfjd5dQeOAKXHZxyhF6mpsrxEy01GhdbgLfY"},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBwlxuHMy+FCDCcKz+XOlau1uCnO7p\n"
     "GiM3PK3nefveLDyPiHabdiCtWBtNZsFHIQhPvzn3HziyMzWKx7A2M5v5g7cBDB1z\n"
     "xnpVz7VJXT3XAhhG9sceaigGjyiJnik6wGTS5ET+kf5TrzhHlfld8298jqQiwWqn\n"
     "8hdD1uqwtWpIKJ2ScT8=\n"
     "-----END PUBLIC KEY-----\n",
     "EC", "P-521", "",
     "AcJcbhzMvhQgwnCs_lzpWrtbgpzu6RojNzyt53n73iw8j4h2m3YgrVgbTWbBRyEIT7859x84sjM1isew"
     "NjOb-YO3",
     "AQwdc8Z6Vc-1SV091wIYRvbHHmooBo8oiZ4pOsBk0uRE_pH-U684R5X5XfNvfI6kIsFqp_IXQ9bqsLVq"
     "SCidknE_"},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
     "-----END PUBLIC KEY-----\n",
     "OKP", "Ed25519", "", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", ""},
    {"-----BEGIN PUBLIC KEY-----\n"
     "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAFVDiUrz0A7X10Cr29dclrBod7eH\n"
     "219w7qeLkKjXwAq7TIWj2Oop76r6JEBpEt2E1bFNwyv2Vu9sa9WKXZQ/kg==\n"
     "-----END PUBLIC KEY-----\n",
     "EC", "P-256", "", "AFVDiUrz0A7X10Cr29dclrBod7eH219w7qeLkKjXwAo",
     "u0yFo9jqKe-q-iRAaRLdhNWxTcMr9lbvbGvVil2UP5I"},
};
constexpr std::string_view kOtherCurve =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEXL3wZG5dtOqjmPNl8up6Dj1Bm34DMOOc\n"
    "6Svd7crE+bxq68pAuiVZYKMXjW2GGlTbqBPQuBP957WlCCYoCHJk2g==\n"
    "-----END PUBLIC KEY-----\n";

TEST(PemKeyTest, ReadsTheNumbersOfEachKind) {
  for (const Case& one : kCases) {
    const auto keys = JwksOfPem(one.pem);
    ASSERT_TRUE(keys) << one.curve << keys.error();
    ASSERT_EQ(keys->size(), 1u);
    const JwkParts& parts = keys->front();
    EXPECT_EQ(parts.type, one.type);
    EXPECT_EQ(parts.curve, one.curve);
    EXPECT_EQ(parts.n, one.n);
    EXPECT_EQ(parts.e, one.type == "RSA" ? "AQAB" : "");
    EXPECT_EQ(parts.x, one.x);
    EXPECT_EQ(parts.y, one.y);
    EXPECT_TRUE(VerifyKey::OfJwk(parts)) << one.curve;
  }
}

TEST(PemKeyTest, ReadsSeveralWithTextBetweenThem) {
  std::string all = "the keys of our issuer\n";
  for (const Case& one : kCases) all.append(one.pem).append("\nanother one:\n");
  const auto keys = JwksOfPem(all);
  ASSERT_TRUE(keys) << keys.error();
  EXPECT_EQ(keys->size(), std::size(kCases));
}

TEST(PemKeyTest, SaysWhatIsWrongButNothingOfTheText) {
  const auto fault = [](std::string_view text) {
    const auto keys = JwksOfPem(text);
    return keys ? std::string("none") : keys.error();
  };
  EXPECT_THAT(fault("-----BEGIN PRIVATE KEY-----\ntopsecret\n-----END PRIVATE KEY-----\n"),
              AllOf(HasSubstr("openssl pkey -pubout"), Not(HasSubstr("topsecret"))));
  EXPECT_THAT(fault("-----BEGIN EC PRIVATE KEY-----\n"), HasSubstr("openssl pkey -pubout"));
  EXPECT_THAT(fault("-----BEGIN CERTIFICATE-----\n"), HasSubstr("openssl x509 -noout -pubkey"));
  EXPECT_THAT(fault("-----BEGIN RSA PUBLIC KEY-----\n"), HasSubstr("is not PUBLIC KEY"));
  EXPECT_THAT(fault(std::string(kCases[0].pem) + "-----BEGIN PRIVATE KEY-----\n"),
              HasSubstr("has a private key"));
  EXPECT_THAT(fault("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
              HasSubstr("damaged"));
  EXPECT_THAT(fault(kCases[0].pem.substr(0, 100)), HasSubstr("damaged"));
  EXPECT_THAT(fault(kOtherCurve), HasSubstr("is neither RSA"));
  EXPECT_THAT(fault(""), HasSubstr("has no PEM block"));
}

}  // namespace
}  // namespace upgate::tls::pem_key_test
