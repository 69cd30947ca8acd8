#include "gateway/upgrade/rewriter.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "gateway/http/target.h"
#include "gateway/upgrade/decision.h"
#include "gateway/upgrade/proxy_headers.h"

namespace upgate::upgrade {
namespace {

std::shared_ptr<const config::Config> ConfigOf(const std::string& route) {
  auto config = config::Parse(
      "listeners: [ { address: a:1 } ]\nbackends: { site: { servers: [ http://a:1 ] } }\n"
      "routes: [ { backend: site, " +
          route + " } ]\n",
      "t.yaml", [](const char*) -> const char* { return nullptr; });
  if (!config) throw std::runtime_error(config::ToString("t.yaml", config.error().front()));
  return *config;
}

http::Request RequestFor(std::string_view target) {
  http::Request request;
  request.method = "GET";
  auto read = http::ParseTarget("GET", target);
  if (!read) throw std::runtime_error(read.error().reason);
  request.target = std::move(*read);
  request.target.authority = request.target.host = "client.example";
  return request;
}

// One route and what it makes of a request.
class Case {
 public:
  explicit Case(const std::string& route)
      : config_(ConfigOf(route)), rewriter_(Rewriter::For(config_->routes[0])) {}

  VariableSource Source(const http::Request& request) {
    return {.request = request, .seen = seen, .peer = peer, .tls = &tls, .session = session};
  }
  // The request line's target; "400" if it is refused.
  std::string Target(std::string_view target) {
    const http::Request request = RequestFor(target);
    const auto rewritten = rewriter_->ToServer(Source(request));
    if (!rewritten) return "400";
    const auto out = ToServer(request, request.headers, config_->routes[0],
                              config_->backends.at("site").servers[0], seen, {}, peer, &*rewritten);
    return out.target;
  }
  // All of the fields for the server.
  std::string Fields(http::Headers sent, std::string_view target = "/") {
    http::Request request = RequestFor(target);
    request.headers = std::move(sent);
    const auto rewritten = rewriter_->ToServer(Source(request));
    if (!rewritten) return "400";
    return std::string(ToServer(request, request.headers, config_->routes[0],
                                config_->backends.at("site").servers[0], seen, {}, peer,
                                &*rewritten)
                           .headers.text());
  }
  http::Headers Answer(http::Headers fields, std::string_view target = "/") {
    const http::Request request = RequestFor(target);
    rewriter_->ToClient(Source(request)).Apply(fields);
    return fields;
  }

  route::SeenAs seen{
      .scheme = "https", .host = "client.example", .port = 443, .client = "192.0.2.7:4000"};
  SocketAddress peer = IpPort{*Ip::Parse("192.0.2.7"), 4000};
  io::TlsInfo tls{.version = "",
                  .cipher = "",
                  .server_name = "sni.example",
                  .client_subject = "",
                  .client_name = "",
                  .protocol = ""};
  std::uint64_t session = 0;

 private:
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const Rewriter> rewriter_;
};

std::string Text(const http::Headers& headers) {
  std::string text;
  for (const auto& header : headers) text += header.name + ": " + header.value + "\n";
  return text;
}

TEST(RewriterTest, ThereIsNoneForARouteThatChangesNothing) {
  EXPECT_EQ(Rewriter::For(ConfigOf("path: /*")->routes[0]), nullptr);
  EXPECT_EQ(Rewriter::For(ConfigOf("path: /*, rewrite: { }")->routes[0]), nullptr);
}

TEST(RewriterTest, CertificatesOfClients) {
  Case at("path: /*, forwarded: false, client_cert_headers: [ client-cert, x-ssl-client ]");
  http::Headers forged;
  forged.Add("Client_Cert", ":Zm9yZ2Vk:");
  forged.Add("X-SSL-Client-Verify", "SUCCESS");
  forged.Add("x-ssl-client-s-dn", "CN=root");
  at.seen.by_trusted_proxy = true;  // whose fields would go on otherwise
  EXPECT_EQ(at.Fields(forged), "Host: client.example\r\nX-SSL-Client-Verify: NONE\r\n");
  at.tls.client_subject = "CN=alice,O=Example";
  at.tls.client_name = "alice";
  at.tls.client_certificate = std::make_shared<const io::PeerCertificate>(
      io::PeerCertificate{.der = std::string(50, '\xff'),
                          .issuer = "CN=CA",
                          .serial = "0A",
                          .sha256 = "beef",
                          .names = {"DNS:a.example", "URI:spiffe://example.org/a"}});
  const std::string base64 = std::string(66, '/') + "8=";
  EXPECT_EQ(
      at.Fields(forged),
      "Host: client.example\r\nClient-Cert: :" + base64 +
          ":\r\n"
          "X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-DN: CN=alice,O=Example\r\n"
          "X-SSL-Client-CN: alice\r\nX-SSL-Client-Issuer: CN=CA\r\n"
          "X-SSL-Client-Serial: 0A\r\n"
          "X-SSL-Client-SAN: DNS:a.example,URI:spiffe://example.org/a\r\n"
          "X-SSL-Client-SHA256: beef\r\n"
          "X-SSL-Client-Cert: -----BEGIN%20CERTIFICATE-----%0A" +
          [] {
            std::string escaped;
            for (int i = 0; i < 64; ++i) escaped += "%2F";
            return escaped + "%0A%2F%2F8%3D%0A";
          }() +
          "-----END%20CERTIFICATE-----%0A\r\n");
}

TEST(RewriterTest, StripPrefix) {
  Case at("path: /m/*, strip_prefix: /m");
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"/m", "/"},
                                                        {"/m/", "/"},
                                                        {"/m/x/y", "/x/y"},
                                                        {"/m/x?q=1", "/x?q=1"},
                                                        {"/m?q", "/?q"},
                                                        {"/m?", "/?"},
                                                        {"/%6d/x%20y%2Fz", "/x%20y%2Fz"},
                                                        {"/m/../m/x", "/x"},
                                                        {"/m//evil.example/x", "/evil.example/x"},
                                                        {"/m///x//y", "/x//y"},
                                                        {"/m/%2Fx", "/%2Fx"},
                                                        {"/m/\xc3\xa4", "/%C3%A4"}}) {
    EXPECT_EQ(at.Target(from), to) << from;
  }
  Case deep("path: /a/b/*, strip_prefix: /a/b");
  EXPECT_EQ(deep.Target("/a/%62/c"), "/c");
  EXPECT_EQ(deep.Target("/a/b"), "/");
}

TEST(RewriterTest, RewritePathByAnExpressionOfItsOwn) {
  Case at("path: /*, rewrite_path: { regex: '^/old/([^/]+)/', to: '/new/{capture.1}/v1/' }");
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"/old/x/y", "/new/x/v1/y"},
                                                        {"/old/x/y?a=b", "/new/x/v1/y?a=b"},
                                                        {"/old/x%20y/z", "/new/x%20y/v1/z"},
                                                        {"/%6fld/x/y", "/new/x/v1/y"},
                                                        {"/old/x%2Fy/z", "/new/x%2Fy/v1/z"},
                                                        {"/old/x", "/old/x"},
                                                        {"/other", "/other"},
                                                        {"/old/x//y", "/new/x/v1/y"}}) {
    EXPECT_EQ(at.Target(from), to) << from;
  }
  Case suffix("path: /*, rewrite_path: { regex: '\\.htm$', to: .html }");
  EXPECT_EQ(suffix.Target("/a/b.htm"), "/a/b.html");
  EXPECT_EQ(suffix.Target("/a/b.html"), "/a/b.html");
}

TEST(RewriterTest, RewritePathByTheCapturesOfTheRoute) {
  Case at(
      "path: '~^/u/([^/]+)/(.*)$', rewrite_path: { to: '/users/{capture.1}/files/{capture.2}' }");
  EXPECT_EQ(at.Target("/u/ann/a/b%20c?d"), "/users/ann/files/a/b%20c?d");
  EXPECT_EQ(at.Target("/u/%C3%A4/x"), "/users/%C3%A4/files/x");
  // Percent signs are neither lost nor doubled.
  EXPECT_EQ(at.Target("/u/100%25/x"), "/users/100%25/files/x");
  EXPECT_EQ(at.Target("/u/a%252Fb/x"), "/users/a%252Fb/files/x");
  EXPECT_EQ(at.Target("/u/ann//x"), "/users/ann/files/x");
}

TEST(RewriterTest, NoCaptureLeavesTheFolder) {
  Case at("path: '~^/f(.*)$', rewrite_path: { to: '/pub/{capture.1}' }");
  EXPECT_EQ(at.Target("/f/a"), "/pub/a");
  EXPECT_EQ(at.Target("/f//a"), "/pub/a");
  EXPECT_EQ(at.Target("/f.."), "400");
  EXPECT_EQ(at.Target("/f../secret"), "400");
  EXPECT_EQ(at.Target("/f%2e%2e/secret"), "400");
  EXPECT_EQ(at.Target("/f."), "400");
  // Whatever a server makes of escapes and parameters.
  EXPECT_EQ(at.Target("/f..%2Fsecret"), "400");
  EXPECT_EQ(at.Target("/f..%5Csecret"), "400");
  EXPECT_EQ(at.Target("/f..;a/secret"), "400");
  EXPECT_EQ(at.Target("/f/a/..%2F..%2Fsecret"), "400");
  EXPECT_EQ(at.Target("/f/a%2F../secret"), "/pub/a%2F../secret");
  EXPECT_EQ(at.Target("/f/a%2Fb"), "/pub/a%2Fb");
  EXPECT_EQ(at.Target("/f/a;b/c"), "/pub/a;b/c");
}

TEST(RewriterTest, CapturesWithinAnEscapeAreRefused) {
  Case at("path: /*, rewrite_path: { regex: '^/a(..)', to: '/b/{capture.1}/' }");
  EXPECT_EQ(at.Target("/axy/c"), "/b/xy/c");
  EXPECT_EQ(at.Target("/a%20x/c"), "/b/%20x/c");
  // The match ends in the middle of %2F, which is never decoded: nothing is replaced.
  EXPECT_EQ(at.Target("/a%2Fx"), "/a%2Fx");
}

TEST(RewriterTest, NeitherIsTheAsteriskOfOptions) {
  Case at("path: /*, rewrite_path: { regex: '^', to: /x }");
  http::Request request;
  request.method = "OPTIONS";
  request.target = *http::ParseTarget("OPTIONS", "*");
  Case stripped("path: /m/*, strip_prefix: /m");
  const auto rewritten = Rewriter(ConfigOf("path: /m/*, strip_prefix: /m")->routes[0])
                             .ToServer(stripped.Source(request));
  EXPECT_EQ(rewritten->target, "*");
}

TEST(RewriterTest, RewriteQuery) {
  Case at(
      "path: /*, rewrite_query: { set: { from: \"{client}\", x: 'a b&c' }, remove: [ debug ] }");
  EXPECT_EQ(at.Target("/p"), "/p?from=192.0.2.7&x=a%20b%26c");
  EXPECT_EQ(at.Target("/p?debug=1&y=2&from=evil&%66rom=evil&debug"),
            "/p?y=2&from=192.0.2.7&x=a%20b%26c");
  Case removed("path: /*, rewrite_query: { remove: [ a ] }");
  EXPECT_EQ(removed.Target("/p?a=1"), "/p");
  EXPECT_EQ(removed.Target("/p?b=%20&a=1&c"), "/p?b=%20&c");
}

TEST(RewriterTest, HostOfTheServer) {
  Case at("path: /*, rewrite_host: 'app.internal:81', forwarded: false");
  EXPECT_EQ(at.Fields({{"Host", "client.example"}}), "Host: app.internal:81\r\n");
}

TEST(RewriterTest, RequestHeaders) {
  Case at(
      "path: '~^/(.)(.*)', forwarded: false, request_headers: { set: { X-Client: \"{client}\", "
      "X-Facts: \"{client_port} {host} {path} {route} {tls.sni} {capture.2}\" }, "
      "add: { X-Tag: one }, remove: [ X-Debug ] }");
  EXPECT_EQ(at.Fields({{"x-client", "forged"},
                       {"X_Client", "forged"},
                       {"X-Tag", "zero"},
                       {"x-debug", "1"},
                       {"X-Keep", "2"}},
                      "/a%20b?q"),
            "Host: client.example\r\nX-Tag: zero\r\nX-Keep: 2\r\nX-Client: 192.0.2.7\r\n"
            "X-Facts: 4000 client.example /a%20b ~^/(.)(.*) sni.example %20b\r\n"
            "X-Tag: one\r\n");
}

TEST(RewriterTest, WhatTheGatewaySaysOfClientsCanBeChanged) {
  Case at(
      "path: /*, request_headers: { set: { X-Forwarded-Proto: ftp }, remove: [ Via, Forwarded ] }");
  at.seen.authority = "client.example";
  EXPECT_EQ(at.Fields({{"X-Forwarded-Proto", "forged"}}),
            "Host: client.example\r\nX-Forwarded-For: 192.0.2.7\r\n"
            "X-Forwarded-Host: client.example\r\nX-Forwarded-Proto: ftp\r\n");
}

TEST(RewriterTest, WhatIsEmptyOrCannotBeSentIsNoField) {
  Case at(
      "path: /*, forwarded: false, request_headers: { set: { X-User: \"{user}\", X-Session: "
      "\"{session}\", X-Sni: \"{tls.sni}\" } }");
  EXPECT_EQ(at.Fields({{"X-User", "admin"}, {"X-Session", "7"}}),
            "Host: client.example\r\nX-Sni: sni.example\r\n");
  at.session = 12;
  for (const char* sni : {"a\r\nX-Evil: 1", "a\nb", "a\rb",
                          "a\x01"
                          "b"}) {
    at.tls.server_name = sni;
    EXPECT_EQ(at.Fields({{"X-Sni", "forged"}}), "Host: client.example\r\nX-Session: 12\r\n");
  }
  at.tls.server_name = std::string("a\0b", 3);
  EXPECT_EQ(at.Fields({}), "Host: client.example\r\nX-Session: 12\r\n");
}

TEST(RewriterTest, ControlCharactersOfThePathStayEncoded) {
  Case at(
      "path: '~(?s)^/(.*)$', forwarded: false, request_headers: { set: { X: \"{path} {capture.1}\" "
      "} "
      "}");
  EXPECT_EQ(at.Fields({}, "/a%0D%0AX-Evil:%201%00"),
            "Host: client.example\r\nX: /a%0D%0AX-Evil:%201%00 a%0D%0AX-Evil:%201%00\r\n");
}

TEST(RewriterTest, TheClientBehindAProxyHasNoPort) {
  Case at(
      "path: /*, forwarded: false, request_headers: { set: { X: \"[{client}]{client_port}\" } }");
  at.seen.client = "2001:db8::9";
  EXPECT_EQ(at.Fields({}), "Host: client.example\r\nX: [2001:db8::9]\r\n");
  at.seen.client = "[2001:db8::1]:99";
  at.peer = IpPort{*Ip::Parse("2001:db8::1"), 99};
  EXPECT_EQ(at.Fields({}), "Host: client.example\r\nX: [2001:db8::1]99\r\n");
}

TEST(RewriterTest, ResponseHeaders) {
  Case at(
      "path: /*, response_headers: { set: { X-Frame-Options: DENY }, add: { X-Tag: b }, "
      "remove: [ X-Powered-By ] }");
  EXPECT_EQ(Text(at.Answer({{"x-frame-options", "ALLOW"},
                            {"X-Tag", "a"},
                            {"x-powered-by", "PHP"},
                            {"Content-Type", "text/html"}})),
            "X-Tag: a\nContent-Type: text/html\nX-Frame-Options: DENY\nX-Tag: b\n");
}

TEST(ShareOfTest, OneClientStaysAndMostGoByWeight) {
  const std::vector<config::Share> split{{"a", 95}, {"b", 5}};
  const std::vector<config::Share> more{{"a", 90}, {"b", 10}};
  std::size_t of_b = 0;
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 100; ++j) {
      const std::string ip = "10.7." + std::to_string(i) + "." + std::to_string(j);
      const std::size_t share = ShareOf(ip + ":4000", split);
      EXPECT_EQ(ShareOf(ip + ":4001", split), share);
      EXPECT_EQ(ShareOf(ip, split), share);
      // Whoever was on b stays there when b gets more.
      if (share == 1) {
        EXPECT_EQ(ShareOf(ip, more), 1u);
      }
      of_b += share;
    }
  }
  EXPECT_GT(of_b, 400u);
  EXPECT_LT(of_b, 600u);
  EXPECT_EQ(ShareOf("unix:/x", {{"a", 0}, {"b", 1}}), 1u);
}

}  // namespace
}  // namespace upgate::upgrade
