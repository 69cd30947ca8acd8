#include "gateway/backend/health_checks.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/ws/handshake.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = config::HealthCheck::Kind;

class HealthChecksTest : public testing::Test, private HealthChecks::Owner {
 protected:
  // Servers at these ports of 127.0.0.1, checked every 10 s.
  void Use(Kind kind, const std::vector<std::uint16_t>& ports) {
    auto config = std::make_shared<config::Config>();
    config::Backend& backend = config->backends["b"];
    backend.name = "b";
    backend.health = check;
    backend.health->kind = kind;
    backend.send_proxy = send_proxy;
    backend.words = words;
    record_ = std::make_shared<BackendRecord>();
    for (const std::uint16_t port : ports) {
      const std::string url = "ws://127.0.0.1:" + std::to_string(port);
      backend.servers.push_back({.scheme = config::ServerScheme::kWs,
                                 .address = HostPort{"127.0.0.1", port},
                                 .url = url,
                                 .index = 0,
                                 .mark = {}});
      std::shared_ptr<ServerRecord>& server = servers_[url];
      if (!server)
        server = std::make_shared<ServerRecord>("b", url,
                                                std::make_shared<stats::ServerRow>("b", url, 1));
      record_->servers.push_back(server);
    }
    record_->owner = config;
    record_->config = &backend;
    Watch();
  }
  void Watch() { checks_.Watch({{"b", record_}}); }
  bool Down(std::size_t server = 0) { return record_->servers[server]->health.down(); }
  void OnServerDown(const BackendRecord&, const std::shared_ptr<ServerRecord>& server) override {
    fell.push_back(server->url);
  }
  // Answers each request head.
  static void AnswerAll(test::TestServer& server, const std::string& answer) {
    server.OnConnection([answer](test::TestPeer& peer) {
      peer.OnReceive([answer, head = std::string(), open = false](test::TestPeer& self,
                                                                  std::string_view bytes) mutable {
        if (open) {
          // A ping: the pong has the same payload.
          head += bytes;
          for (const auto& frame : test::TakeFrames(head)) {
            if (frame.opcode == test::kPing)
              self.Send(test::ServerFrame(test::kPong, frame.payload));
            if (frame.opcode == test::kClose)
              self.Send(test::ServerFrame(test::kClose, frame.payload));
          }
          return;
        }
        head += bytes;
        if (head.find("\r\n\r\n") == std::string::npos) return;
        if (!answer.empty()) return self.Send(answer);
        constexpr std::string_view kName = "Sec-WebSocket-Key: ";
        open = true;
        const std::string key = head.substr(head.find(kName) + kName.size(), 24);
        head.clear();
        self.Send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
            "Upgrade\r\nSec-WebSocket-Accept: " +
            ws::AcceptKey(key) + "\r\n\r\n");
      });
    });
  }

  config::HealthCheck check{.kind = Kind::kTcp,
                            .interval = 10s,
                            .timeout = 2s,
                            .rise = 2,
                            .fall = 3,
                            .path = "/healthz",
                            .statuses = {{200, 399}},
                            .send = "",
                            .expect = ""};
  config::SendProxy send_proxy = config::SendProxy::kOff;
  std::string words;
  std::vector<std::string> fell;
  test::FakeLoop loop_;
  test::CaptureLog log_;
  tls::Scratch scratch_;
  std::map<std::string, std::shared_ptr<ServerRecord>> servers_;
  std::shared_ptr<BackendRecord> record_;
  HealthChecks::Owner& owner_ = *this;
  HealthChecks checks_{{loop_.io(), scratch_, log_, "upgate/test"}, owner_};
};

TEST_F(HealthChecksTest, AServerFallsAfterSomeFailuresAndRisesAfterSomeSuccesses) {
  Use(Kind::kTcp, {1});
  loop_.Advance(19s);
  EXPECT_FALSE(Down()) << "two checks at most";
  loop_.Advance(16s);
  EXPECT_TRUE(Down());
  EXPECT_TRUE(record_->servers[0]->row->down);
  EXPECT_THAT(fell, ElementsAre("ws://127.0.0.1:1"));
  EXPECT_EQ(log_.Count("server down"), 1u);
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  while (one.size() < 1) loop_.Advance(100ms);
  EXPECT_TRUE(Down());
  while (one.size() < 2) loop_.Advance(100ms);
  EXPECT_FALSE(Down());
  EXPECT_EQ(log_.Count("server up"), 1u);
  loop_.Advance(1000s);
  EXPECT_NEAR(static_cast<double>(one.size()), 102, 1) << "jitter does not add up";
}

TEST_F(HealthChecksTest, ACheckThatHangsDelaysNoOther) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  loop_.network().HangConnects(test::Address("127.0.0.1:1"));
  Use(Kind::kTcp, {1, 2});
  loop_.Advance(40s);
  EXPECT_TRUE(Down(0));
  EXPECT_FALSE(Down(1));
  EXPECT_GE(two.size(), 3u);
}

TEST_F(HealthChecksTest, OverHttpTheStatusDecides) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  AnswerAll(one, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  AnswerAll(two, "HTTP/1.1 204 No Content\r\n\r\n");
  Use(Kind::kHttp, {1, 2});
  loop_.Advance(35s);
  EXPECT_TRUE(Down(0));
  EXPECT_FALSE(Down(1));
  EXPECT_THAT(two[0].received(), HasSubstr("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:2\r\n"));
}

TEST_F(HealthChecksTest, OverWebSocketThePongDecides) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  AnswerAll(one, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  AnswerAll(two, "");
  Use(Kind::kWs, {1, 2});
  loop_.Advance(35s);
  EXPECT_TRUE(Down(0));
  EXPECT_FALSE(Down(1));
  EXPECT_GE(two.size(), 3u);
}

TEST_F(HealthChecksTest, WhatIsExpectedHasToCome) {
  check.send = "PING\r\n";
  check.expect = "+PONG";
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  one.OnConnection([](test::TestPeer& peer) { peer.Send("-LOADING\r\n"); });
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  two.OnConnection([](test::TestPeer& peer) {
    peer.OnReceive([](test::TestPeer& self, std::string_view bytes) {
      if (bytes == "PING\r\n") self.Send("+PO"), self.Send("NG\r\n");
    });
  });
  test::TestServer three(loop_.network(), test::Address("127.0.0.1:3"));
  three.OnConnection([](test::TestPeer& peer) { peer.Shutdown(); });
  Use(Kind::kTcp, {1, 2, 3});
  loop_.Advance(40s);
  EXPECT_TRUE(Down(0));
  EXPECT_FALSE(Down(1));
  EXPECT_TRUE(Down(2));
}

TEST_F(HealthChecksTest, WhatIsExpectedMayComeByteByByte) {
  check.expect = "+PONG";
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  one.OnConnection([](test::TestPeer& peer) {
    for (const char c : std::string_view("-LOADING\r\n++PO+PONG"))
      peer.Send(std::string_view(&c, 1));
  });
  Use(Kind::kTcp, {1});
  loop_.Advance(60s);
  EXPECT_GE(one.size(), 5u);
  EXPECT_FALSE(Down());
}

TEST_F(HealthChecksTest, ChecksBeginWithAProxyHeaderOfNobody) {
  send_proxy = config::SendProxy::kV1;
  check.send = "PING\r\n";
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Use(Kind::kTcp, {1});
  while (one.size() < 1) loop_.Advance(100ms);
  EXPECT_EQ(one[0].received(), "PROXY UNKNOWN\r\nPING\r\n");
  words = "check: http";
  Use(Kind::kHttp, {1});
  while (one.size() < 2) loop_.Advance(100ms);
  EXPECT_TRUE(one[1].received().starts_with("PROXY UNKNOWN\r\nGET /healthz ")) << one[1].received();
}

TEST_F(HealthChecksTest, AReloadKeepsTheStateAndTheTimes) {
  Use(Kind::kTcp, {1});
  loop_.Advance(40s);
  ASSERT_TRUE(Down());
  for (int i = 0; i < 12; ++i) {
    Use(Kind::kTcp, {1, 2});  // made anew
    EXPECT_TRUE(Down(0));
    loop_.Advance(1s);
  }
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  for (int i = 0; i < 24; ++i) {
    Use(Kind::kTcp, {1, 2});
    loop_.Advance(1s);
  }
  EXPECT_GE(one.size(), 2u) << "although the configuration changes more often than it is checked";
}

// As with a name whose addresses are others at each look-up.
TEST_F(HealthChecksTest, AServerFallsAlthoughItsBackendChangesAfterEachCheck) {
  Use(Kind::kTcp, {1});
  for (int i = 0; i < 8; ++i) {
    loop_.Advance(5s);
    Use(Kind::kTcp, i % 2 == 0 ? std::vector<std::uint16_t>{1, 2} : std::vector<std::uint16_t>{1});
  }
  EXPECT_TRUE(Down());
}

TEST_F(HealthChecksTest, AServerFallsAlthoughItsBackendChangesDuringEachCheck) {
  loop_.network().HangConnects(test::Address("127.0.0.1:1"));
  for (int i = 0; i < 45; ++i) {
    Use(Kind::kTcp, {1});
    loop_.Advance(1s);
  }
  EXPECT_TRUE(Down());
  EXPECT_THAT(fell, ElementsAre("ws://127.0.0.1:1"));
}

TEST_F(HealthChecksTest, OtherWordsForABackendBeginAnew) {
  Use(Kind::kTcp, {1});
  loop_.Advance(20s);
  ASSERT_FALSE(Down()) << "after two failures at most";
  words = "fall: 2";
  check.fall = 2;
  Use(Kind::kTcp, {1});
  loop_.Advance(9s);
  EXPECT_FALSE(Down()) << "failures before do not count";
  loop_.Advance(20s);
  EXPECT_TRUE(Down());
}

TEST_F(HealthChecksTest, AServerThatIsNotCheckedAnyMoreIsUp) {
  Use(Kind::kTcp, {1});
  loop_.Advance(40s);
  ASSERT_TRUE(Down());
  checks_.Watch({});
  EXPECT_FALSE(Down());
  loop_.Advance(100s);
  EXPECT_EQ(log_.Count("server down"), 1u);
}

}  // namespace
}  // namespace upgate::backend
