#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tls/engine.h"
#include "tests/support/cases.h"
#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class HostilePeerTest : public TestOfCase<std::size_t> {
 protected:
  Contexts contexts_;
};

INSTANTIATE_CASES(BytesPerRead, HostilePeerTest, 1, 7, 4096, 64 * 1024);

void OnlyTls12(SSL_CTX* context, SSL*) {
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

TEST_EACH(HostilePeerTest, RenegotiationIsRefused) {
  RawSession session(
      *contexts_.server,
      [](SSL_CTX* context, SSL*) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
      },
      GetParam());
  ASSERT_TRUE(session.client->established()) << session.client->failure();
  session.client->Send("before");
  ASSERT_EQ(SSL_renegotiate(session.client->ssl()), 1);
  SSL_do_handshake(session.client->ssl());
  session.client->Flush();
  session.loop.Run();
  EXPECT_EQ(session.server.received, "before");
  EXPECT_THAT(session.client->failure(), HasSubstr("no renegotiation"));
}

TEST_EACH(HostilePeerTest, KeyUpdatesAreAnsweredButNotWithoutEnd) {
  RawSession session(*contexts_.server, {}, GetParam());
  ASSERT_TRUE(session.client->established());
  for (std::uint32_t i = 0; i < kMaxQuietRecords; ++i) {
    SSL_key_update(session.client->ssl(), SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(session.client->ssl());
    session.client->Flush();
  }
  session.client->Send("data");
  session.loop.Run();
  EXPECT_EQ(session.server.received, "data");
  session.server.Send("fine");
  session.loop.Run();
  EXPECT_EQ(session.client->received(), "fine");

  for (std::uint32_t i = 0; i <= kMaxQuietRecords; ++i) {
    SSL_key_update(session.client->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake(session.client->ssl());
    session.client->Flush();
  }
  session.client->Send("never seen");
  session.loop.Run();
  EXPECT_EQ(session.server.received, "data");
  EXPECT_EQ(FirstMessage(session.server.errors), "too many records without data");
  EXPECT_EQ(session.server.errors.at(0).code, Errc::kProtocol);
}

TEST_EACH(HostilePeerTest, HandshakeIsBounded) {
  PipeLoop loop;
  auto [near, far] = loop.Connect(GetParam());
  Recorder server;
  server.Watch(
      contexts_.server->Wrap(std::move(near), kHandshakeTimeout, loop.io(), loop.scratch()));
  server.Read(true);
  // A ClientHello of 128 KiB, in records of one byte each.
  std::string message("\x01\x01\xff\xff", 4);
  message.resize(60'000, '\0');
  std::string records;
  for (const char byte : message) records += std::string("\x16\x03\x01\x00\x01", 5) + byte;
  far->Write(AsBytes(records));
  loop.Run();
  ASSERT_EQ(server.errors.size(), 1u);
  EXPECT_EQ(server.errors[0].code, Errc::kTls);
  EXPECT_EQ(server.errors[0].message, "the handshake is too large");
}

TEST_EACH(HostilePeerTest, Tls12WorksTheSameWay) {
  RawSession session(*contexts_.server, OnlyTls12, GetParam());
  ASSERT_TRUE(session.client->established()) << session.client->failure();
  ASSERT_NE(session.server.stream->tls(), nullptr);
  EXPECT_EQ(session.server.stream->tls()->version, "TLSv1.2");
  EXPECT_EQ(session.server.stream->tls()->cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
  const std::string sent = Pattern(40'000);
  session.client->Send(sent);
  session.server.Send(sent);
  session.loop.Run();
  EXPECT_TRUE(session.server.received == sent);
  EXPECT_TRUE(session.client->received() == sent);
  session.client->Close();
  session.loop.Run();
  EXPECT_EQ(session.server.ends, 1);
}

TEST_EACH(HostilePeerTest, OldVersionsAreRefused) {
  RawSession session(
      *contexts_.server,
      [](SSL_CTX* context, SSL*) {
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
      },
      GetParam());
  EXPECT_EQ(FirstMessage(session.server.errors), "no TLS version in common");
  EXPECT_EQ(session.server.errors.at(0).tls_fault, TlsFault::kVersion);
  EXPECT_THAT(session.client->failure(), HasSubstr("protocol version"));
}

TEST_EACH(HostilePeerTest, CiphersWithoutForwardSecrecyAreRefused) {
  RawSession session(
      *contexts_.server,
      [](SSL_CTX* context, SSL*) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context,
                                "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES256-SHA");
      },
      GetParam());
  EXPECT_FALSE(session.client->established());
  EXPECT_EQ(FirstMessage(session.server.errors), "no shared cipher");
}

TEST_EACH(HostilePeerTest, AlertsInTheClearAreNotBelieved) {
  using namespace std::string_view_literals;
  RawSession session(*contexts_.server, OnlyTls12, GetParam());
  ASSERT_TRUE(session.client->established());
  session.client->SendRaw("\x15\x03\x03\x00\x02\x02\x28"sv);
  session.loop.Run();
  ASSERT_EQ(session.server.errors.size(), 1u);
  // An error and not an end. OpenSSL 3.5 and newer treat the undecryptable record as an alert.
  const Errc code = session.server.errors[0].code;
  EXPECT_TRUE(code == Errc::kProtocol || code == Errc::kReset) << session.server.errors[0].message;
  EXPECT_EQ(session.server.ends, 0);
}

// A peer that requests new keys and never reads the responses is eventually no longer read.
TEST(SilentPeerTest, UnreadAnswersStopReading) {
  const Contexts contexts;
  RawSession session(*contexts.server);
  ASSERT_TRUE(session.client->established());
  PipeEnd& end = session.client->end();
  end.SetReading(false);
  session.server.Send(std::string(1100 * 1024, 'x'));
  int sent = 0;
  for (; sent < 500; ++sent) {
    SSL_key_update(session.client->ssl(), SSL_KEY_UPDATE_REQUESTED);
    session.client->Send("y");
    session.loop.Run();
  }
  const std::size_t seen = session.server.received.size();
  EXPECT_LT(seen, 5u);
  end.SetReading(true);
  session.loop.Run();
  EXPECT_EQ(session.server.received.size(), 500u);
  EXPECT_EQ(session.client->received().size(), 1100u * 1024);
}

}  // namespace
}  // namespace upgate::tls::test
