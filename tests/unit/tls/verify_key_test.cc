#include "gateway/tls/verify_key.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "gateway/base/base64.h"

namespace upgate::tls::verify_key_test {
namespace {

using enum SignatureAlgorithm;

// RFC 7515, appendix A.1 (also RFC 7519, section 3.1), A.2 and A.3; RFC 8037, appendix A.4.
constexpr std::string_view kHs256Token =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo"
    "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOE"
    "jXk";
constexpr std::string_view kSecret =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
constexpr std::string_view kRs256Token =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R"
    "Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrn"
    "byTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHW"
    "EsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig"
    "cN_IoypGlUPQGe77Rw";
constexpr std::string_view kRsaModulus =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
    "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
    "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
    "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view kEs256Token =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
    "SlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kEdDsaToken =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09P"
    "GcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
// Made with OpenSSL by another program.
constexpr std::string_view kPs256Token =
    "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODAsInN1YiI6ImFsaWNlIn0.nHyy91U"
    "-VmgRG5IWBVSG0FuLXPcSdA2zAGSdhzDrrEdlg5E-XMDZBDaOFGKcr4-gI8V7kW8O8xwhkz8Wm74MEITazmNYiMt"
    "KhF7XyrqWKiYRydlsDSpewwkLbaJu0pfKQogDDcOCdrswM-yI4cb8krRNYIpvKG6CthTxxHmWbgLLlxB_6YlP40b"
    "fCTnmHHjmzp6W5Blc5S5IXVoGdhdEbpb7QwxlrgDdTzu05Sydy29SkKdjccupU1O6OIwXe66JbaRv_V2DbagoqiH"
    "ddR7s1d3UXz6izaVJEq30VTt17UkdagQPu11WW8h4yw3E4dwigftZhh-2kj0vs-1eWnznWQ";
constexpr std::string_view kPs256Modulus =
    "_Zb2pQBLsa2qUp2D-heXTvlX9MLx5AqO5r-T5Oq5Fo3OHUEY9C4jfGDf5mCcQj5-TMZXUf4zBoO5kGeZqRuUiG0R"
    "iRXtTyIL67CFARFTw8jndVY9h0SO2H2NCzbZrL_RNqruudoCbPADxQk6dqxPLiqrmky363pFqmQ4FlPIxolywrp6"
    "7MdaQUhz14nMeAjakBcJNtpU71hhVaPE18U8kpFMbaG3F4NsuzEL7a0a8uJmVsnNenRLK-zQR5I9OORlBEPLDqFl"
    "URfmWnmLIO9X5d5j3rrP6Buh76g1OxTmhzKa1_TYSQLpZE6rPRTcYPjVjvN2O06jAd-_ve4Z2tA-hw";
constexpr std::string_view kEs384Token =
    "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODAsInN1YiI6ImFsaWNlIn0.Cf6iA7C"
    "HzZSA7EbL8ABi2wYoGvNjN3PggC2UulDcH6VDEUXI00fZzychK7Hq6B-9ec5PrpoHvLTvIWMVxHVuBIkksVAT1s0"
    "jgT4nVc5GnGKhaO3b0hMaIWOa3tJHAs77";
constexpr std::string_view kEs384X =
    "XTRdrmC_yy1NKs_mipfxcIINLuJyWp_-ofnEiocJjqYcpv-KOpEdlEKj9DULqyvG";
constexpr std::string_view kEs384Y =
    "sE8crpQspNhr0fG7hRSFpnxIY9ZZtfjd5dQeOAKXHZxyhF6mpsrxEy01GhdbgLfY";
constexpr std::string_view kEs512Token =
    "eyJhbGciOiJFUzUxMiJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODAsInN1YiI6ImFsaWNlIn0.AcfYA8x"
    "KFF1Ss71SRC29anaRvRrpHtZTFTzaPqnQo99r8faGxFTRN1ZnnfRzo17jwe9g3Ub0f-2EJFYQDLwepg9yAZYCyyB"
    "4igQOGobjixLwY7JIluyHnlM3o90gRoIfjS1oGH80fzdGCMD-az_c4Og6QojCPjFO6L6eXL8WEv1gpZ0M";
constexpr std::string_view kEs512X =
    "AcJcbhzMvhQgwnCs_lzpWrtbgpzu6RojNzyt53n73iw8j4h2m3YgrVgbTWbBRyEIT7859x84sjM1isewNjOb-YO3";
constexpr std::string_view kEs512Y =
    "AQwdc8Z6Vc-1SV091wIYRvbHHmooBo8oiZ4pOsBk0uRE_pH-U684R5X5XfNvfI6kIsFqp_IXQ9bqsLVqSCidknE_";
constexpr std::string_view kSmallModulus =
    "w688Ac-HxOR1-TYY6ULkrnN-Z-mOvFolU-3PxaYrRVg17_MQZ2ILZ_kZhK_GStMkvtdgsW_QKuQ1MS4-X68f4lie"
    "o3TKKq9jrPpCOtq6GjX3urR2XLbCN_-FpvUi9A8cpuADuzdM11wtb8QLx5fMorIwWg7uxpGieKnW1Zwrk-8";

JwkParts Rsa(std::string_view modulus) {
  return {.type = "RSA", .curve = {}, .x = {}, .y = {}, .n = std::string(modulus), .e = "AQAB"};
}
JwkParts Ec(std::string_view curve, std::string_view x, std::string_view y) {
  return {.type = "EC",
          .curve = std::string(curve),
          .x = std::string(x),
          .y = std::string(y),
          .n = {},
          .e = {}};
}
JwkParts Ed25519() {
  return {.type = "OKP",
          .curve = "Ed25519",
          .x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
          .y = {},
          .n = {},
          .e = {}};
}
JwkParts P256() {
  return Ec("P-256", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
}
// The token with one character of a part changed: part 0, 1 or 2.
std::string Changed(std::string_view token, int part) {
  std::string changed(token);
  std::size_t at = 0;
  while (part-- > 0) at = changed.find('.', at) + 1;
  at += 10;
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  return changed;
}

struct Case {
  JwkParts key;
  std::string_view token;
  SignatureAlgorithm algorithm;
};
std::vector<Case> Cases() {
  return {{Rsa(kRsaModulus), kRs256Token, kRs256},
          {Rsa(kPs256Modulus), kPs256Token, kPs256},
          {P256(), kEs256Token, kEs256},
          {Ec("P-384", kEs384X, kEs384Y), kEs384Token, kEs384},
          {Ec("P-521", kEs512X, kEs512Y), kEs512Token, kEs512},
          {Ed25519(), kEdDsaToken, kEdDsa}};
}

TEST(VerifyKeyTest, VerifiesTheVectorsOfTheStandards) {
  for (const Case& one : Cases()) {
    const auto key = VerifyKey::OfJwk(one.key);
    ASSERT_TRUE(key) << one.token << key.error();
    EXPECT_TRUE(key->HasSigned(one.token, one.algorithm)) << one.token;
  }
  EXPECT_TRUE(VerifyKey::OfSecret(*Base64UrlDecode(kSecret)).HasSigned(kHs256Token, kHs256));
}

TEST(VerifyKeyTest, RefusesWhatWasChanged) {
  for (const Case& one : Cases()) {
    const auto key = VerifyKey::OfJwk(one.key);
    for (const int part : {1, 2})
      EXPECT_FALSE(key->HasSigned(Changed(one.token, part), one.algorithm)) << one.token << part;
  }
  const VerifyKey secret = VerifyKey::OfSecret(*Base64UrlDecode(kSecret));
  EXPECT_FALSE(secret.HasSigned(Changed(kHs256Token, 1), kHs256));
  EXPECT_FALSE(secret.HasSigned(Changed(kHs256Token, 2), kHs256));
  EXPECT_FALSE(
      VerifyKey::OfSecret("another secret of some length...").HasSigned(kHs256Token, kHs256));
}

TEST(VerifyKeyTest, TheTypeOfTheKeyDecidesOnTheAlgorithm) {
  const auto rsa = VerifyKey::OfJwk(Rsa(kRsaModulus));
  EXPECT_TRUE(rsa->Fits(kRs512) && rsa->Fits(kPs256));
  EXPECT_FALSE(rsa->Fits(kHs256) || rsa->Fits(kEs256) || rsa->Fits(kEdDsa));
  EXPECT_FALSE(rsa->HasSigned(kHs256Token, kHs256));
  const auto p256 = VerifyKey::OfJwk(P256());
  EXPECT_TRUE(p256->Fits(kEs256));
  EXPECT_FALSE(p256->Fits(kEs384) || p256->Fits(kRs256) || p256->Fits(kHs256));
  const VerifyKey secret = VerifyKey::OfSecret(kSecret);
  EXPECT_TRUE(secret.Fits(kHs512));
  EXPECT_FALSE(secret.Fits(kRs256) || secret.Fits(kEs256) || secret.Fits(kEdDsa));
}

TEST(VerifyKeyTest, ThereIsNoAlgorithmNone) {
  EXPECT_EQ(FindAlgorithm("RS256"), kRs256);
  EXPECT_EQ(FindAlgorithm("EdDSA"), kEdDsa);
  for (const std::string_view name : {"none", "None", "", "rs256", "ES256K", "RSA-OAEP"})
    EXPECT_EQ(FindAlgorithm(name), std::nullopt) << name;
}

TEST(VerifyKeyTest, RefusesKeysThatAreWeakOrInvalid) {
  EXPECT_FALSE(VerifyKey::OfJwk(Rsa(kSmallModulus))) << "1024 bits";
  EXPECT_FALSE(VerifyKey::OfJwk(Rsa("")));
  EXPECT_FALSE(VerifyKey::OfJwk(Rsa("not base64url!")));
  EXPECT_FALSE(VerifyKey::OfJwk(Rsa("\",\"kty\":\"oct")));
  JwkParts off_curve = P256();
  off_curve.y = off_curve.x;
  EXPECT_FALSE(VerifyKey::OfJwk(off_curve));
  JwkParts unknown = P256();
  unknown.curve = "secp256k1";
  EXPECT_FALSE(VerifyKey::OfJwk(unknown));
  JwkParts secret{.type = "oct", .curve = {}, .x = {}, .y = {}, .n = {}, .e = {}};
  EXPECT_FALSE(VerifyKey::OfJwk(secret));
  JwkParts short_key = Ed25519();
  short_key.x = "AAAA";
  EXPECT_FALSE(VerifyKey::OfJwk(short_key));
}

TEST(VerifyKeyTest, RefusesWhatIsNoToken) {
  const auto rsa = VerifyKey::OfJwk(Rsa(kRsaModulus));
  const auto ed25519 = VerifyKey::OfJwk(Ed25519());
  for (const std::string_view token : {"", ".", "..", "...", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.."}) {
    EXPECT_FALSE(rsa->HasSigned(token, kRs256)) << token;
    EXPECT_FALSE(ed25519->HasSigned(token, kEdDsa)) << token;
  }
}

}  // namespace
}  // namespace upgate::tls::verify_key_test
