#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ClientContextTest : public testing::Test {
 protected:
  // The outcome of a client's handshake with a server: "" or the error. The client trusts the
  // authority, or is configured by `tls`.
  std::string Outcome(const CertificateSpec& spec, const std::string& server_name,
                      ClientSpec tls = {}) {
    const auto server = MakeServer({.certificates = {folder_.Write(authority_.Issue(spec))}});
    if (!tls.ca && tls.verify) tls.ca = folder_.Write(authority_.pem());
    const auto client = MakeClient(tls);
    Session session(*server, *client, 64 * 1024, server_name);
    session.server.Read(true);
    session.loop.Run();
    EXPECT_EQ(session.connect.connected + static_cast<int>(session.connect.failures.size()), 1);
    if (session.connect.connected == 1) {
      asked_for_ = session.server.stream->tls()->server_name;
      return "";
    }
    EXPECT_EQ(session.connect.failures[0].code, Errc::kTls);
    EXPECT_THAT(session.server.errors, testing::SizeIs(1));
    alert_ = FirstMessage(session.server.errors);
    return session.connect.failures[0].message;
  }

  Folder folder_;
  Authority authority_;
  std::string asked_for_;
  std::string alert_;
};

TEST_F(ClientContextTest, NameIsVerifiedAndAskedFor) {
  EXPECT_EQ(Outcome({.names = {"db.example"}}, "db.example"), "");
  EXPECT_EQ(asked_for_, "db.example");
  EXPECT_EQ(Outcome({.names = {"db.example"}}, "DB.example."), "");
  EXPECT_EQ(Outcome({.names = {"*.example.org"}}, "db.example.org"), "");
}

TEST_F(ClientContextTest, WrongNameIsNamed) {
  EXPECT_EQ(Outcome({.names = {"a.example", "b.example"}}, "c.example"),
            "hostname mismatch: wanted c.example, the certificate is for a.example, b.example");
  EXPECT_EQ(alert_, "the peer refused with the alert \"bad certificate\"");
  EXPECT_THAT(Outcome({.names = {"*.example.org"}}, "a.b.example.org"),
              HasSubstr("hostname mismatch"));
}

TEST_F(ClientContextTest, CommonNameOnlyCountsWithoutAlternatives) {
  EXPECT_EQ(Outcome({.names = {}, .common_name = "old.example"}, "old.example"), "");
  EXPECT_EQ(Outcome({.names = {"new.example"}, .common_name = "old.example"}, "old.example"),
            "hostname mismatch: wanted old.example, the certificate is for new.example");
}

TEST_F(ClientContextTest, AddressesAreVerifiedAndNotAskedFor) {
  EXPECT_EQ(Outcome({.names = {"127.0.0.1"}}, "127.0.0.1"), "");
  EXPECT_EQ(asked_for_, "");
  EXPECT_EQ(Outcome({.names = {"::1"}}, "::1"), "");
  EXPECT_EQ(Outcome({.names = {"127.0.0.1", "localhost"}}, "127.0.0.2"),
            "hostname mismatch: wanted 127.0.0.2, the certificate is for 127.0.0.1, localhost");
  EXPECT_EQ(Outcome({.names = {"localhost"}}, "::1"),
            "hostname mismatch: wanted ::1, the certificate is for localhost");
}

TEST_F(ClientContextTest, ConfiguredNameTakesThePlaceOfTheHost) {
  EXPECT_EQ(Outcome({.names = {"inner.example"}}, "127.0.0.1", {.server_name = "inner.example"}),
            "");
  EXPECT_EQ(asked_for_, "inner.example");
  EXPECT_EQ(
      Outcome({.names = {"localhost", "127.0.0.1"}}, "127.0.0.1",
              {.server_name = "elsewhere.example"}),
      "hostname mismatch: wanted elsewhere.example, the certificate is for localhost, 127.0.0.1");
}

TEST_F(ClientContextTest, UntrustedAuthorityIsRefused) {
  const Authority other("another");
  EXPECT_EQ(
      Outcome({}, "localhost", {.ca = folder_.Write(other.pem())}),
      "certificate not signed by a trusted authority (unable to get local issuer certificate)");
}

TEST_F(ClientContextTest, TheSystemDoesNotTrustOurs) {
  const auto server = MakeServer({.certificates = {folder_.Write(authority_.Issue({}))}});
  const auto client = MakeClient({});
  Session session(*server, *client);
  session.server.Read(true);
  session.loop.Run();
  EXPECT_THAT(FirstMessage(session.connect.failures),
              HasSubstr("not signed by a trusted authority"));
}

TEST_F(ClientContextTest, ValidityIsChecked) {
  EXPECT_EQ(Outcome({.first_day = -3, .last_day = -1}, "localhost"), "certificate has expired");
  EXPECT_EQ(Outcome({.first_day = 1, .last_day = 3}, "localhost"), "certificate is not yet valid");
}

TEST_F(ClientContextTest, VerificationCanBeTurnedOff) {
  EXPECT_EQ(Outcome({.names = {"x.example"}, .last_day = 0}, "y.example", {.verify = false}), "");
  EXPECT_EQ(asked_for_, "y.example");
}

TEST_F(ClientContextTest, NamesThatCannotBeVerifiedAreRefused) {
  const Contexts contexts;
  for (const std::string& name : {std::string(), std::string("."), std::string(300, 'x')}) {
    Session session(*contexts.server, *contexts.client, 64 * 1024, name);
    EXPECT_THAT(session.connect.failures, IsEmpty()) << "reported from inside the call";
    session.loop.Run();
    ASSERT_EQ(session.connect.failures.size(), 1u);
    EXPECT_EQ(session.connect.failures[0].code, Errc::kTls);
  }
}

TEST_F(ClientContextTest, AServerWithoutTlsIsRefused) {
  const Contexts contexts;
  PipeLoop loop;
  auto [near, far] = loop.Connect(64 * 1024);
  ConnectRecorder connect;
  connect.pending =
      contexts.client->Handshake(std::move(near), "localhost", loop.io(), loop.scratch(), connect);
  far->Write(AsBytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  loop.Run();
  EXPECT_EQ(FirstMessage(connect.failures), "the peer does not speak TLS");
}

TEST_F(ClientContextTest, OnlyServersAnswerPlainHttp) {
  const Contexts contexts;
  PipeLoop loop;
  auto [near, far] = loop.Connect(64 * 1024);
  ConnectRecorder connect;
  connect.pending =
      contexts.client->Handshake(std::move(near), "localhost", loop.io(), loop.scratch(), connect);
  Recorder server;
  server.Watch(std::move(far));
  server.Read(true);
  server.Send("GET / HTTP/1.1\r\n\r\n");
  loop.Run();
  ASSERT_EQ(connect.failures.size(), 1u);
  EXPECT_EQ(connect.failures[0].code, Errc::kTls);
  EXPECT_THAT(server.received, testing::Not(HasSubstr("HTTP")));
}

TEST_F(ClientContextTest, CancelledHandshakesSayNothing) {
  const Contexts contexts;
  Session session(*contexts.server, *contexts.client);
  session.server.Read(true);
  session.connect.pending.reset();
  session.loop.Run();
  EXPECT_EQ(session.connect.connected, 0);
  EXPECT_THAT(session.connect.failures, IsEmpty());
  ASSERT_EQ(session.server.errors.size(), 1u);
  EXPECT_EQ(session.server.errors[0].code, Errc::kTls);
}

TEST_F(ClientContextTest, DataRightAfterTheHandshakeIsNotLost) {
  const Contexts contexts;
  Session session(*contexts.server, *contexts.client);
  session.server.Send("greeting");
  session.server.Read(true);
  session.loop.Run();
  ASSERT_EQ(session.connect.connected, 1);
  session.loop.Run();
  session.client.Watch(std::move(session.connect.stream));
  EXPECT_EQ(session.client.received, "");
  session.client.Read(true);
  session.loop.Run();
  EXPECT_EQ(session.client.received, "greeting");
}

}  // namespace
}  // namespace upgate::tls::test
