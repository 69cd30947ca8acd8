#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A client with this name in its SNI.
RawClient::Setup Asking(const std::string& name) {
  return [name](SSL_CTX*, SSL* ssl) {
    if (ssl != nullptr) SSL_set_tlsext_host_name(ssl, name.c_str());
  };
}

class ServerNameTest : public testing::Test {
 protected:
  std::string CertificateFor(const RawClient::Setup& setup) {
    RawSession session(*server_, setup);
    EXPECT_TRUE(session.client->established()) << session.client->failure();
    return session.client->peer_name();
  }
  Authority authority_;
  Folder folder_;
  std::shared_ptr<ServerContext> server_ = MakeServer(
      {.certificates = {
           folder_.Write(authority_.Issue({.names = {"first.example"}})),
           folder_.Write(authority_.Issue({.names = {"*.wild.example", "10.1.2.3"}})),
           folder_.Write(authority_.Issue({.names = {"exact.wild.example", "Other.Example"}})),
           folder_.Write(authority_.Issue({.names = {}, .common_name = "common.example"})),
           folder_.Write(
               authority_.Issue({.names = {"san.example"}, .common_name = "cn.example"}))}});
};

TEST_F(ServerNameTest, ExactNameWins) {
  EXPECT_EQ(CertificateFor(Asking("exact.wild.example")), "exact.wild.example");
  EXPECT_EQ(CertificateFor(Asking("OTHER.example")), "exact.wild.example");
  EXPECT_EQ(CertificateFor(Asking("other.example.")), "exact.wild.example");
}

TEST_F(ServerNameTest, WildcardIsOneLabel) {
  EXPECT_EQ(CertificateFor(Asking("a.wild.example")), "*.wild.example");
  EXPECT_EQ(CertificateFor(Asking("a.b.wild.example")), "first.example");
  EXPECT_EQ(CertificateFor(Asking("wild.example")), "first.example");
  EXPECT_EQ(CertificateFor(Asking(".wild.example")), "first.example");
}

TEST_F(ServerNameTest, CommonNameOnlyCountsWithoutAlternatives) {
  EXPECT_EQ(CertificateFor(Asking("common.example")), "common.example");
  EXPECT_EQ(CertificateFor(Asking("cn.example")), "first.example");
  EXPECT_EQ(CertificateFor(Asking("san.example")), "san.example");
}

TEST_F(ServerNameTest, TheFirstIsTheDefault) {
  EXPECT_EQ(CertificateFor({}), "first.example");
  EXPECT_EQ(CertificateFor(Asking("unknown.example")), "first.example");
  EXPECT_EQ(CertificateFor(Asking("10.1.2.4")), "first.example");
}

TEST_F(ServerNameTest, AddressesAreNamesToo) {
  EXPECT_EQ(CertificateFor(Asking("10.1.2.3")), "*.wild.example");
}

TEST(ServerContextTest, TwoKeysForOneNameServeBothKindsOfClients) {
  Authority authority;
  Folder folder;
  const auto server =
      MakeServer({.certificates = {folder.Write(authority.Issue({.key = KeyKind::kRsa})),
                                   folder.Write(authority.Issue({.key = KeyKind::kEcdsa}))}});
  for (const char* cipher : {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"}) {
    RawSession session(*server, [&](SSL_CTX* context, SSL*) {
      SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
      SSL_CTX_set_cipher_list(context, cipher);
    });
    ASSERT_TRUE(session.client->established()) << cipher;
    EXPECT_EQ(session.server.stream->tls()->cipher, cipher);
  }
}

TEST(ServerContextTest, MinimumVersionHolds) {
  const Contexts contexts({.min_version = config::TlsVersion::kTls13});
  RawSession refused(*contexts.server, [](SSL_CTX* context, SSL*) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  });
  EXPECT_FALSE(refused.client->established());
  EXPECT_EQ(FirstMessage(refused.server.errors), "no TLS version in common");
  EXPECT_THAT(refused.client->failure(), HasSubstr("protocol version"));
  RawSession taken(*contexts.server);
  EXPECT_TRUE(taken.client->established());
}

RawClient::Setup Offering(const std::string& protocols) {
  return [protocols](SSL_CTX*, SSL* ssl) {
    if (ssl == nullptr) return;
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  };
}

TEST(ServerContextTest, AlpnIsHttp11OrNothing) {
  const Contexts contexts;
  RawSession taken(*contexts.server, Offering("\x02h2\x08http/1.1"));
  ASSERT_TRUE(taken.client->established());
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(taken.client->ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");

  RawSession refused(*contexts.server, Offering("\x02h2"));
  EXPECT_FALSE(refused.client->established());
  EXPECT_THAT(refused.client->failure(), HasSubstr("no application protocol"));
  ASSERT_EQ(refused.server.errors.size(), 1u);
  EXPECT_EQ(refused.server.errors[0].code, Errc::kTls);
}

class ClientAuthTest : public testing::Test {
 protected:
  std::shared_ptr<ServerContext> Server(config::ClientAuth auth) {
    return MakeServer({.certificates = {server_files_},
                       .client_auth = auth,
                       .client_ca = folder_.Write(authority_.pem())});
  }
  std::shared_ptr<ClientContext> Client(std::optional<config::Certificate> own = {}) {
    return MakeClient({.ca = server_files_.cert, .certificate = std::move(own)});
  }
  // What the server reports about a client: "subject=..." or its error.
  std::string Outcome(config::ClientAuth auth, std::optional<config::Certificate> own = {}) {
    const auto server = Server(auth);
    Session session(*server, *Client(std::move(own)));
    session.server.Read(true);
    session.loop.Run();
    if (!session.server.errors.empty()) {
      EXPECT_EQ(session.server.errors[0].code, Errc::kTls);
      // With TLS 1.3 the client may complete its handshake before the server has verified the
      // certificate.
      if (session.connect.stream) session.client.Watch(std::move(session.connect.stream));
      session.client.Read(session.client.stream != nullptr);
      session.loop.Run();
      EXPECT_EQ(session.connect.failures.size() + session.client.errors.size(), 1u);
      return session.server.errors[0].message;
    }
    EXPECT_EQ(session.connect.connected, 1);
    return "subject=" + session.server.stream->tls()->client_subject;
  }
  config::Certificate Own(const Authority& authority, CertificateSpec spec = {}) {
    spec.common_name = "alice";
    return folder_.Write(authority.Issue(spec));
  }

  Folder folder_;
  Authority authority_;
  Authority stranger_{"somebody else"};
  config::Certificate server_files_ = folder_.Write([] {
    const SelfSigned self = MakeSelfSigned({"localhost"});
    return Pem{self.cert_pem, self.key_pem};
  }());
};

TEST_F(ClientAuthTest, NoneAsksForNothing) {
  EXPECT_EQ(Outcome(config::ClientAuth::kNone), "subject=");
  EXPECT_EQ(Outcome(config::ClientAuth::kNone, Own(stranger_)), "subject=");
}

TEST_F(ClientAuthTest, OptionalTakesNoneOrAValidOne) {
  EXPECT_EQ(Outcome(config::ClientAuth::kOptional), "subject=");
  EXPECT_EQ(Outcome(config::ClientAuth::kOptional, Own(authority_)), "subject=CN=alice");
  EXPECT_THAT(Outcome(config::ClientAuth::kOptional, Own(stranger_)),
              HasSubstr("client certificate: certificate not signed by a trusted authority"));
}

TEST_F(ClientAuthTest, RequiredTakesOnlyAValidOne) {
  EXPECT_EQ(Outcome(config::ClientAuth::kRequired, Own(authority_)), "subject=CN=alice");
  EXPECT_EQ(Outcome(config::ClientAuth::kRequired), "peer did not return a certificate");
  EXPECT_THAT(Outcome(config::ClientAuth::kRequired, Own(stranger_)),
              HasSubstr("not signed by a trusted authority"));
  EXPECT_EQ(
      Outcome(config::ClientAuth::kRequired, Own(authority_, {.first_day = -3, .last_day = -2})),
      "client certificate: certificate has expired");
}

// The ticket contains the certificate and the result of its verification.
TEST_F(ClientAuthTest, AResumedClientIsStillKnown) {
  const auto server = Server(config::ClientAuth::kRequired);
  const config::Certificate own = Own(authority_);
  const auto with_certificate = [&](SSL_CTX* context, SSL*) {
    SSL_CTX_use_certificate_file(context, own.cert.path.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context, own.key.path.c_str(), SSL_FILETYPE_PEM);
  };
  RawSession first(*server, with_certificate);
  ASSERT_TRUE(first.client->established());
  ASSERT_NE(first.client->session(), nullptr);
  RawSession second(*server, [&](SSL_CTX*, SSL* ssl) {
    if (ssl != nullptr) SSL_set_session(ssl, first.client->session());
  });
  ASSERT_TRUE(second.client->established()) << second.client->failure();
  EXPECT_EQ(SSL_session_reused(second.client->ssl()), 1);
  EXPECT_EQ(second.server.stream->tls()->client_subject, "CN=alice");
  EXPECT_EQ(second.server.stream->tls()->client_name, "alice");
  const auto certificate = second.server.stream->tls()->client_certificate;
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->issuer, "CN=test authority");
  EXPECT_THAT(certificate->names, testing::ElementsAre("DNS:localhost"));
  EXPECT_THAT(certificate->sha256, testing::SizeIs(64));
  EXPECT_FALSE(certificate->serial.empty());
  EXPECT_TRUE(certificate->der.starts_with("\x30\x82"));
  EXPECT_GT(certificate->ends_unix_s, 0);
}

// The context may be destroyed (by a reload) while streams created from it are in their handshakes.
TEST(ServerContextTest, StreamsOutliveTheContext) {
  Contexts contexts;
  Session session(*contexts.server, *contexts.client);
  contexts.server.reset();
  session.Handshake();
  session.client.Send("x");
  session.loop.Run();
  EXPECT_EQ(session.server.received, "x");
}

}  // namespace
}  // namespace upgate::tls::test
