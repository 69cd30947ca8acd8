#include "gateway/app/client_tunnel.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/ws/handshake.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::app {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
using test::TestPeer;
using test::TestServer;

// A tunnel whose local end and server are in memory.
class ClientTunnelTest : public testing::Test,
                         private ClientTunnel::Owner,
                         private io::AcceptHandler {
 protected:
  ClientTunnelTest() {
    settings_.url = *ReadUrl("ws://127.0.0.1:7000/db?key=secret");
    settings_.timeout = 5s;
  }
  ~ClientTunnelTest() override {
    tunnel_.reset();
    local_.reset();
    loop_.RunUntilIdle();
  }

  void Open() {
    context_.emplace(loop_.io());
    shared_.emplace(settings_, *context_, scratch_, nullptr);
    listener_ = *loop_.network().Listen(test::Address("127.0.0.1:5000"), {}, *this);
    local_.emplace(loop_.network(), test::Address("127.0.0.1:5000"));
    loop_.RunUntilIdle();
  }
  TestServer& Serve() {
    if (!server_) {
      server_.emplace(loop_.network(), test::Address("127.0.0.1:7000"));
      loop_.RunUntilIdle();
    }
    return *server_;
  }
  // Answers the handshake of the connection that came last.
  TestPeer& Accept(std::string_view extra = {}) {
    TestPeer& peer = Last();
    request_ = peer.TakeReceived();
    const std::size_t at = request_.find("Sec-WebSocket-Key: ") + 19;
    const std::string key = request_.substr(at, request_.find('\r', at) - at);
    peer.Send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        ws::AcceptKey(key) + "\r\n\r\n" + std::string(extra));
    loop_.RunUntilIdle();
    return peer;
  }
  TestPeer& Last() { return (*server_)[server_->size() - 1]; }

  FakeLoop loop_;
  tls::Scratch scratch_;
  TunnelSettings settings_;
  std::optional<session::Context> context_;
  std::optional<ClientTunnel::Shared> shared_;
  std::optional<TestServer> server_;
  std::unique_ptr<io::Listener> listener_;
  std::optional<TestPeer> local_;
  std::unique_ptr<ClientTunnel> tunnel_;
  std::optional<TunnelEnd> end_;
  std::string request_;

 private:
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override {
    tunnel_.reset(new ClientTunnel(*shared_, std::move(stream), *this));
  }
  void OnTunnelDone(ClientTunnel&, const TunnelEnd& end) override { end_ = end; }
};

TEST_F(ClientTunnelTest, OffersWhatIsAskedFor) {
  settings_.subprotocols = {"mqtt", "mqttv3.1"};
  settings_.headers.Add("Authorization", "Bearer x");
  settings_.headers.Add("Host", "db.example");
  Serve();
  Open();
  Accept();
  EXPECT_TRUE(request_.starts_with("GET /db?key=secret HTTP/1.1\r\n")) << request_;
  for (const char* field :
       {"Host: db.example\r\n", "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Protocol: mqtt, mqttv3.1\r\n", "Authorization: Bearer x\r\n"})
    EXPECT_NE(request_.find(field), std::string::npos) << field;
}

TEST_F(ClientTunnelTest, CarriesBytesBothWays) {
  Serve();
  Open();
  local_->Send("early");  // before the 101: waits
  TestPeer& server = Accept(test::ServerFrame(1, "hel"));
  loop_.RunUntilIdle();
  server.Send(test::ServerFrame(2, "lo"));
  loop_.RunUntilIdle();
  EXPECT_EQ(local_->TakeReceived(), "hello");
  std::string bytes = server.TakeReceived();
  const auto frames = test::TakeFrames(bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opcode, 2);
  EXPECT_TRUE(frames[0].masked);
  EXPECT_EQ(frames[0].payload, "early");
}

TEST_F(ClientTunnelTest, TheLocalEndClosesAfterTheAnswerOfTheServer) {
  Serve();
  Open();
  TestPeer& server = Accept();
  local_->Shutdown();
  loop_.RunUntilIdle();
  std::string bytes = server.TakeReceived();
  const auto frames = test::TakeFrames(bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, test::CloseBody(1000));
  server.Send(test::ServerFrame(2, "last"));
  loop_.RunUntilIdle();
  EXPECT_FALSE(end_);
  server.Send(test::ServerFrame(8, test::CloseBody(1000)));
  server.Shutdown();
  loop_.RunUntilIdle();
  EXPECT_EQ(local_->TakeReceived(), "last");
  EXPECT_TRUE(local_->ended());
  ASSERT_TRUE(end_);
  EXPECT_TRUE(end_->ok);
  EXPECT_EQ(end_->message, "");
}

TEST_F(ClientTunnelTest, ACloseOfTheServerEndsTheLocalStream) {
  Serve();
  Open();
  TestPeer& server = Accept();
  server.Send(test::ServerFrame(2, "x") +
              test::ServerFrame(8, test::CloseBody(1011, "no database")));
  server.Shutdown();
  loop_.RunUntilIdle();
  EXPECT_EQ(local_->TakeReceived(), "x");
  EXPECT_TRUE(local_->ended());
  ASSERT_TRUE(end_);
  EXPECT_FALSE(end_->ok);
  EXPECT_EQ(end_->message, "ws://127.0.0.1:7000/db: closed with 1011: no database");
}

TEST_F(ClientTunnelTest, ARefusalIsToldWithItsReasonAndWithoutSecrets) {
  Serve();
  Open();
  Last().Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\nnot this page\n");
  loop_.RunUntilIdle();
  ASSERT_TRUE(end_);
  EXPECT_FALSE(end_->established);
  EXPECT_EQ(end_->message, "ws://127.0.0.1:7000/db: not 101 but 403 Forbidden: not this page");
}

TEST_F(ClientTunnelTest, AServerThatDoesNotAnswerIsLeft) {
  Serve();
  Open();
  loop_.Advance(5s);
  ASSERT_TRUE(end_);
  EXPECT_EQ(end_->message, "ws://127.0.0.1:7000/db: no WebSocket within 5s");
}

TEST_F(ClientTunnelTest, OneThatRetriesWaitsForTheServerToCome) {
  settings_.retries = true;
  settings_.timeout = 20s;
  Open();
  loop_.Advance(1s);
  EXPECT_FALSE(end_);
  Serve();
  loop_.Advance(2s);
  ASSERT_GT(server_->size(), 0u);
  Last().Send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  loop_.Advance(2s);
  EXPECT_FALSE(end_);
  ASSERT_GT(server_->size(), 1u);
  TestPeer& server = Accept(test::ServerFrame(2, "at last"));
  EXPECT_EQ(local_->TakeReceived(), "at last");
  server.Reset();
  loop_.RunUntilIdle();
  EXPECT_TRUE(end_);
}

TEST_F(ClientTunnelTest, OneThatRetriesGivesUpInTime) {
  settings_.retries = true;
  Open();
  loop_.Advance(4999ms);
  EXPECT_FALSE(end_);
  loop_.Advance(2ms);
  ASSERT_TRUE(end_);
  EXPECT_FALSE(end_->ok);
}

TEST_F(ClientTunnelTest, ASlowLocalEndHoldsTheServerBack) {
  Serve();
  Open();
  TestPeer& server = Accept();
  local_->Stall();
  const std::string piece = test::ServerFrame(2, std::string(60'000, 'x'));
  for (int i = 0; i < 200; ++i) {
    server.Send(piece);
    loop_.RunUntilIdle();
  }
  EXPECT_GT(server.stream()->queued(), 0u);
  std::size_t received = 0;
  local_->Resume();
  loop_.RunUntilIdle();
  for (std::string bytes = local_->TakeReceived(); !bytes.empty(); bytes = local_->TakeReceived()) {
    received += bytes.size();
    loop_.RunUntilIdle();
  }
  EXPECT_EQ(received, 200u * 60'000);
}

TEST_F(ClientTunnelTest, ALocalEndThatBreaksClosesTheWebSocket) {
  Serve();
  Open();
  TestPeer& server = Accept();
  local_->Reset();
  loop_.RunUntilIdle();
  std::string bytes = server.TakeReceived();
  const auto frames = test::TakeFrames(bytes);
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].opcode, 8);
  server.Send(test::ServerFrame(8, test::CloseBody(1001)));
  server.Shutdown();
  loop_.RunUntilIdle();
  EXPECT_TRUE(end_);
}

}  // namespace
}  // namespace upgate::app
