// Ordinary HTTP through the gateway: heads, bodies, kept-alive servers, and server failures.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"

namespace upgate::test::proxy_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
listeners: [ { address: "127.0.0.1:80", trusted_proxies: [ 10.0.0.0/8 ] } ]
backends:
  site:
    servers: [ "http://127.0.0.1:7000" ]
    first_byte_timeout: 10s
    read_timeout: 5s
    pool_idle: 30s
routes:
  - { path: /*, backend: site }
  - { path: /own-host, backend: site, preserve_host: false, forwarded: false }
  - path: /rewrite
    backend: site
    rewrite:
      location: { from: "http://127.0.0.1:7000/", to: "https://shop.example/" }
      cookie_domain: { from: internal.example, to: shop.example }
      cookie_path: { from: /app/, to: / }
  - path: /cors
    backend: site
    cors: { allow_origins: [ "https://a.example" ] }
)";

// A server that answers each complete request head with the next of its responses.
class Site {
 public:
  explicit Site(TestGateway& gw) : server_(gw.network(), Address("127.0.0.1:7000")) {
    server_.OnConnection([this](TestPeer& peer) {
      peer.OnReceive(
          [this, pending = std::string()](TestPeer& self, std::string_view bytes) mutable {
            pending += bytes;
            for (std::size_t end = pending.find("\r\n\r\n"); end != std::string::npos;
                 end = pending.find("\r\n\r\n")) {
              if (hold) return;
              requests.push_back(pending.substr(0, end + 4));
              pending.erase(0, end + 4);
              if (next < answers.size()) self.Send(answers[next++]);
              if (after) after(self);
            }
          });
    });
  }
  std::vector<std::string> answers;
  std::vector<std::string> requests;
  std::function<void(TestPeer&)> after;
  std::size_t next = 0;
  bool hold = false;
  TestServer& server() { return server_; }

 private:
  TestServer server_;
};

std::string Get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: shop.example\r\n" + std::string(fields) +
         "\r\n";
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

class ProxyAtChunk : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, ProxyAtChunk, 1, 2, 3, 7, 4096, 65536);

TEST_EACH(ProxyAtChunk, AnswersOfEveryFramingComeThroughOverOneServerConnection) {
  TestGateway gw(kConfig, {.read_chunk = GetParam()});
  Site site(gw);
  site.answers = {kOk,
                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
                  "HTTP/1.1 204 No Content\r\n\r\n",
                  "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
  auto client = gw.Connect();
  for (const auto& [status, body] : std::vector<std::pair<int, std::string>>{
           {200, "hello"}, {200, "abcde"}, {204, ""}, {304, ""}, {200, ""}}) {
    client.Send(Get("/a"));
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, status);
    if (status == 200) {
      EXPECT_EQ(client.Body(head), body);
    }
  }
  EXPECT_EQ(site.server().size(), 1u);
}

TEST_EACH(ProxyAtChunk, RequestBodiesAndTrailersGoThrough) {
  TestGateway gw(kConfig, {.read_chunk = GetParam()});
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
  ASSERT_EQ(server.size(), 1u);
  std::string got = server[0].TakeReceived();
  EXPECT_NE(got.find("Content-Length: 10\r\n"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\n0123456789")) << got;
  server[0].Send(kOk);
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Body(client.Head()), "hello");
  client.Send(
      "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
      "X-Forwarded-For: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nCookie: a=b\r\nX-T: 1\r\n\r\n");
  got = server[0].TakeReceived();
  EXPECT_NE(got.find("Transfer-Encoding: chunked\r\n"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("0\r\nX-T: 1\r\n\r\n")) << got;
  EXPECT_EQ(gw.server_stats().bytes_sent.Get(), 13u);
  EXPECT_EQ(gw.server_stats().bytes_received.Get(), 5u);
}

TEST(Proxy, HeadsAreForwardedWithoutHopByHopFields) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {
      "HTTP/1.1 200 Fine\r\nServer: origin\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: "
      "timeout=5\r\nX-End: 2\r\n"
      "Content-Length: 0\r\n\r\n"};
  auto client = gw.Connect(0, Address("127.0.0.9:999"));
  client.Send(Get("/a/../b?q=%20",
                  "Connection: close, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nX-Keep: 2\r\n"
                  "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"));
  ASSERT_EQ(site.requests.size(), 1u);
  const std::string& request = site.requests[0];
  EXPECT_TRUE(request.starts_with("GET /b?q=%20 HTTP/1.1\r\nHost: shop.example\r\n")) << request;
  for (const std::string_view gone : {"X-Secret", "TE:", "6.6.6.6", "close"}) {
    EXPECT_EQ(request.find(gone), std::string::npos) << gone << " in\n" << request;
  }
  for (const std::string_view there :
       {"X-Keep: 2\r\n", "X-Forwarded-For: 127.0.0.9\r\n", "X-Forwarded-Proto: http\r\n",
        "X-Forwarded-Host: shop.example\r\n", "Via: 1.1 upgate\r\n",
        "Forwarded: for=127.0.0.9;proto=http;host=\"shop.example\"\r\n"}) {
    EXPECT_NE(request.find(there), std::string::npos) << there << " in\n" << request;
  }
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.reason, "Fine");
  EXPECT_EQ(head.Get("Server"), "origin");
  EXPECT_EQ(head.Get("X-End"), "2");
  EXPECT_FALSE(head.Get("X-Hop"));
  EXPECT_FALSE(head.Get("Keep-Alive"));
}

TEST(Proxy, HeadersOfATrustedProxyAreAppendedTo) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk};
  auto client = gw.Connect(0, Address("10.1.2.3:999"));
  client.Send(Get("/a", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\n"));
  ASSERT_EQ(site.requests.size(), 1u);
  EXPECT_NE(site.requests[0].find("X-Forwarded-For: 6.6.6.6, 10.1.2.3\r\n"), std::string::npos);
  EXPECT_NE(site.requests[0].find("X-Forwarded-Proto: https\r\n"), std::string::npos);
}

const std::string kForged =
    "X-Real-IP: forged\r\nX-Forwarded-Port: forged\r\nX-SSL-Client-Verify: forged\r\n"
    "Client-Cert: forged\r\nX-Client-Cert-Chain: forged\r\nSSL-Client-S-DN: forged\r\n"
    "X-Original-URL: forged\r\nx-rewrite-url: forged\r\nX-Forwarded-Prefix: forged\r\n"
    "X.Forwarded.For: forged\r\n";
const std::string kForgedAgain = "X_Forwarded_For: again\r\nX_Real-IP: again\r\nVi_a: again\r\n";

TEST(Proxy, ForgedHeadersDoNotReachTheServer) {
  for (const std::string http : {"", "http: { underscores: pass }\n"}) {
    TestGateway gw(http + std::string(kConfig));
    Site site(gw);
    site.answers = {kOk, kOk};
    auto client = gw.Connect(0, Address("127.0.0.9:999"));
    client.Send(Get("/a", kForged + kForgedAgain + "X-Keep: kept\r\nX_Own: own\r\n"));
    client.Send(Get("/own-host", kForged + kForgedAgain));
    ASSERT_EQ(site.requests.size(), 2u);
    EXPECT_EQ(site.requests[0].find("forged"), std::string::npos) << site.requests[0];
    EXPECT_NE(site.requests[0].find("X-Keep: kept"), std::string::npos);
    EXPECT_EQ(site.requests[0].find("X_Own") != std::string::npos, !http.empty());
    // Nor on routes without forwarding headers.
    EXPECT_EQ(site.requests[1].find("forged"), std::string::npos) << site.requests[1];
    for (const std::string& request : site.requests) {
      for (const std::string_view gone : {"X_Forwarded_For", "X_Real-IP"})
        EXPECT_EQ(request.find(gone), std::string::npos) << request;
    }
  }
}

TEST(Proxy, ATrustedProxySaysWhatTheGatewayDoesNot) {
  for (const bool pass : {false, true}) {
    TestGateway gw((pass ? "http: { underscores: pass }\n" : "") + std::string(kConfig));
    Site site(gw);
    site.answers = {kOk};
    auto client = gw.Connect(0, Address("10.1.2.3:999"));
    client.Send(Get("/a",
                    "X-Real-IP: 6.6.6.6\r\nX-Forwarded-Port: 8443\r\nX-SSL-Client-Verify: "
                    "SUCCESS\r\nX_Forwarded_For: again\r\nX_Real_IP: again\r\n"));
    ASSERT_EQ(site.requests.size(), 1u);
    const std::string& request = site.requests[0];
    for (const std::string_view there : {"X-Real-IP: 6.6.6.6\r\n", "X-Forwarded-Port: 8443\r\n",
                                         "X-SSL-Client-Verify: SUCCESS\r\n"})
      EXPECT_NE(request.find(there), std::string::npos) << there << " in\n" << request;
    // The gateway's own headers have one spelling.
    EXPECT_EQ(request.find("X_Forwarded_For"), std::string::npos) << request;
    EXPECT_EQ(request.find("X_Real_IP") != std::string::npos, pass);
  }
}

TEST(Proxy, ForgedTrailersAreDropped) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(
      "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Real-IP: 6.6.6.6\r\n"
      "X-SSL-Client-Verify: SUCCESS\r\nX.Forwarded.For: x\r\nX_T: 1\r\nX-T: 1\r\n\r\n");
  ASSERT_EQ(server.size(), 1u);
  const std::string got = server[0].TakeReceived();
  EXPECT_TRUE(got.ends_with("\r\n\r\n0\r\nX-T: 1\r\n\r\n")) << got;
}

// The next server sees the client's view of the gateway, in each of the fields.
TEST(Proxy, HeadersOfTrustedProxiesAreForwardedAsInterpreted) {
  struct Case {
    std::string fields;
    std::vector<std::string> there;
  };
  for (const auto& [fields, there] :
       {Case{"X-Forwarded-For: 203.0.113.7, 10.0.0.2\r\nX-Forwarded-Proto: https,http\r\n"
             "X-Forwarded-Host: App.example:8443,mid\r\n",
             {"X-Forwarded-For: 203.0.113.7, 10.0.0.2, 10.1.2.3", "X-Forwarded-Proto: https",
              "X-Forwarded-Host: App.example:8443",
              "Forwarded: for=203.0.113.7;proto=https;host=\"App.example:8443\", for=10.0.0.2, "
              "for=10.1.2.3;proto=https;host=\"App.example:8443\""}},
        Case{"X-Forwarded-For: 2001:db8::9, x\r\n",
             {"X-Forwarded-For: 2001:db8::9, x, 10.1.2.3",
              "Forwarded: for=\"[2001:db8::9]\", for=unknown;proto=http;host=\"shop.example\", "
              "for=10.1.2.3;proto=http;host=\"shop.example\""}},
        Case{"Forwarded: for=203.0.113.7;proto=https;host=app.example\r\nX-Forwarded-Port: 444\r\n",
             {"Forwarded: for=203.0.113.7;proto=https;host=app.example, "
              "for=10.1.2.3;proto=https;host=\"app.example\"",
              "X-Forwarded-For: 203.0.113.7, 10.1.2.3", "X-Forwarded-Proto: https",
              "X-Forwarded-Host: app.example", "X-Forwarded-Port: 443"}},
        // The client's own X-Forwarded-For, which the proxy let through.
        Case{"Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 8.8.8.8\r\n",
             {"X-Forwarded-For: 203.0.113.7, 10.1.2.3"}},
        Case{"Forwarded: for=_a\r\nX-Forwarded-For: 8.8.8.8\r\n",
             {"X-Forwarded-For: unknown, 10.1.2.3"}},
        // The port that the client used, for a next gateway.
        Case{"X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example\r\n"
             "X-Forwarded-Port: 8443\r\n",
             {"X-Forwarded-Host: app.example:8443", "X-Forwarded-Port: 8443",
              "Forwarded: for=10.1.2.3;proto=https;host=\"app.example:8443\""}},
        Case{"X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example:8080\r\n",
             {"X-Forwarded-Host: app.example:8080"}}}) {
    SCOPED_TRACE(fields);
    TestGateway gw(kConfig);
    Site site(gw);
    site.answers = {kOk};
    auto client = gw.Connect(0, Address("10.1.2.3:999"));
    client.Send(Get("/a", fields));
    ASSERT_EQ(site.requests.size(), 1u);
    for (const std::string& field : there) {
      EXPECT_NE(site.requests[0].find("\r\n" + field + "\r\n"), std::string::npos)
          << field << " in\n"
          << site.requests[0];
    }
    EXPECT_EQ(site.requests[0].contains("X-Forwarded-Port"), fields.contains("X-Forwarded-Port"));
  }
}

TEST(Proxy, APeerOnAUnixSocketHasNoPlaceInAChain) {
  struct Case {
    std::string fields;
    std::string there;
    std::string gone;
  };
  for (const auto& [fields, there, gone] :
       {Case{"X-Forwarded-For: 203.0.113.7, 10.0.0.2\r\n",
             "X-Forwarded-For: 203.0.113.7, 10.0.0.2\r\n", "unknown"},
        Case{"Forwarded: for=203.0.113.7;proto=https\r\n",
             "Forwarded: for=203.0.113.7;proto=https\r\n", "unknown"},
        Case{"", "Forwarded: for=unknown;proto=http;host=\"shop.example\"\r\n",
             "X-Forwarded-For"}}) {
    SCOPED_TRACE(fields);
    TestGateway gw(
        "listeners: [ { address: \"unix:/run/gate.sock\", trusted_proxies: [ unix, 10.0.0.0/8 ] } "
        "]\n"
        "backends: { site: { servers: [ \"http://127.0.0.1:7000\" ] } }\n"
        "routes: [ { path: /*, backend: site } ]\n");
    Site site(gw);
    site.answers = {kOk};
    auto client = gw.Connect(0, UnixPath{""});
    client.Send(Get("/a", fields));
    ASSERT_EQ(site.requests.size(), 1u);
    EXPECT_NE(site.requests[0].find("\r\n" + there), std::string::npos) << site.requests[0];
    EXPECT_EQ(site.requests[0].find(gone), std::string::npos) << site.requests[0];
  }
}

TEST(Proxy, DisagreeingProxyHeadersAreLogged) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk};
  auto client = gw.Connect(0, Address("10.1.2.3:999"));
  client.Send(Get("/a", "Forwarded: for=203.0.113.7\r\nX-Forwarded-For: 6.6.6.6\r\n"));
  EXPECT_EQ(gw.log().Last("proxy headers disagree", "believed"), "203.0.113.7 instead of 6.6.6.6");
}

TEST(Proxy, ARouteCanOmitForwardingHeaders) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk};
  auto client = gw.Connect();
  client.Send(Get("/own-host"));
  ASSERT_EQ(site.requests.size(), 1u);
  EXPECT_NE(site.requests[0].find("Host: 127.0.0.1:7000\r\n"), std::string::npos);
  EXPECT_EQ(site.requests[0].find("Forwarded"), std::string::npos);
  EXPECT_EQ(site.requests[0].find("Via"), std::string::npos);
}

TEST(Proxy, LocationsAndCookiesAreRewritten) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {
      "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:7000/next\r\n"
      "Set-Cookie: a=b; Domain=.Internal.example; Path=/app/x; HttpOnly\r\nSet-Cookie: "
      "c=d\r\nContent-Length: 0\r\n\r\n"};
  auto client = gw.Connect();
  client.Send(Get("/rewrite"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.Get("Location"), "https://shop.example/next");
  std::vector<std::string> cookies;
  for (const auto& [name, value] : head.headers) {
    if (name == "Set-Cookie") cookies.push_back(value);
  }
  EXPECT_EQ(cookies,
            (std::vector<std::string>{"a=b; Domain=shop.example; Path=/x; HttpOnly", "c=d"}));
}

TEST(Proxy, TheRoutesCorsFieldsReplaceTheServers) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {
      "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Max-Age: "
      "9\r\nContent-Length: 0\r\n\r\n"};
  auto client = gw.Connect();
  client.Send(Get("/cors", "Origin: https://a.example\r\n"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.Get("Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_FALSE(head.Get("Access-Control-Max-Age"));
  EXPECT_EQ(head.Get("Vary"), "Origin");
  client.Send(Get("/cors", "Origin: https://b.example\r\n"));
  EXPECT_EQ(client.Head().status, 403);
}

constexpr std::string_view kSaysUpgrade =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n";

// Like a proxy in front that sets Upgrade on all requests.
TEST(Proxy, AnOrdinaryRequestMaySayUpgrade) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = std::vector<std::string>(6, kOk);
  auto client = gw.Connect();
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  const std::string says(kSaysUpgrade);
  std::vector<std::string> requests{Get("/page", says), Get("/page", says + version),
                                    Get("/page", says + key)};
  for (const std::string method : {"POST", "PUT", "DELETE"}) {
    requests.push_back(method + " /api HTTP/1.1\r\nHost: a\r\n" + says + key + version +
                       "Content-Length: 4\r\n\r\nbody");
  }
  for (const std::string& request : requests) {
    SCOPED_TRACE(request);
    client.Send(request);
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(client.Body(head), "hello");
    EXPECT_NE(head.Get("Connection"), "close");
    ASSERT_FALSE(site.requests.empty());
    EXPECT_EQ(site.requests.back().find("pgrade"), std::string::npos) << site.requests.back();
  }
}

TEST(Proxy, AnUpgradeToAnotherProtocolIsIgnored) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk, kOk, kOk};
  auto client = gw.Connect();
  const std::string h2c =
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
  client.Send(Get("/a", h2c) + "POST /b HTTP/1.1\r\nHost: a\r\n" + h2c +
              "Content-Length: 4\r\n\r\nbody" +
              Get("/c", "Upgrade: TLS/1.2\r\nConnection: upgrade\r\nHTTP2-Settings: x\r\n"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Body(client.Head()), "hello");
  ASSERT_EQ(site.requests.size(), 3u);
  for (const std::string& request : site.requests) {
    for (const std::string_view gone : {"pgrade", "HTTP2", "h2c"})
      EXPECT_EQ(request.find(gone), std::string::npos) << request;
  }
}

TEST(Proxy, RequestsWithoutARouteKeepTheirConnectionToo) {
  TestGateway gw(
      "backends: { site: { servers: [ \"http://127.0.0.1:7000\" ] } }\n"
      "routes: [ { path: /a, backend: site }, { path: /echo, plugin: echo } ]\n");
  auto client = gw.Connect();
  client.Send(Get("/nowhere", kSaysUpgrade) +
              Get("/nowhere", "Upgrade: h2c\r\nConnection: upgrade\r\n"));
  for (int i = 0; i < 2; ++i) {
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 404);
    (void)client.Body(head);
  }
  // On a WebSocket-only route, the answer says what is wrong.
  client.Send(Get("/echo", "Upgrade: h2c\r\nConnection: upgrade\r\n"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 426);
  (void)client.Body(head);
  client.Send("POST /echo HTTP/1.1\r\nHost: a\r\n" + std::string(kSaysUpgrade) + "\r\n");
  EXPECT_EQ(client.Head().status, 405);
}

TEST(Proxy, HeadHasTheLengthButNoBody) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", kOk};
  auto client = gw.Connect();
  client.Send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/a"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.Get("Content-Length"), "500");
  const ResponseHead second = client.Head();
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(client.Body(second), "hello");
}

TEST(Proxy, HeadOfAnAnswerWithoutALengthHasNoneEither) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n", kOk};
  auto client = gw.Connect();
  client.Send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /b HTTP/1.1\r\nHost: a\r\n\r\n" + Get("/c"));
  for (int i = 0; i < 2; ++i) {
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 200);
    EXPECT_FALSE(head.Get("Content-Length"));
  }
  EXPECT_EQ(client.Body(client.Head()), "hello");
}

TEST(Proxy, ExpectIsIgnoredInHttp10) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {"HTTP/1.1 100 Continue\r\n\r\n" + kOk};
  auto client = gw.Connect();
  client.Send(
      "POST /a HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
  ASSERT_EQ(site.requests.size(), 1u);
  EXPECT_EQ(site.requests[0].find("Expect"), std::string::npos);
  EXPECT_EQ(client.Head().status, 200);
}

TEST(Proxy, NoForwardedHostIsInventedForAClientWithoutHost) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk};
  auto client = gw.Connect(0, Address("127.0.0.9:999"));
  client.Send("GET /a HTTP/1.0\r\n\r\n");
  ASSERT_EQ(site.requests.size(), 1u);
  EXPECT_EQ(site.requests[0].find("X-Forwarded-Host"), std::string::npos) << site.requests[0];
  EXPECT_NE(site.requests[0].find("\r\nForwarded: for=127.0.0.9;proto=http\r\n"), std::string::npos)
      << site.requests[0];
}

TEST(Proxy, AnswersVaryByOriginOnlyWhereTheRouteJudgesIt) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk, kOk};
  auto client = gw.Connect();
  client.Send(Get("/a", "Origin: https://b.example\r\n"));
  EXPECT_FALSE(client.Head().Get("Vary"));
}

TEST(Proxy, ContinueIsTheServersDecision) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  ASSERT_EQ(server.size(), 1u);
  EXPECT_NE(server[0].TakeReceived().find("Expect: 100-continue\r\n"), std::string::npos);
  EXPECT_EQ(client.Head().status, 0);
  server[0].Send("HTTP/1.1 100 Continue\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 100);
  client.Send("body");
  EXPECT_EQ(server[0].TakeReceived(), "body");
  server[0].Send(kOk);
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 200);

  auto refused = gw.Connect();
  refused.Send("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  server[server.size() - 1].Send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(refused.Head().status, 413);
}

TEST(Proxy, EarlyHintsPass) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + kOk};
  auto client = gw.Connect();
  client.Send(Get("/a"));
  const ResponseHead hints = client.Head();
  EXPECT_EQ(hints.status, 103);
  EXPECT_EQ(hints.Get("Link"), "</a.css>");
  EXPECT_EQ(client.Head().status, 200);
}

TEST(Proxy, EventsArriveWithoutDelay) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Get("/events"));
  server[0].Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 200);
  for (int i = 0; i < 3; ++i) {
    server[0].Send("data: x\n\n");
    gw.loop().RunUntilIdle();
    EXPECT_NE(client.peer().TakeReceived().find("data: x\n\n"), std::string::npos);
    gw.loop().Advance(4s);
  }
}

// ---- errors

struct WrongAnswer {
  std::string_view name;
  std::string answer;
  bool close;
  int status;  // 0: the response has begun, and is truncated so that the client notices
};

TEST(Proxy, InvalidResponsesAreA502OrAVisibleTruncation) {
  for (const WrongAnswer& c : {
           WrongAnswer{"nothing", "", true, 502},
           WrongAnswer{"garbage", "nonsense\r\n\r\n", false, 502},
           WrongAnswer{"two lengths",
                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", false,
                       502},
           WrongAnswer{"both framings",
                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n0\r\n\r\n",
                       false, 502},
           WrongAnswer{"endless head", "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x'), false,
                       502},
           WrongAnswer{
               "unasked 101",
               "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false,
               502},
           WrongAnswer{"half a head", "HTTP/1.1 200 OK\r\nContent-", true, 502},
           WrongAnswer{"short body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true, 0},
           WrongAnswer{"cut chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                       true, 0},
           WrongAnswer{"bad chunk",
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n",
                       false, 0},
       }) {
    SCOPED_TRACE(c.name);
    TestGateway gw(kConfig);
    Site site(gw);
    site.answers = {c.answer};
    if (c.close) site.after = [](TestPeer& peer) { peer.Shutdown(); };
    auto client = gw.Connect();
    client.Send(Get("/a"));
    const ResponseHead head = client.Head();
    if (c.status != 0) {
      EXPECT_EQ(head.status, c.status);
      continue;
    }
    EXPECT_EQ(head.status, 200);
    EXPECT_TRUE(client.peer().error().has_value());
  }
}

TEST(Proxy, ABodyThatIsTooLongIsTruncatedAndTheConnectionNotReused) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk + "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!", kOk};
  auto client = gw.Connect();
  client.Send(Get("/a"));
  EXPECT_EQ(client.Body(client.Head()), "hello");
  client.Send(Get("/b"));
  EXPECT_EQ(client.Body(client.Head()), "hello");
  EXPECT_EQ(site.server().size(), 2u);
}

TEST(Proxy, AStaleConnectionIsReplacedForSafeRequestsOnly) {
  for (const std::string_view method : {"GET", "POST"}) {
    TestGateway gw(kConfig);
    Site site(gw);
    site.answers = {kOk, "", kOk};
    auto client = gw.Connect();
    client.Send(Get("/a"));
    EXPECT_EQ(client.Body(client.Head()), "hello");
    // The second request on the connection gets no response but a reset.
    site.after = [&site](TestPeer& peer) {
      if (site.requests.size() == 2) peer.Reset();
    };
    client.Send(std::string(method) + " /b HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.Head().status, method == "GET" ? 200 : 502);
    EXPECT_EQ(site.server().size(), method == "GET" ? 2u : 1u);
  }
}

TEST(Proxy, IdleConnectionsAreClosed) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {kOk, kOk, kOk};
  auto client = gw.Connect();
  client.Send(Get("/a"));
  client.Head();
  gw.loop().Advance(31s);
  EXPECT_TRUE(site.server()[0].done());
  client.Send(Get("/a"));
  EXPECT_EQ(site.server().size(), 2u);
  site.server()[1].Shutdown();
  gw.loop().RunUntilIdle();
  client.Send(Get("/a"));
  EXPECT_EQ(site.server().size(), 3u);
}

TEST(Proxy, ASilentServerIsA504) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Get("/a"));
  gw.loop().Advance(9s);
  EXPECT_EQ(client.Head().status, 0);
  gw.loop().Advance(1s);
  EXPECT_EQ(client.Head().status, 504);
  EXPECT_TRUE(server[0].done());
}

TEST(Proxy, AnAnswerThatStopsIsCutOff) {
  TestGateway gw(kConfig);
  Site site(gw);
  site.answers = {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"};
  auto client = gw.Connect();
  client.Send(Get("/a"));
  gw.loop().Advance(11s);
  EXPECT_EQ(client.Head().status, 200);
  EXPECT_TRUE(client.peer().error().has_value());
}

TEST(Proxy, AClientThatLeavesAbortsTheRequest) {
  TestGateway gw(kConfig);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Get("/a"));
  ASSERT_EQ(server.size(), 1u);
  EXPECT_FALSE(server[0].done());
  client.peer().Reset();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(server[0].done());
}

TEST(Proxy, NoServerIsA502) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  client.Send(Get("/a"));
  EXPECT_EQ(client.Head().status, 502);
}

// ---- backpressure

TEST(Proxy, SlowClientsDelayTheResponseAndSlowServersTheRequest) {
  {
    TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    auto client = gw.Connect();
    client.Send(Get("/a"));
    client.peer().Stall();
    const std::string body(4 << 20, 'b');
    server[0].Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                   "\r\n\r\n" + body);
    gw.loop().RunUntilIdle();
    EXPECT_GT(server[0].stream()->queued(), 3u << 20);
    client.peer().Resume();
    gw.loop().RunUntilIdle();
    EXPECT_TRUE(client.Body(client.Head()) == body);
  }
  {
    TestGateway gw(kConfig, {.send_buffer = 64 * 1024});
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    server.OnConnection([](TestPeer& peer) { peer.Stall(); });
    auto client = gw.Connect();
    const std::string body(4 << 20, 'u');
    client.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    EXPECT_GT(client.peer().stream()->queued(), 3u << 20);
    server[0].Resume();
    gw.loop().RunUntilIdle();
    EXPECT_TRUE(server[0].TakeReceived().ends_with(body));
  }
}

TEST(Proxy, SurvivesAFailureOfEveryOperation) {
  const auto scenario = [](std::uint64_t fail_at) {
    TestGateway gw(kConfig, {.read_chunk = 100});
    if (fail_at != 0) gw.network().FailOperation(fail_at);
    Site site(gw);
    site.answers.assign(8, kOk);
    auto client = gw.Connect();
    client.Send(Get("/a"));
    client.Send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" +
                std::string(300, 'x'));
    client.Send(Get("/a"));
    client.peer().Shutdown();
    gw.loop().Advance(2min);
    EXPECT_EQ(gw.front().connections(), 0u) << "failing operation " << fail_at;
    return gw.network().operations();
  };
  const std::uint64_t operations = scenario(0);
  EXPECT_GT(operations, 8u);
  for (std::uint64_t n = 1; n <= operations; ++n) scenario(n);
}

}  // namespace
}  // namespace upgate::test::proxy_test
