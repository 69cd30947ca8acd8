// What a front door has for all of HTTP: ids, HSTS, redirects to https, limits on bodies,
// compression and error pages.
#include <zlib.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "gateway/upgrade/request_ids.h"
#include "tests/pipeline/test_gateway.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::hygiene_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
listeners:
  - { address: "127.0.0.1:80", trusted_proxies: [ 127.0.0.9 ], hsts: { max_age: 8760h, include_subdomains: true } }
  - { address: "127.0.0.1:81", redirect_https: true, trusted_proxies: [ 127.0.0.9 ] }
  - { address: "127.0.0.1:82", redirect_https: 8443 }
http: { request_id: true, traceparent: true }
log: { requests: all }
backends:
  web: { servers: [ "http://127.0.0.1:7000" ] }
routes:
  - { path: /web/*, backend: web, limits: { body_size: 10B } }
  - { path: /packed/*, backend: web, compress_http: { min_size: 100B } }
  - { path: /numbers, plugin: stats, compress_http: true }
  - { path: /echo, plugin: echo, limits: { ping_interval: 0s } }
)";

constexpr std::string_view kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string Gunzip(std::string_view packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

class HygieneTest : public testing::Test {
 protected:
  HygieneTest() : server_(gw_.network(), Address("127.0.0.1:7000")) {}

  struct Answer {
    ResponseHead head;
    std::string body;
  };
  // One request on a connection of its own; the server answers with `reply`.
  Answer Ask(std::string_view request, std::string_view reply = {}, std::size_t listener = 0,
             std::string_view from = "192.0.2.1:5") {
    GatewayClient client = gw_.Connect(listener, Address(std::string(from)));
    client.Send(request);
    if (!reply.empty() && server_.size() > 0) {
      asked_ = server_[server_.size() - 1].TakeReceived();
      server_[server_.size() - 1].Send(reply);
      gw_.loop().RunUntilIdle();
    }
    Answer answer;
    answer.head = client.Head();
    answer.body = client.Body(answer.head);
    client.peer().Close();
    gw_.loop().RunUntilIdle();
    return answer;
  }
  static std::string Get(std::string_view path, std::string_view extra = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a.example\r\n" + std::string(extra) +
           "\r\n";
  }
  static std::string Reply(std::string_view fields, std::string_view body) {
    return "HTTP/1.1 200 OK\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

  TestGateway gw_{kConfig};
  TestServer server_;
  std::string asked_;  // by the gateway
};

TEST_F(HygieneTest, EveryRequestHasAnId) {
  const Answer answer = Ask(Get("/web/a"), Reply("X-Request-ID: theirs\r\n", "ok"));
  const std::string id = answer.head.Get("X-Request-ID").value_or("");
  EXPECT_EQ(id.size(), 32u);
  EXPECT_NE(asked_.find("X-Request-ID: " + id + "\r\n"), std::string::npos);
  EXPECT_EQ(gw_.log().Last("request", "request_id"), id);
  const std::size_t at = asked_.find("traceparent: 00-");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(gw_.log().Last("request", "trace_id"), asked_.substr(at + 16, 32));
  EXPECT_NE(Ask(Get("/nowhere")).head.Get("X-Request-ID").value_or(id), id)
      << "without a route, too";
}

TEST_F(HygieneTest, IdsOfTrustedProxiesAreKept) {
  const std::string ids =
      "X-Request-ID: abc-1\r\ntraceparent: " + std::string(kTrace) + "\r\ntracestate: a=1\r\n";
  const Answer answer = Ask(Get("/web/a", ids), Reply("", "ok"), 0, "127.0.0.9:5");
  EXPECT_EQ(answer.head.Get("X-Request-ID"), "abc-1");
  EXPECT_NE(asked_.find("X-Request-ID: abc-1\r\n"), std::string::npos);
  EXPECT_NE(asked_.find("traceparent: " + std::string(kTrace) + "\r\n"), std::string::npos);
  EXPECT_NE(asked_.find("tracestate: a=1\r\n"), std::string::npos);
  EXPECT_EQ(gw_.log().Last("request", "trace_id"), "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(HygieneTest, IdsOfOthersAreRemovedInAnySpelling) {
  const std::string ids =
      "X-Request-ID: abc-1\r\nx-request.id: abc-2\r\ntraceparent: " + std::string(kTrace) +
      "\r\ntracestate: a=1\r\n";
  const Answer answer = Ask(Get("/web/a", ids), Reply("", "ok"));
  EXPECT_EQ(answer.head.Get("X-Request-ID").value_or("").size(), 32u);
  for (const std::string_view text : {"abc-1", "abc-2", "0af765", "a=1"})
    EXPECT_EQ(asked_.find(text), std::string::npos) << text;
  EXPECT_FALSE(gw_.log().Mentions("abc-1"));
}

TEST_F(HygieneTest, NoClientKeepsTheIdsFromTheServer) {
  const Answer answer =
      Ask(Get("/web/a", "Connection: x-request-id, X-Mine, traceparent\r\nX-Mine: 1\r\n"),
          Reply("", "ok"));
  const std::string id = answer.head.Get("X-Request-ID").value_or("");
  EXPECT_NE(asked_.find("X-Request-ID: " + id + "\r\n"), std::string::npos) << asked_;
  EXPECT_NE(asked_.find("traceparent: 00-"), std::string::npos) << asked_;
  EXPECT_EQ(asked_.find("X-Mine"), std::string::npos) << asked_;
}

TEST_F(HygieneTest, IdsInTrailersAreRemoved) {
  const Answer answer =
      Ask("PUT /web/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Request-ID: "
          "abc-1\r\nx.request.id: abc-2\r\ntraceparent: abc-3\r\ntracestate: a=1\r\nX-T: 1\r\n\r\n",
          Reply("", "ok"));
  EXPECT_TRUE(asked_.ends_with("\r\n\r\n0\r\nX-T: 1\r\n\r\n")) << asked_;
}

TEST_F(HygieneTest, SessionsKeepTheIdOfTheirHandshake) {
  GatewayClient client = gw_.Connect();
  const ResponseHead head = client.Upgrade("/echo");
  ASSERT_EQ(head.status, 101);
  const std::string id = head.Get("X-Request-ID").value_or("");
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(gw_.log().Last("session open", "request_id"), id);
  client.peer().Close();
  gw_.loop().Advance(10s);
  EXPECT_EQ(gw_.log().Last("session close", "request_id"), id);
  EXPECT_EQ(gw_.log().Last("session close", "origin"), "");
}

TEST(RequestIds, OnlyValidOnesAreTaken) {
  using namespace upgrade;
  EXPECT_TRUE(IsRequestId("7f3c-Ab_.:/+=@"));
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\"b"), std::string(129, 'a')})
    EXPECT_FALSE(IsRequestId(bad));
  EXPECT_TRUE(IsTraceparent(kTrace));
  EXPECT_TRUE(IsTraceparent("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more"));
  for (const std::string_view bad :
       {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", "", "00"})
    EXPECT_FALSE(IsTraceparent(bad)) << bad;
}

TEST_F(HygieneTest, HstsIsForHttpsOnly) {
  EXPECT_EQ(Ask(Get("/nowhere")).head.Get("Strict-Transport-Security"), std::nullopt);
  EXPECT_EQ(Ask(Get("/nowhere", "X-Forwarded-Proto: https\r\n"), "", 0, "127.0.0.9:5")
                .head.Get("Strict-Transport-Security"),
            "max-age=31536000; includeSubDomains");
}

TEST_F(HygieneTest, PlainHttpIsRedirected) {
  const Answer get = Ask(Get("/a%20b?c=d"), "", 1);
  EXPECT_EQ(get.head.status, 301);
  EXPECT_EQ(get.head.Get("Location"), "https://a.example/a%20b?c=d");
  const Answer post =
      Ask("POST /x HTTP/1.1\r\nHost: a.example:82\r\nContent-Length: 0\r\n\r\n", "", 2);
  EXPECT_EQ(post.head.status, 308);
  EXPECT_EQ(post.head.Get("Location"), "https://a.example:8443/x");
  EXPECT_EQ(Ask(UpgradeRequest("/echo", "a.example", ""), "", 1).head.status, 301);
  EXPECT_EQ(Ask(Get("/nowhere", "X-Forwarded-Proto: https\r\n"), "", 1, "127.0.0.9:5").head.status,
            404);
  EXPECT_EQ(Ask(Get("/.well-known/acme-challenge/token"), "", 1).head.status, 404)
      << "not redirected";
  EXPECT_EQ(Ask("GET /x HTTP/1.0\r\n\r\n", "", 1).head.status, 400);
}

TEST_F(HygieneTest, LargeBodiesAreRefused) {
  const auto post = [](std::string_view fields, std::string_view body) {
    return "POST /web/a HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
  };
  EXPECT_EQ(Ask(post("Content-Length: 10\r\n", "0123456789"), Reply("", "ok")).head.status, 200);
  const std::size_t before = server_.size();
  EXPECT_EQ(Ask(post("Content-Length: 11\r\n", "01234567890")).head.status, 413);
  EXPECT_EQ(server_.size(), before) << "no server saw it";
  EXPECT_EQ(gw_.route_stats().refusals[static_cast<std::size_t>(stats::Refusal::kBodySize)].Get(),
            1u);
  EXPECT_EQ(Ask(post("Transfer-Encoding: chunked\r\n", "6\r\n012345\r\n5\r\n01234\r\n0\r\n\r\n"))
                .head.status,
            413);
  EXPECT_EQ(
      Ask(post("Transfer-Encoding: chunked\r\n", "a\r\n0123456789\r\n0\r\n\r\n"), Reply("", "ok"))
          .head.status,
      200);
}

TEST_F(HygieneTest, TextIsCompressedForThoseWhoTakeIt) {
  const std::string text = std::string(5000, 'a') + std::string(5000, 'b');
  const std::string fields =
      "Content-Type: text/html; charset=utf-8\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n";
  const Answer packed = Ask(Get("/packed/a", "Accept-Encoding: br, gzip\r\n"), Reply(fields, text));
  EXPECT_EQ(packed.head.Get("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.head.Get("ETag"), "W/\"v1\"");
  EXPECT_EQ(packed.head.Get("Vary"), "Accept-Encoding");
  EXPECT_EQ(packed.head.Get("Accept-Ranges"), std::nullopt);
  EXPECT_EQ(packed.head.Get("Content-Length"), std::nullopt);
  EXPECT_LT(packed.body.size(), 1000u);
  EXPECT_EQ(Gunzip(packed.body), text);
  for (const std::string_view accept :
       {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0, *\r\n",
        "Accept-Encoding: gzip;q=-1\r\n"}) {
    const Answer plain = Ask(Get("/packed/a", accept), Reply(fields, text));
    EXPECT_EQ(plain.head.Get("Content-Encoding"), std::nullopt) << accept;
    EXPECT_EQ(plain.head.Get("Vary"), "Accept-Encoding") << "caches must know";
    EXPECT_EQ(plain.head.Get("ETag"), "\"v1\"");
    EXPECT_EQ(plain.body, text);
  }
}

TEST_F(HygieneTest, SomeBodiesAreLeftAsTheyAre) {
  const std::string text(5000, 'a');
  const auto encoding = [&](std::string_view fields, std::string_view body) {
    return Ask(Get("/packed/a", "Accept-Encoding: gzip\r\n"), Reply(fields, body))
        .head.Get("Content-Encoding");
  };
  EXPECT_EQ(encoding("Content-Type: text/plain\r\n", text), "gzip");
  EXPECT_EQ(encoding("Content-Type: text/plain\r\n", "short"), std::nullopt);
  EXPECT_EQ(encoding("Content-Type: image/png\r\n", text), std::nullopt);
  EXPECT_EQ(encoding("Content-Type: text/plain\r\nContent-Encoding: br\r\n", text), "br");
  EXPECT_EQ(encoding("Content-Type: text/plain\r\nCache-Control: no-transform\r\n", text),
            std::nullopt);
  EXPECT_EQ(encoding("", text), std::nullopt);
  const Answer head =
      Ask("HEAD /packed/a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n");
  EXPECT_EQ(head.head.Get("Content-Encoding"), "gzip");
  EXPECT_EQ(head.head.Get("Content-Length"), std::nullopt);
}

// A stream of events reaches the client as it comes.
TEST_F(HygieneTest, AStreamIsFlushed) {
  GatewayClient client = gw_.Connect();
  client.Send(Get("/packed/a", "Accept-Encoding: gzip\r\n"));
  TestPeer& server = server_[server_.size() - 1];
  server.Send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  gw_.loop().RunUntilIdle();
  const std::size_t head = client.peer().received().size();
  EXPECT_GT(head, 0u);
  server.Send("9\r\ndata: 1\n\n\r\n");
  gw_.loop().RunUntilIdle();
  EXPECT_GT(client.peer().received().size(), head + 9);
  client.peer().Close();
  gw_.loop().RunUntilIdle();
}

TEST_F(HygieneTest, AnswersOfServicesAreCompressedToo) {
  const Answer packed = Ask(Get("/numbers", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(packed.head.Get("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.head.Get("Content-Length"), std::to_string(packed.body.size()));
  EXPECT_EQ(Gunzip(packed.body).front(), '{');
}

TEST(ErrorPages, ReplaceTheGatewaysOwnTexts) {
  const TempFolder folder;
  folder.Write("404.html", "<h1>lost</h1>");
  folder.Write("5xx.html", "<h1>broken</h1>");
  TestGateway gw("errors: { 404: \"" + folder.At("404.html") + "\", 5xx: \"" +
                 folder.At("5xx.html") +
                 "\" }\nbackends: { web: { servers: [ \"http://127.0.0.1:7000\" ] } }\n"
                 "routes: [ { path: /web, backend: web } ]\n");
  const auto ask = [&](std::string_view path, std::string_view accept) {
    GatewayClient client = gw.Connect();
    client.Send("GET " + std::string(path) +
                " HTTP/1.1\r\nHost: a\r\nAccept: " + std::string(accept) + "\r\n\r\n");
    const ResponseHead head = client.Head();
    std::string body = client.Body(head);
    client.peer().Close();
    gw.loop().RunUntilIdle();
    return std::pair(head.status, body);
  };
  EXPECT_EQ(ask("/nowhere", "text/html,*/*"), std::pair(404, std::string("<h1>lost</h1>")));
  EXPECT_EQ(ask("/web", "text/html"), std::pair(502, std::string("<h1>broken</h1>")));
  for (const std::string_view accept : {"application/json", "text/html;q=0, */*"})
    EXPECT_EQ(ask("/nowhere", accept).second, "no route for this host and path\n") << accept;
}

}  // namespace
}  // namespace upgate::test::hygiene_test
