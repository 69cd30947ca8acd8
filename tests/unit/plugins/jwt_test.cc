// Tokens: their form, keys, claims and times, and what is remembered of them.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/base/base64.h"
#include "gateway/plugin/credentials.h"
#include "plugins/jwt/key_set.h"
#include "plugins/jwt/token.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::jwt_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
constexpr std::int64_t kNow = 1'700'000'000;

std::string Url(std::string_view text) {
  return Base64UrlEncode(AsBytes(text));
}
std::string Signed(std::string_view header, std::string_view claims,
                   std::string_view secret = kSecret) {
  const std::string text = Url(header) + "." + Url(claims);
  const auto mac = tls::HmacSha256(secret, text);
  return text + "." + Url({reinterpret_cast<const char*>(mac.data()), mac.size()});
}
std::string Token(std::string_view claims) {
  return Signed(R"({"alg":"HS256","typ":"JWT"})", claims);
}
// RFC 7515, appendix A.2.
constexpr std::string_view kRs256Key =
    R"({"kty":"RSA","kid":"2011","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k)"
    R"(0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b326)"
    R"(90r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg)"
    R"(665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFk)"
    R"(MLs91kzk2PAcDTW9gb54h4FRWyuXpoQ")";
constexpr std::string_view kRs256Token =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL"
    "mNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7A"
    "AuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO7"
    "5vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6B"
    "fI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe"
    "77Rw";

class JwtTest : public AuthPluginTest {
 protected:
  JwtTest() {
    folder_ = files_.path();
    files_.Write("secret", std::string(kSecret) + "\n");
    files_.Write("keys.json", KeysJson(""));
    loop_.timers().SetUnixSeconds(kNow);
  }
  static std::string KeysJson(std::string_view more) {
    return R"({"keys":[)" + std::string(kRs256Key) + std::string(more) + "}]}";
  }
  void StartWithSecret(std::string_view more = "") {
    Start("jwt", "{ secret_file: secret" + std::string(more) + " }");
  }
  std::string Answer(std::string_view token) { return Checked(*instance_, token).answer(); }

  test::TempFolder files_;
};

TEST_F(JwtTest, LetsInTheUserOfAGoodToken) {
  StartWithSecret();
  Checked checked(*instance_, Token(R"({"sub":"alice","admin":true,"groups":["a","b"],"n":7})"));
  EXPECT_EQ(checked.answer(), "let in alice");
  const plugin::Identity& identity = *checked.whole().identity;
  EXPECT_EQ(identity.claims.find("groups")->second, "a,b");
  EXPECT_EQ(identity.claims.find("admin")->second, "true");
  EXPECT_EQ(identity.claims.find("n")->second, "7");
  EXPECT_EQ(identity.ends_unix_ms, std::nullopt);
}

TEST_F(JwtTest, ClaimsAreShownByTheirMeaning) {
  StartWithSecret(", require: { level: '100.0' }");
  Checked checked(*instance_,
                  Token(R"({"sub":"al\u0069ce","level":1e2,"id":18446744073709551615,)"
                        R"("n":-0,"none":null,"list":[1.50,"a",null,[2]],"in":{"x":1}})"));
  EXPECT_EQ(checked.answer(), "let in alice");
  const std::map<std::string, std::string, std::less<>> shown{{"sub", "alice"},
                                                              {"level", "100.0"},
                                                              {"id", "18446744073709551615"},
                                                              {"n", "0"},
                                                              {"list", "1.5,a,null"}};
  EXPECT_EQ(checked.whole().identity->claims, shown);
}

TEST_F(JwtTest, NoNameIsCutToThatOfSomebodyElse) {
  StartWithSecret();
  for (const std::string& name :
       {std::string(R"(adm\u0000in)"), std::string(R"(admin\r\n)"), std::string(257, 'a')}) {
    EXPECT_EQ(Answer(Token(R"({"sub":")" + name + R"("})")), "malformed 401") << name;
  }
  const std::string longest(256, 'a');
  EXPECT_EQ(Answer(Token(R"({"sub":")" + longest + R"("})")), "let in " + longest);
}

TEST_F(JwtTest, VerifiesTheVectorOfTheStandardByAKeySet) {
  loop_.timers().SetUnixSeconds(1'300'819'000);
  Start("jwt", "{ keys: keys.json, algorithms: [ RS256 ], issuer: joe, user: iss }");
  EXPECT_EQ(Answer(kRs256Token), "let in joe");
  loop_.timers().SetUnixSeconds(1'300'819'380 + 30);
  EXPECT_EQ(Answer(kRs256Token), "expired 401") << "also what is remembered";
}

TEST_F(JwtTest, AFileOfKeysMayBePem) {
  files_.Write("key.pem",
               "-----BEGIN PUBLIC KEY-----\n"
               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
               "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
               "-----END PUBLIC KEY-----\n");
  loop_.timers().SetUnixSeconds(1'300'819'000);
  Start("jwt", "{ keys: key.pem, user: iss }");
  EXPECT_EQ(Answer("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTk"
                   "zODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L3"
                   "8VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
            "let in joe");
  EXPECT_EQ(Answer(kRs256Token), "wrong 401");
  files_.Write("private.pem", "-----BEGIN PRIVATE KEY-----\n");
  Make("jwt", "{ keys: private.pem }");
  EXPECT_THAT(Errors(), HasSubstr("private.pem has a private key"));
}

TEST_F(JwtTest, ATokenMayNeedAnEnd) {
  StartWithSecret();
  EXPECT_EQ(Answer(Token(R"({"sub":"alice"})")), "let in alice");
  StartWithSecret(", require_exp: true");
  Checked endless(*instance_, Token(R"({"sub":"alice"})"));
  EXPECT_EQ(endless.answer(), "malformed 401");
  EXPECT_THAT(endless.whole().why, HasSubstr("has no exp"));
  EXPECT_EQ(Answer(Token(R"({"sub":"alice","exp":1700000100})")), "let in alice");
}

TEST_F(JwtTest, SaysWhoIsForbidden) {
  StartWithSecret(", require: { group: admins }");
  Checked checked(*instance_, Token(R"({"sub":"alice","group":"users"})"));
  EXPECT_EQ(checked.answer(), "forbidden 403");
  EXPECT_EQ(checked.whole().user, "alice");
  Checked wrong(*instance_, Signed(R"({"alg":"HS256"})", R"({"sub":"alice"})", "x"));
  EXPECT_EQ(wrong.whole().user, "") << "anybody can write that";
}

TEST_F(JwtTest, TellsWithoutAnInstanceWhatItWouldAnswer) {
  const auto preview = [&](std::string_view token, std::int64_t now = kNow) {
    const http::Request request{};
    const auto answer = check_->Preview({.credential = token,
                                         .client = {},
                                         .scheme = {},
                                         .host = {},
                                         .request = request,
                                         .tls = nullptr},
                                        now);
    if (!answer) return std::string("nothing");
    return answer->identity ? answer->identity->user : answer->why;
  };
  const std::string token = Token(R"({"sub":"alice","exp":1700000100})");
  StartWithSecret();
  EXPECT_EQ(preview(token), "alice");
  EXPECT_EQ(preview(token, kNow + 1000), "the token's exp is over");
  Start("jwt", "{ keys: \"http://127.0.0.1:1/jwks\", algorithms: [ RS256 ] }");
  EXPECT_EQ(preview(kRs256Token), "nothing");
  EXPECT_EQ(preview(token), "the token's alg is not among the algorithms");
}

TEST_F(JwtTest, APublicKeyIsNoSecret) {
  Start("jwt", "{ keys: keys.json }");
  EXPECT_EQ(Answer(Signed(R"({"alg":"HS256"})", "{}", KeysJson(""))), "wrong 401");
  EXPECT_EQ(Answer(Signed(R"({"alg":"HS256","kid":"2011"})", "{}", "")), "wrong 401");
}

TEST_F(JwtTest, NoneIsNoAlgorithm) {
  StartWithSecret();
  for (const std::string_view name : {"none", "None", "NONE"}) {
    const std::string head = Url(R"({"alg":")" + std::string(name) + "\"}") + "." + Url("{}") + ".";
    Checked without_signature(*instance_, head);
    EXPECT_EQ(without_signature.answer(), "wrong 401");
    EXPECT_THAT(without_signature.whole().why, HasSubstr("alg is none, which is never allowed"));
    EXPECT_EQ(Answer(head + "AAAA"), "wrong 401");
  }
}

TEST_F(JwtTest, OnlyTheListedAlgorithmsAreAccepted) {
  loop_.timers().SetUnixSeconds(1'300'819'000);
  Start("jwt", "{ keys: keys.json, algorithms: [ PS256 ] }");
  EXPECT_EQ(Answer(kRs256Token), "wrong 401");
}

TEST_F(JwtTest, RefusesAChangedToken) {
  StartWithSecret();
  std::string token = Token(R"({"sub":"alice"})");
  token[token.find('.') + 12] ^= 1;
  EXPECT_THAT(Answer(token), HasSubstr("401"));
  EXPECT_EQ(Answer(Signed(R"({"alg":"HS256"})", "{}", "another secret of some length...")),
            "wrong 401");
}

TEST_F(JwtTest, TheTimesOfATokenCountWithLeeway) {
  StartWithSecret(", leeway: 10s");
  const auto at = [&](std::string_view claim, std::int64_t seconds) {
    return Answer(Token("{\"" + std::string(claim) + "\":" + std::to_string(kNow + seconds) +
                        ",\"sub\":\"a\"}"));
  };
  EXPECT_EQ(at("exp", -9), "let in a");
  EXPECT_EQ(at("exp", -10), "expired 401");
  EXPECT_EQ(at("nbf", 10), "let in a");
  EXPECT_EQ(at("nbf", 11), "not_yet_valid 401");
  EXPECT_EQ(at("iat", 11), "not_yet_valid 401");
  Checked checked(*instance_, Token(R"({"exp":1700000100.5})"));
  EXPECT_EQ(checked.whole().identity->ends_unix_ms, 1'700'000'110'500);
  for (const std::string_view exp : {"\"1\"", "-1", "null", "true", "[]", "1e999"})
    EXPECT_EQ(Answer(Token("{\"exp\":" + std::string(exp) + "}")), "malformed 401") << exp;
  EXPECT_EQ(Answer(Token(R"({"exp":1e300,"sub":"a"})")), "let in a");
}

TEST_F(JwtTest, IssuerAndAudienceMustFit) {
  StartWithSecret(", issuer: [ i, j ], audience: a");
  EXPECT_EQ(Answer(Token(R"({"iss":"j","aud":"a","sub":"u"})")), "let in u");
  EXPECT_EQ(Answer(Token(R"({"iss":"i","aud":["b","a"],"sub":"u"})")), "let in u");
  EXPECT_EQ(Answer(Token(R"({"iss":"i","aud":["b"]})")), "foreign 401");
  EXPECT_EQ(Answer(Token(R"({"iss":"i"})")), "foreign 401");
  EXPECT_EQ(Answer(Token(R"({"iss":"k","aud":"a"})")), "foreign 401");
  EXPECT_EQ(Answer(Token(R"({"iss":["i"],"aud":"a"})")), "malformed 401");
}

TEST_F(JwtTest, AGoodTokenThatLacksWhatIsRequiredIs403) {
  StartWithSecret(
      ", require: { role: [ admin, ops ], realm.groups: staff, scope: write, level: '3' }");
  const std::string good =
      R"({"role":["x","ops"],"realm":{"groups":["staff"]},"scope":"read write","level":3,"sub":"u"})";
  EXPECT_EQ(Answer(Token(good)), "let in u");
  for (const std::string& part :
       {std::string("ops"), std::string("staff"), std::string("write"), std::string(":3")}) {
    std::string bad = good;
    bad.replace(bad.find(part), part.size(), part == ":3" ? ":4" : "other");
    EXPECT_EQ(Answer(Token(bad)), "forbidden 403") << bad;
  }
  Checked checked(*instance_, Token("{}"));
  EXPECT_EQ(*checked.whole().response.headers.Find("www-authenticate"),
            R"(Bearer realm="upgate", error="insufficient_scope")");
}

TEST_F(JwtTest, RefusesWhatIsNotExactlyAToken) {
  StartWithSecret();
  const std::string good = Token("{}");
  const auto with_header = [](std::string_view header) { return Signed(header, "{}"); };
  for (const std::string& token :
       {std::string(),
        std::string("."),
        std::string(".."),
        std::string("a.b.c"),
        good + ".x",
        good + "=",
        " " + good,
        good + "\n",
        good.substr(0, good.rfind('.')),
        with_header(R"({"alg":"HS256","crit":["exp"]})"),
        with_header(R"({"alg":"HS256","b64":false})"),
        with_header(R"({"alg":"HS256","alg":"HS256"})"),
        with_header(R"({"alg":["HS256"]})"),
        with_header("{}"),
        with_header("[]"),
        with_header("\"HS256\""),
        with_header(""),
        with_header(R"({"alg":"HS256","kid":7})"),
        with_header(R"({"alg":"HS256","kid":")" + std::string(300, 'k') + "\"}"),
        Token(R"({"sub":"a","sub":"b"})"),
        Token(R"({"x":{"y":1,"y":2}})"),
        Token("[1]"),
        Token("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}"),
        Token("{}{}"),
        Token(std::string("{}\0x", 4)),
        Token("\xff")}) {
    EXPECT_EQ(Answer(token), "malformed 401") << token;
  }
}

TEST_F(JwtTest, ClaimsAreReadOnlyOnceTheyAreSigned) {
  StartWithSecret();
  const std::string header = R"({"alg":"HS256"})";
  EXPECT_EQ(Answer(Signed(header, "[1]")), "malformed 401");
  EXPECT_EQ(Answer(Signed(header, "[1]", "another secret of some length...")), "wrong 401");
}

// Each member that is read is compared with all before it.
TEST_F(JwtTest, RefusesObjectsWithVeryManyMembers) {
  StartWithSecret();
  const auto with_members = [](std::string text, int count) {
    for (int i = 0; i < count; ++i) text += ",\"" + std::to_string(i) + "\":0";
    return text + "}";
  };
  EXPECT_EQ(Answer(Signed(with_members(R"({"alg":"HS256")", 63), "{}")), "let in ");
  EXPECT_EQ(Answer(Signed(with_members(R"({"alg":"HS256")", 64), "{}")), "malformed 401");
  EXPECT_EQ(Answer(Token(with_members(R"({"sub":"a")", 1023))), "let in a");
  EXPECT_EQ(Answer(Token(with_members(R"({"sub":"a")", 1024))), "malformed 401");
}

TEST_F(JwtTest, UnusedBitsOfBase64urlMustBeZero) {
  StartWithSecret();
  std::string token = Token(R"({"sub":"a"})");
  ASSERT_EQ(Answer(token), "let in a");
  // The last character of 32 bytes has two bits that mean nothing.
  token.back() = static_cast<char>(token.back() + 1);
  EXPECT_EQ(Answer(token), "malformed 401");
}

TEST_F(JwtTest, AKeyIdChoosesTheKey) {
  loop_.timers().SetUnixSeconds(1'300'819'000);
  files_.Write("keys.json", KeysJson(""));
  Start("jwt", "{ keys: keys.json }");
  EXPECT_EQ(Answer(kRs256Token), "let in ") << "no kid: any key that fits";
  const std::string other = Url(R"({"alg":"RS256","kid":"../../etc/passwd"})") +
                            std::string(kRs256Token.substr(kRs256Token.find('.')));
  EXPECT_EQ(Answer(other), "wrong 401");
}

TEST_F(JwtTest, RemembersAGoodTokenAsLongAsTheKeys) {
  StartWithSecret();
  const std::string token = Token(R"({"sub":"a"})");
  Checked first(*instance_, token);
  Checked second(*instance_, token);
  EXPECT_EQ(first.whole().identity.get(), second.whole().identity.get());
}

TEST_F(JwtTest, LogsAndAnswersRepeatNothingOfTheToken) {
  StartWithSecret();
  Checked checked(*instance_, Signed(R"({"alg":"HS256"})", R"({"sub":"topsecret"})", "x"));
  EXPECT_THAT(checked.whole().why, Not(HasSubstr("topsecret")));
  EXPECT_EQ(checked.whole().why, "the token's signature is wrong");
  EXPECT_THAT(checked.whole().response.body, Not(HasSubstr("signature")));
}

TEST_F(JwtTest, SaysWhatIsWrongWithTheOptions) {
  const auto errors = [&](std::string_view options) {
    Make("jwt", options);
    return Errors();
  };
  EXPECT_THAT(errors("{}"), HasSubstr("needs either keys"));
  EXPECT_THAT(errors("{ keys: keys.json, secret_file: secret }"),
              HasSubstr("there are both keys and secret_file"));
  EXPECT_THAT(errors("{ keys: keys.json, algorithms: [ HS256 ] }"), HasSubstr("use secret_file"));
  EXPECT_THAT(errors("{ secret_file: secret, algorithms: [ RS256 ] }"), HasSubstr("use keys"));
  EXPECT_THAT(errors("{ keys: keys.json, algorithms: [ none ] }"),
              HasSubstr("is not an algorithm for signatures"));
  EXPECT_THAT(errors("{ keys: keys.json, algorithms: [ ] }"), HasSubstr("at least one algorithm"));
  EXPECT_THAT(errors("{ keys: secret }"), HasSubstr("is not a JWK set"));
  EXPECT_THAT(errors("{ keys: missing.json }"), HasSubstr("missing.json: No such file"));
  EXPECT_THAT(errors("{ secret_file: secret, leeway: 1h }"), HasSubstr("out of range"));
  EXPECT_THAT(errors("{ secret_file: secret, isuer: x }"), HasSubstr("did you mean 'issuer'?"));
  files_.Write("pem", "-----BEGIN PUBLIC KEY-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
  EXPECT_THAT(errors("{ secret_file: pem }"), HasSubstr("which is no secret"));
  files_.Write("short", "tooshort\n");
  EXPECT_THAT(errors("{ secret_file: short }"), HasSubstr("fewer than 32"));
  EXPECT_THAT(errors("{ secret_file: short }"), Not(HasSubstr("tooshort")));
}

TEST(KeySetTest, LeavesOutKeysThatCannotVerify) {
  const std::string rsa(kRs256Key);
  EXPECT_TRUE(KeySet::Parse(R"({"keys":[)" + rsa + R"(,"use":"sig"}]})"));
  EXPECT_TRUE(KeySet::Parse(R"({"keys":[)" + rsa + R"(,"key_ops":["verify"]}]})"));
  for (const std::string& one :
       {rsa + R"(,"use":"enc"})", rsa + R"(,"key_ops":["sign"]})", rsa + R"(,"alg":"RSA-OAEP"})",
        std::string(R"({"kty":"oct","k":"AAAA"})"), std::string("7")}) {
    const auto set = KeySet::Parse(R"({"keys":[)" + one + "]}");
    EXPECT_FALSE(set) << one;
    EXPECT_EQ(KeySet::Parse(R"({"keys":[)" + one + "," + rsa + "}]}")->size(), 1u) << one;
  }
  for (const std::string_view text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})"})
    EXPECT_FALSE(KeySet::Parse(text)) << text;
}

TEST(KeySetTest, TheNumberOfKeysIsBounded) {
  std::string keys;
  for (int i = 0; i < 65; ++i) keys += (i > 0 ? "," : "") + std::string(kRs256Key) + "}";
  EXPECT_THAT(KeySet::Parse(R"({"keys":[)" + keys + "]}").error(), HasSubstr("more than 64"));
}

}  // namespace
}  // namespace upgate::plugins::jwt_test
