#include "gateway/tls/engine.h"

#include <string>

#include <gtest/gtest.h>

#include "gateway/tls/settings.h"
#include "tests/unit/tls/credentials.h"

namespace upgate::tls::test {
namespace {

// Two engines; the test passes records between them.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    const SelfSigned self = MakeSelfSigned({"localhost"});
    const config::Certificate files = folder_.Write(Pem{self.cert_pem, self.key_pem});
    SSL_CTX_use_certificate_file(server_context_.get(), files.cert.path.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(server_context_.get(), files.key.path.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_num_tickets(server_context_.get(), 1);
    // A ticket that is too long for one record.
    SSL_CTX_set_session_ticket_cb(
        server_context_.get(),
        +[](SSL* ssl, void*) {
          const std::string data(600, 't');
          return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data.data(), data.size());
        },
        nullptr, nullptr);
    SslPtr server(SSL_new(server_context_.get()));
    SslPtr client(SSL_new(client_context_.get()));
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    SSL_set_max_send_fragment(server.get(), 512);
    server_ = std::make_unique<Engine>(std::move(server), scratch_.buffers());
    client_ = std::make_unique<Engine>(std::move(client), scratch_.buffers());
  }

  std::string TakeRecords() {
    auto& records = scratch_.buffers().records;
    const std::string taken(AsText(records));
    records.clear();
    return taken;
  }
  // The plaintext that the engine decrypts from the bytes.
  std::string Feed(Engine& engine, std::string_view bytes) {
    std::string text;
    engine.Feed(AsBytes(bytes));
    for (;;) {
      const Engine::Step step = engine.Advance(scratch_.buffers().plaintext());
      if (step.progress == Engine::Progress::kData) {
        Append(text, Bytes(scratch_.buffers().plaintext()).first(step.size));
      } else if (step.progress != Engine::Progress::kEstablished) {
        break;
      }
    }
    engine.Keep();
    return text;
  }
  void Write(Engine& engine, std::string_view text) {
    const Bytes bytes = AsBytes(text);
    engine.Write(std::span(&bytes, 1));
  }
  // Completes the handshake; returns the records with the ticket, which the client has not seen.
  std::string Handshake() {
    Feed(*client_, "");
    Feed(*server_, TakeRecords());
    Feed(*client_, TakeRecords());
    Feed(*server_, TakeRecords());
    EXPECT_TRUE(server_->established());
    EXPECT_TRUE(client_->established());
    return TakeRecords();
  }

  Folder folder_;
  Scratch scratch_;
  SslCtxPtr server_context_ = MakeSslContext(TLS_server_method(), config::TlsVersion::kTls12);
  SslCtxPtr client_context_ = MakeSslContext(TLS_client_method(), config::TlsVersion::kTls12);
  std::unique_ptr<Engine> server_;
  std::unique_ptr<Engine> client_;
};

std::size_t FirstRecordSize(std::string_view records) {
  return 5 + static_cast<std::size_t>(static_cast<unsigned char>(records[3]) << 8 |
                                      static_cast<unsigned char>(records[4]));
}

TEST_F(EngineTest, NothingCanBeWrittenInTheMidstOfAHandshakeMessage) {
  EXPECT_FALSE(client_->writable());
  const std::string ticket = Handshake();
  const std::size_t first = FirstRecordSize(ticket);
  ASSERT_LT(first, ticket.size()) << "the ticket fits in one record";
  EXPECT_TRUE(client_->writable());
  EXPECT_EQ(Feed(*client_, ticket.substr(0, first)), "");
  EXPECT_FALSE(client_->writable());
  EXPECT_EQ(Feed(*client_, ticket.substr(first)), "");
  EXPECT_TRUE(client_->writable());
  Write(*client_, "after");
  EXPECT_EQ(Feed(*server_, TakeRecords()), "after");
}

TEST_F(EngineTest, HasMoreTellsWholeRecordsOnly) {
  Handshake();
  Write(*server_, "one");
  const std::string one = TakeRecords();
  client_->Feed(AsBytes(std::string_view(one).substr(0, one.size() - 1)));
  EXPECT_FALSE(client_->HasMore());
  client_->Keep();
  client_->Feed(AsBytes(std::string_view(one).substr(one.size() - 1)));
  EXPECT_TRUE(client_->HasMore());
  client_->Keep();
  EXPECT_TRUE(client_->HasMore());
}

TEST_F(EngineTest, CloseNotifyIsTheEndAndStaysIt) {
  Feed(*client_, Handshake());
  Write(*server_, "last");
  server_->Close();
  EXPECT_EQ(Feed(*client_, TakeRecords()), "last");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client_->Advance(scratch_.buffers().plaintext()).progress, Engine::Progress::kEnd);
  }
  EXPECT_EQ(client_->failure(), nullptr);
}

TEST_F(EngineTest, DataBeforeAFailureIsNotLost) {
  Feed(*client_, Handshake());
  Write(*server_, "good");
  std::string records = TakeRecords();
  Write(*server_, "bad");
  records += TakeRecords();
  records.back() = static_cast<char>(records.back() ^ 1);
  EXPECT_EQ(Feed(*client_, records), "good");
  ASSERT_NE(client_->failure(), nullptr);
  EXPECT_EQ(client_->failure()->code, Errc::kProtocol);
  EXPECT_FALSE(TakeRecords().empty()) << "no alert";
}

TEST_F(EngineTest, WithoutAnSslItHasFailed) {
  Engine engine(nullptr, scratch_.buffers());
  EXPECT_FALSE(engine.writable());
  EXPECT_EQ(engine.Advance(scratch_.buffers().plaintext()).progress, Engine::Progress::kFailed);
  EXPECT_EQ(engine.failure()->code, Errc::kLimit);
}

}  // namespace
}  // namespace upgate::tls::test
