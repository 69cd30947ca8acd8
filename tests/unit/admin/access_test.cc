#include "gateway/admin/access.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/http/front.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"
#include "tests/support/ws_client.h"

namespace upgate::admin {
namespace {

constexpr std::string_view kToken = "0123456789abcdef";

struct Inner final : http::RequestHandler {
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    exchange.Respond(http::TextResponse(200, "inside"));
    return nullptr;
  }
  void OnAnswer(int) override {}
  void OnConnectionError(const Error&) override {}
};

class AccessTest : public testing::Test {
 protected:
  AccessTest() : front_(loop_.io(), options_, nullptr, {}, scratch_, access_, places_) {
    EXPECT_TRUE(front_.Listen(test::Address("127.0.0.1:9901"), {}));
  }
  ~AccessTest() override { front_.Abort(); }

  test::ResponseHead Send(const std::string& request) {
    test::TestPeer peer(loop_.network(), test::Address("127.0.0.1:9901"), from_);
    peer.Send(request);
    loop_.RunUntilIdle();
    std::string bytes = peer.TakeReceived();
    const auto head = test::TakeResponseHead(bytes).value_or(test::ResponseHead{});
    body_ = test::TakeBody(head, bytes).value_or("");
    return head;
  }
  // The status for a request with these header lines.
  int StatusOf(const std::string& lines, const std::string& request_line = "GET /stats") {
    return Send(request_line + " HTTP/1.1\r\n" + lines + "\r\n").status;
  }
  int StatusOfHost(const std::string& host) { return StatusOf("Host: " + host + "\r\n"); }
  int StatusOfOrigin(const std::string& host, const std::string& origin) {
    return StatusOf("Host: " + host + "\r\nOrigin: " + origin + "\r\n");
  }
  int StatusOfCredential(const std::string& line) {
    return StatusOf("Host: localhost\r\n" + line + "\r\n");
  }

  // Declared before the loop, because the loop's deferred deletions return places.
  test::CaptureLog log_;
  stats::ListenerStats stats_;
  http::ClientPlaces places_{"admin", {}, stats_, log_};
  test::FakeLoop loop_;
  Inner inner_;
  Access access_{inner_, {}, loop_.timers(), log_};
  std::optional<SocketAddress> from_;
  std::string body_;
  std::shared_ptr<const http::ServerOptions> options_ = std::make_shared<http::ServerOptions>();
  tls::Scratch scratch_;
  http::Front front_;
};

TEST_F(AccessTest, AnswersToAddressesAndLocalhost) {
  for (const auto* host : {"127.0.0.1", "127.0.0.1:9901", "10.1.2.3:1", "[::1]", "[2001:db8::1]:80",
                           "localhost", "LOCALHOST:9901", "localhost.", "a.b.localhost:1"})
    EXPECT_EQ(StatusOfHost(host), 200) << host;
}

TEST_F(AccessTest, AnswersToNoOtherName) {
  for (const auto* host : {"evil.example", "localhost.evil.example", "notlocalhost",
                           "127.0.0.1.evil.example", "ops.example"})
    EXPECT_EQ(StatusOfHost(host), 421) << host;
  EXPECT_NE(body_.find("{\n  \"error\": "), std::string::npos);
}

TEST_F(AccessTest, AnswersToConfiguredNames) {
  access_.Set({.tokens = {}, .hosts = {{"ops.example", false}, {"in.example", true}}});
  EXPECT_EQ(StatusOfHost("ops.example:9901"), 200);
  EXPECT_EQ(StatusOfHost("OPS.example."), 200);
  EXPECT_EQ(StatusOfHost("a.b.in.example"), 200);
  for (const auto* host : {"in.example", ".in.example", "xin.example", "a.ops.example"})
    EXPECT_NE(StatusOfHost(host), 200) << host;
}

TEST_F(AccessTest, OnlyLocalClientsMayLeaveOutTheName) {
  EXPECT_EQ(Send("GET /stats HTTP/1.0\r\n\r\n").status, 200);
  from_ = test::Address("10.0.0.7:999");
  EXPECT_EQ(Send("GET /stats HTTP/1.0\r\n\r\n").status, 421);
  EXPECT_EQ(StatusOfHost("10.0.0.1:9901"), 200);
}

TEST_F(AccessTest, ClientsOfAUnixSocketMayUseAnyName) {
  from_ = UnixPath{""};
  EXPECT_EQ(StatusOfHost("upgate"), 200);
  EXPECT_EQ(Send("GET /stats HTTP/1.0\r\n\r\n").status, 200);
}

TEST_F(AccessTest, PagesOfOtherOriginsAreRefused) {
  EXPECT_EQ(StatusOfOrigin("127.0.0.1:9901", "http://127.0.0.1:9901"), 200);
  EXPECT_EQ(StatusOfOrigin("localhost", "http://localhost"), 200);
  EXPECT_EQ(StatusOfOrigin("localhost:80", "http://localhost"), 200);
  EXPECT_EQ(StatusOfOrigin("[::1]:9901", "http://[::1]:9901"), 200);
  for (const auto* origin : {"https://127.0.0.1:9901", "http://127.0.0.1", "http://127.0.0.1:99",
                             "http://localhost:9901", "http://127.0.0.1:9901.evil.example", "null",
                             "http://evil.example", ""})
    EXPECT_EQ(StatusOfOrigin("127.0.0.1:9901", origin), 403) << origin;
  EXPECT_EQ(StatusOf("Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://b.example\r\n",
                     "POST /reload"),
            403);
}

TEST_F(AccessTest, WithTokensEveryRequestNeedsOne) {
  access_.Set({.tokens = {"another token that is long", std::string(kToken)}, .hosts = {}});
  const std::string token(kToken);
  EXPECT_EQ(StatusOfCredential("Authorization: Bearer " + token), 200);
  EXPECT_EQ(StatusOfCredential("authorization: bearer  " + token), 200);
  const std::string bearer = "Authorization: Bearer " + token;
  const std::vector<std::string> wrong{"X: y",
                                       "Authorization: " + token,
                                       "Authorization: Basic " + token,
                                       "Authorization: Bearer",
                                       bearer + "0",
                                       bearer + token,
                                       "Authorization: Bearer " + token.substr(1),
                                       bearer + "\r\n" + bearer};
  for (const std::string& line : wrong) {
    EXPECT_EQ(StatusOfCredential(line), 401) << line;
  }
  const auto head = Send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(head.Get("WWW-Authenticate"), "Bearer");
  EXPECT_NE(body_.find("\"error\""), std::string::npos);
  access_.Set({});
  EXPECT_EQ(StatusOfHost("localhost"), 200);
}

TEST_F(AccessTest, HealthIsForEverybody) {
  access_.Set({.tokens = {std::string(kToken)}, .hosts = {}});
  for (const auto* request : {"GET /healthz", "HEAD /readyz", "GET /healthz?x"})
    EXPECT_EQ(StatusOf("Host: any.example\r\n", request), 200) << request;
  for (const auto* request : {"POST /healthz", "GET /healthz/", "GET /healthzz"})
    EXPECT_EQ(StatusOf("Host: localhost\r\n", request), 401) << request;
}

TEST_F(AccessTest, RefusalsAreLoggedSeldomAndWithoutTheToken) {
  access_.Set({.tokens = {std::string(kToken)}, .hosts = {}});
  from_ = test::Address("10.0.0.7:999");
  for (int i = 0; i < 3; ++i)
    StatusOf("Host: 10.0.0.1\r\nAuthorization: Bearer wrongwrongwrong\r\n");
  EXPECT_EQ(log_.Count("admin client refused"), 1u);
  EXPECT_EQ(log_.Last("admin client refused", "client"), "10.0.0.7:999");
  loop_.Advance(io::Seldom::kInterval);
  StatusOf("Host: 10.0.0.1\r\n");
  EXPECT_EQ(log_.Count("admin client refused"), 2u);
  EXPECT_EQ(log_.Last("admin client refused", "left_out"), "2");
  EXPECT_FALSE(log_.Mentions("wrongwrongwrong"));
  EXPECT_FALSE(log_.Mentions(kToken));
}

TEST(EqualInConstantTimeTest, ComparesAllOfBoth) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  for (const auto* other : {"", "ab", "abcd", "abcabc", "xbc", "abx"}) {
    EXPECT_FALSE(EqualInConstantTime("abc", other)) << other;
    EXPECT_FALSE(EqualInConstantTime(other, "abc")) << other;
  }
}

}  // namespace
}  // namespace upgate::admin
