// Connections that nobody uses any more, or that never came to be of use: each is let go in bounded
// time, and what is read for nobody meanwhile is bounded, too.
#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/tls/context.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test {
namespace {

using namespace std::chrono_literals;

// ---- TLS handshakes that never end

class TlsListener : public testing::Test {
 protected:
  static std::string Config(const TempFolder& folder) {
    const tls::SelfSigned self = tls::MakeSelfSigned({"gateway.test"});
    folder.Write("site.crt", self.cert_pem);
    folder.Write("site.key", self.key_pem);
    return "listeners: [ { address: \"127.0.0.1:443\", tls: { certificates: [ { cert: " +
           folder.At("site.crt") + ", key: " + folder.At("site.key") +
           " } ] } } ]\n"
           "http: { head_timeout: 7s, idle_timeout: 50s }\n"
           "routes: [ { path: /echo, plugin: echo } ]\n";
  }

  TempFolder folder_;
  TestGateway gw_{Config(folder_)};
};

TEST_F(TlsListener, AHandshakeThatNeverEndsHasTheTimeOfAHead) {
  auto silent = gw_.Connect();
  auto begun = gw_.Connect();
  begun.Send("\x16\x03\x01\x02");
  gw_.loop().Advance(6s);
  EXPECT_FALSE(silent.peer().done());
  EXPECT_FALSE(begun.peer().done());
  begun.Send("\x01");  // is no news
  gw_.loop().Advance(1s);
  EXPECT_TRUE(silent.peer().done());
  EXPECT_TRUE(begun.peer().done());
  EXPECT_EQ(gw_.listener_stats().tls_failures.Get(), 2u);
  EXPECT_EQ(gw_.listener_stats().connections_open.Get(), 0u);
  EXPECT_EQ(gw_.log().Last("connection failed", "why"), "the TLS handshake took too long");
}

// ---- servers that take a connection and say nothing

constexpr std::string_view kBackends = R"(
backends:
  live: { servers: [ "ws://127.0.0.1:7000" ], connect_timeout: 4s }
  site: { servers: [ "http://127.0.0.1:7000" ], connect_timeout: 4s, first_byte_timeout: 30s }
  safe: { servers: [ "wss://127.0.0.1:7000" ], connect_timeout: 4s, tls: { verify: false } }
  raw: { servers: [ "tls://127.0.0.1:7000" ], connect_timeout: 4s, tls: { verify: false } }
routes:
  - { path: /live, backend: live, limits: { sessions: 1 } }
  - { path: /site, backend: site, limits: { sessions: 1 } }
  - { path: /safe, backend: safe, limits: { sessions: 1 } }
  - { path: /raw, backend: raw, limits: { sessions: 1 } }
)";

class SilentServer : public testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::array<std::string_view, 4> kRoutes{"/live", "/site", "/safe", "/raw"};
};
INSTANTIATE_TEST_SUITE_P(Route, SilentServer, testing::Values(0, 1, 2, 3));

TEST_P(SilentServer, HasTheConnectTimeoutUntilThe101) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  for (std::size_t i = 0; i < 2; ++i) {  // the route takes one session at a time
    auto client = gw.Connect();
    client.Send(UpgradeRequest(kRoutes[GetParam()]));
    ASSERT_EQ(server.size(), i + 1);
    gw.loop().Advance(3999ms);
    EXPECT_EQ(client.Head().status, 0);
    gw.loop().Advance(2ms);
    EXPECT_EQ(client.Head().status, 504);
    EXPECT_TRUE(server[i].done());
  }
  EXPECT_EQ(gw.Handshakes(stats::HandshakeOutcome::kBackendTimeout, GetParam()), 2u);
  EXPECT_THAT(gw.log().Last("backend failed", "why"), testing::HasSubstr("connect_timeout"));
}

// Interim answers are not what is waited for.
TEST(SlowServer, InterimAnswersDoNotExtendTheHandshake) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/live"));
  for (int i = 0; i < 4; ++i) {
    gw.loop().Advance(1s);
    server[0].Send("HTTP/1.1 103 Early Hints\r\n\r\n");
    gw.loop().RunUntilIdle();
  }
  gw.loop().Advance(2ms);
  EXPECT_TRUE(server[0].done());
}

// Ordinary requests keep their own bounds.
TEST(SlowServer, RequestsHaveTheFirstByteTimeout) {
  TestGateway gw(kBackends);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send("GET /site HTTP/1.1\r\nHost: a\r\n\r\n");
  gw.loop().Advance(29s);
  server[0].Send("HTTP/1.1 204 No Content\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 204);
}

}  // namespace
}  // namespace upgate::test
