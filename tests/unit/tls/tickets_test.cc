#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "tests/support/cases.h"
#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

class TicketsTest : public TestOfCase<int> {
 protected:
  // A connection on a new loop, with the ticket of an earlier one.
  std::unique_ptr<RawSession> Connect(SSL_SESSION* session, const char* name = "localhost") {
    auto made = std::make_unique<RawSession>(*contexts_.server, [&](SSL_CTX* context, SSL* ssl) {
      SSL_CTX_set_max_proto_version(context, GetParam());
      if (ssl == nullptr) return;
      SSL_set_tlsext_host_name(ssl, name);
      if (session != nullptr) SSL_set_session(ssl, session);
    });
    EXPECT_TRUE(made->client->established()) << made->client->failure();
    return made;
  }
  static bool Resumed(RawSession& session) {
    return SSL_session_reused(session.client->ssl()) == 1;
  }

  Contexts contexts_;
};

INSTANTIATE_CASES(Versions, TicketsTest, TLS1_2_VERSION, TLS1_3_VERSION);

TEST_EACH(TicketsTest, ResumeOnAnotherLoop) {
  const auto first = Connect(nullptr);
  EXPECT_FALSE(Resumed(*first));
  EXPECT_EQ(first->client->tickets(), 1);
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
}

// TLS 1.3 clients use a ticket once; without a new one, every second handshake would be a full one.
TEST_EACH(TicketsTest, AreRenewedByResumingWhereTheyServeOnce) {
  const auto first = Connect(nullptr);
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
  EXPECT_EQ(second->client->tickets(), GetParam() == TLS1_3_VERSION ? 1 : 0);
}

TEST_EACH(TicketsTest, OutliveOneRotationAndAreRenewed) {
  const auto first = Connect(nullptr);
  contexts_.server->RotateTicketKeys();
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
  contexts_.server->RotateTicketKeys();
  EXPECT_TRUE(Resumed(*Connect(second->client->session())));
}

TEST_EACH(TicketsTest, DoNotOutliveTwoRotations) {
  const auto first = Connect(nullptr);
  contexts_.server->RotateTicketKeys();
  contexts_.server->RotateTicketKeys();
  EXPECT_FALSE(Resumed(*Connect(first->client->session())));
}

TEST_EACH(TicketsTest, AreWorthlessToAnotherListener) {
  const auto first = Connect(nullptr);
  const Contexts other;
  RawSession second(*other.server, [&](SSL_CTX*, SSL* ssl) {
    if (ssl != nullptr) SSL_set_session(ssl, first->client->session());
  });
  EXPECT_TRUE(second.client->established());
  EXPECT_FALSE(Resumed(second));
}

TEST_EACH(TicketsTest, OutliveARenewedCertificate) {
  const Authority authority;
  const auto renewed = MakeServer({.certificates = {contexts_.folder.Write(authority.Issue({}))}});
  const auto first = Connect(nullptr);
  renewed->ShareTicketKeys(*contexts_.server);
  contexts_.server = renewed;
  EXPECT_FALSE(Resumed(*Connect(nullptr)));
  EXPECT_TRUE(Resumed(*Connect(first->client->session())));
}

TEST_EACH(TicketsTest, RotateForAllContextsThatShareThem) {
  const auto before = contexts_.server;
  const Authority authority;
  const auto renewed = MakeServer({.certificates = {contexts_.folder.Write(authority.Issue({}))}});
  renewed->ShareTicketKeys(*before);
  const auto first = Connect(nullptr);  // its handshake began before the renewal
  renewed->RotateTicketKeys();
  contexts_.server = renewed;
  EXPECT_TRUE(Resumed(*Connect(first->client->session())));
  renewed->RotateTicketKeys();
  EXPECT_FALSE(Resumed(*Connect(first->client->session())));
}

// A resumed session is not verified again: it must not get past an authority that was removed.
TEST_EACH(TicketsTest, DoNotOutliveAChangeOfClientAuthorities) {
  const Authority authority;
  const Authority other("another authority");
  const config::Certificate files = contexts_.folder.Write(authority.Issue({}));
  const auto server = [&](config::ClientAuth auth, const Authority& clients) {
    return MakeServer({.certificates = {files},
                       .client_auth = auth,
                       .client_ca = contexts_.folder.Write(clients.pem())});
  };
  contexts_.server = server(config::ClientAuth::kOptional, authority);
  const auto first = Connect(nullptr);
  SSL_SESSION* ticket = first->client->session();
  const auto replace = [&](const std::shared_ptr<ServerContext>& by) {
    by->ShareTicketKeys(*contexts_.server);
    const auto before = std::exchange(contexts_.server, by);
    const bool resumed = Resumed(*Connect(ticket));
    contexts_.server = before;
    return resumed;
  };
  EXPECT_TRUE(replace(server(config::ClientAuth::kOptional, authority)));
  EXPECT_FALSE(replace(server(config::ClientAuth::kOptional, other)));
  EXPECT_FALSE(replace(MakeServer({.certificates = {files}})));
}

TEST_EACH(TicketsTest, RotationMayHappenOnAnyThread) {
  std::thread rotator([&] {
    for (int i = 0; i < 200; ++i) contexts_.server->RotateTicketKeys();
  });
  for (int i = 0; i < 5; ++i) Connect(nullptr);
  rotator.join();
  const auto first = Connect(nullptr);
  EXPECT_TRUE(Resumed(*Connect(first->client->session())));
}

}  // namespace
}  // namespace upgate::tls::test
