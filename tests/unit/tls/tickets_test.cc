#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

class TicketsTest : public testing::TestWithParam<int> {
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

INSTANTIATE_TEST_SUITE_P(Versions, TicketsTest, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(TicketsTest, ResumeOnAnotherLoop) {
  const auto first = Connect(nullptr);
  EXPECT_FALSE(Resumed(*first));
  EXPECT_EQ(first->client->tickets(), 1);
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
}

// TLS 1.3 clients use a ticket once; without a new one, every second handshake would be a full one.
TEST_P(TicketsTest, AreRenewedByResumingWhereTheyServeOnce) {
  const auto first = Connect(nullptr);
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
  EXPECT_EQ(second->client->tickets(), GetParam() == TLS1_3_VERSION ? 1 : 0);
}

TEST_P(TicketsTest, OutliveOneRotationAndAreRenewed) {
  const auto first = Connect(nullptr);
  contexts_.server->RotateTicketKeys();
  const auto second = Connect(first->client->session());
  EXPECT_TRUE(Resumed(*second));
  contexts_.server->RotateTicketKeys();
  EXPECT_TRUE(Resumed(*Connect(second->client->session())));
}

TEST_P(TicketsTest, DoNotOutliveTwoRotations) {
  const auto first = Connect(nullptr);
  contexts_.server->RotateTicketKeys();
  contexts_.server->RotateTicketKeys();
  EXPECT_FALSE(Resumed(*Connect(first->client->session())));
}

TEST_P(TicketsTest, AreWorthlessToAnotherListener) {
  const auto first = Connect(nullptr);
  const Contexts other;
  RawSession second(*other.server, [&](SSL_CTX*, SSL* ssl) {
    if (ssl != nullptr) SSL_set_session(ssl, first->client->session());
  });
  EXPECT_TRUE(second.client->established());
  EXPECT_FALSE(Resumed(second));
}

TEST_P(TicketsTest, RotationMayHappenOnAnyThread) {
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
