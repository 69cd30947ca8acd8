#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::client_certificate_test {
namespace {

using testing::HasSubstr;

io::TlsInfo Alice() {
  return {.version = "TLSv1.3",
          .cipher = {},
          .server_name = {},
          .client_subject = "CN=alice,O=Example",
          .client_name = "alice",
          .protocol = {},
          .client_certificate = std::make_shared<const io::PeerCertificate>(
              io::PeerCertificate{.der = "0",
                                  .issuer = "CN=CA,O=Example",
                                  .serial = "0A",
                                  .sha256 = "beef",
                                  .names = {"DNS:a.example", "URI:spiffe://example.org/ns/a",
                                            "email:a@example.org", "IP:192.0.2.1"},
                                  .ends_unix_s = 4'000'000'000})};
}

class ClientCertificateTest : public AuthPluginTest {
 protected:
  std::string Ask(const std::string& options, const io::TlsInfo& tls = Alice()) {
    Start("client_certificate", options);
    if (!check_->Find(request_, &tls)) return "not found";
    asked_ = std::make_unique<Checked>(*instance_, "", request_, "192.0.2.1", &tls);
    return asked_->answer();
  }
  std::string ErrorsOf(const std::string& options) {
    Make("client_certificate", options);
    return Errors();
  }

  http::Request request_;
  std::unique_ptr<Checked> asked_;
};

TEST_F(ClientCertificateTest, WithoutRulesTakesWhateverTheListenerHasVerified) {
  EXPECT_EQ(Ask("{}"), "let in alice");
  const plugin::Identity& identity = *asked_->whole().identity;
  EXPECT_EQ(identity.ends_unix_ms, 4'000'000'000'000);
  EXPECT_EQ(identity.claims.at("issuer"), "CN=CA,O=Example");
  EXPECT_EQ(identity.claims.at("serial"), "0A");
  EXPECT_EQ(identity.claims.at("san"),
            "DNS:a.example,URI:spiffe://example.org/ns/a,email:a@example.org,IP:192.0.2.1");
}

TEST_F(ClientCertificateTest, FindsNothingWithoutACertificate) {
  io::TlsInfo tls = Alice();
  tls.client_certificate = nullptr;
  EXPECT_EQ(Ask("{}", tls), "not found");
  EXPECT_FALSE(check_->Find(request_, nullptr));
  EXPECT_EQ(check_->Challenge(), "");
}

TEST_F(ClientCertificateTest, Subjects) {
  EXPECT_EQ(Ask("subjects: [ bob, alice ]"), "let in alice");
  EXPECT_EQ(Ask("subjects: [ \"CN=alice,O=Example\" ]"), "let in alice");
  EXPECT_EQ(Ask("subjects: [ \"CN=alice\" ]"), "forbidden 403");
  EXPECT_EQ(Ask("subjects: [ ALICE ]"), "forbidden 403");
  io::TlsInfo nameless = Alice();
  nameless.client_name = "";
  EXPECT_EQ(Ask("subjects: [ alice ]", nameless), "forbidden 403");
}

TEST_F(ClientCertificateTest, AlternativeNames) {
  EXPECT_EQ(Ask("sans: [ DNS:A.example ]"), "let in alice");
  EXPECT_EQ(Ask("sans: [ DNS:b.example, \"IP:192.0.2.1\" ]"), "let in alice");
  EXPECT_EQ(Ask("sans: [ \"DNS:*.example\" ]"), "let in alice");
  EXPECT_EQ(Ask("sans: [ \"URI:spiffe://example.org/*\" ]"), "let in alice");
  EXPECT_EQ(Ask("sans: [ \"URI:spiffe://example.com/*\" ]"), "forbidden 403");
  EXPECT_EQ(Ask("sans: [ \"DNS:*.a.example\" ]"), "forbidden 403");
  EXPECT_EQ(Ask("sans: [ \"URI:a.example\" ]"), "forbidden 403") << "the kind counts";
}

TEST_F(ClientCertificateTest, EveryListMustFit) {
  EXPECT_EQ(Ask("{ subjects: [ alice ], issuers: [ \"CN=CA,O=Example\" ] }"), "let in alice");
  EXPECT_EQ(Ask("{ subjects: [ alice ], issuers: [ \"CN=Other\" ] }"), "forbidden 403");
  EXPECT_EQ(Ask("{ subjects: [ bob ], sans: [ DNS:a.example ] }"), "forbidden 403");
  EXPECT_THAT(asked_->whole().why, HasSubstr("another subject"));
}

TEST_F(ClientCertificateTest, WhoseNameTheUserHas) {
  EXPECT_EQ(Ask("user: subject"), "let in CN=alice,O=Example");
  EXPECT_EQ(Ask("user: san"), "let in a.example");
  EXPECT_EQ(Ask("{ user: san, sans: [ \"URI:*\", \"URI:spiffe:*\" ] }"),
            "let in spiffe://example.org/ns/a");
  io::TlsInfo nameless = Alice();
  nameless.client_name = "";
  EXPECT_EQ(Ask("{}", nameless), "let in CN=alice,O=Example");
}

TEST_F(ClientCertificateTest, ACertificateMayExpireOnItsConnection) {
  const io::TlsInfo tls = Alice();
  auto certificate = *tls.client_certificate;
  certificate.ends_unix_s = loop_.io().timers.UnixSeconds();
  io::TlsInfo old = tls;
  old.client_certificate = std::make_shared<const io::PeerCertificate>(certificate);
  EXPECT_EQ(Ask("{}", old), "forbidden 403");
}

TEST_F(ClientCertificateTest, SaysWhatIsWrongWithItsOptions) {
  EXPECT_THAT(ErrorsOf("sans: [ a.example ]"),
              HasSubstr("write DNS:, URI:, email: or IP: in front"));
  EXPECT_THAT(ErrorsOf("sans: [ \"DNS:a.*.example\" ]"), HasSubstr("has a '*' in the middle"));
  EXPECT_THAT(ErrorsOf("issuers: [ CA ]"), HasSubstr("is not the whole name of an issuer"));
  EXPECT_THAT(ErrorsOf("subjects: []"), HasSubstr("needs at least one value"));
  EXPECT_THAT(ErrorsOf("user: name"), HasSubstr("use common_name, subject or san"));
  EXPECT_THAT(ErrorsOf("names: [ a ]"), HasSubstr("unknown key"));
}

TEST_F(ClientCertificateTest, DescribesItself) {
  Make("client_certificate", "{ subjects: [ a, b ], sans: [ DNS:c ] }");
  EXPECT_EQ(check_->Describe(),
            "client_certificate: any that the listener has verified; subject a or b; name DNS:c");
}

}  // namespace
}  // namespace upgate::plugins::client_certificate_test
