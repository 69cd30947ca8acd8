#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/write_config.h"
#include "tests/unit/config/parsing.h"

namespace upgate::config::auth_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Config> WithAuth(const std::string& auth) {
  return Parsed(
      "listeners: [ { address: a:1 } ]\nauth: { a: { token: { file: t } }, b: { basic: { file: u } "
      "} }\n"
      "routes: [ { path: /, plugin: echo, auth: " +
      auth + " } ]");
}
// The errors of a route with this `auth`, in a file with the authenticators staff and ops.
std::string ErrorsOfAuth(const std::string& auth) {
  return ErrorsOf(
      "listeners: [ { address: a:1 } ]\nauth: { staff: { token: { file: t } }, ops: { basic: {} } "
      "}\n"
      "routes: [ { path: /, plugin: echo, auth: " +
      auth + " } ]");
}

TEST(AuthConfigTest, ARouteNamesOneOrSeveralAuthenticators) {
  EXPECT_FALSE(Parsed("listeners: [ { address: a:1 } ]\nroutes: [ { path: /, plugin: echo } ]")
                   ->routes[0]
                   .auth);
  EXPECT_THAT(WithAuth("a")->routes[0].auth->use, ElementsAre("a"));
  EXPECT_THAT(WithAuth("[ b, a ]")->routes[0].auth->use, ElementsAre("b", "a"));
  const RouteAuth plain = *WithAuth("{ use: a }")->routes[0].auth;
  EXPECT_FALSE(plain.optional);
  EXPECT_EQ(plain.expired_code, 3000);
  const RouteAuth full =
      *WithAuth("{ use: [ a ], optional: true, expired_code: 4001 }")->routes[0].auth;
  EXPECT_TRUE(full.optional);
  EXPECT_EQ(full.expired_code, 4001);
}

TEST(AuthConfigTest, CertificatesNeedAListenerThatAsksForThem) {
  const auto with = [](const std::string& listener) {
    return ErrorsOf("listeners: [ { address: a:1" + listener +
                    " } ]\nauth: { a: { client_certificate: {} } }\n"
                    "routes: [ { path: /, plugin: echo, auth: a } ]");
  };
  const std::string tls = ", tls: { certificates: [ { cert: c, key: k } ]";
  EXPECT_THAT(with(""), HasSubstr("auth.a: no client can have a certificate"));
  EXPECT_THAT(with(tls + " }"), HasSubstr("auth.a: no client can have a certificate"));
  EXPECT_EQ(with(tls + ", client_auth: optional, client_ca: c }"), "");
}

TEST(AuthConfigTest, CertificatesAreSentInNamedForms) {
  const auto route = [](const std::string& forms) {
    return "listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ \"http://b:1\" ] } }\n"
           "routes: [ { path: /, backend: b, client_cert_headers: " +
           forms + " } ]";
  };
  const auto both = Parsed(route("[ client-cert, x-ssl-client ]"));
  EXPECT_TRUE(both->routes[0].rewriting.client_cert_headers.client_cert);
  EXPECT_TRUE(both->routes[0].rewriting.client_cert_headers.x_ssl_client);
  EXPECT_THAT(
      WriteConfig(*both),
      HasSubstr("client_cert_headers:\n      - \"client-cert\"\n      - \"x-ssl-client\"\n"));
  EXPECT_FALSE(
      Parsed(route("[ client-cert ]"))->routes[0].rewriting.client_cert_headers.x_ssl_client);
  EXPECT_THAT(ErrorsOf(route("[ xfcc ]")), HasSubstr("use client-cert (RFC 9440) or x-ssl-client"));
  EXPECT_THAT(ErrorsOf(route("[ client-cert, client-cert ]")), HasSubstr("is listed twice"));
}

TEST(AuthConfigTest, KeepsTheKindAndTheOptionsForThePlugin) {
  const auto config = WithAuth("a");
  const Authenticator& a = config->auth.at("a");
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.kind, "token");
  EXPECT_EQ(a.options.members.at(0).key.scalar, "file");
}

TEST(AuthConfigTest, NamesMustBeThoseOfAuthenticators) {
  EXPECT_THAT(ErrorsOfAuth("stff"), HasSubstr("did you mean 'staff'?"));
  EXPECT_THAT(ErrorsOfAuth("[ staff, other ]"),
              HasSubstr("'other' is not an authenticator in this file; add it to auth"));
  EXPECT_THAT(ErrorsOfAuth("[ staff, staff ]"), HasSubstr("is listed twice"));
  EXPECT_THAT(ErrorsOfAuth("[ ]"), HasSubstr("needs at least one authenticator"));
  EXPECT_THAT(ErrorsOfAuth("{ optional: true }"), HasSubstr("missing; name an authenticator"));
  EXPECT_THAT(ErrorsOfAuth("{ use: staff, expired_code: 1005 }"), HasSubstr("cannot be sent"));
  EXPECT_THAT(ErrorsOfAuth("{ use: staff, optinal: true }"), HasSubstr("did you mean 'optional'?"));
}

TEST(AuthConfigTest, AnAuthenticatorIsOfOneKind) {
  EXPECT_THAT(ErrorsOfTop("auth: { a: { jwt: {}, basic: {} } }"),
              HasSubstr("has jwt and basic, but needs exactly one kind"));
  EXPECT_THAT(ErrorsOfTop("auth: { a: {} }"), HasSubstr("needs exactly one kind"));
  EXPECT_THAT(ErrorsOfTop("auth: { a: jwt }"), HasSubstr("auth.a"));
}

TEST(AuthConfigTest, IsWrittenWithoutSecrets) {
  const std::string written = WriteConfig(*WithAuth("{ use: a, optional: true }"));
  EXPECT_THAT(written, HasSubstr("token"));
  EXPECT_THAT(written, HasSubstr("optional: true"));
  EXPECT_THAT(written, HasSubstr("expired_code: 3000"));
}

}  // namespace
}  // namespace upgate::config::auth_test
