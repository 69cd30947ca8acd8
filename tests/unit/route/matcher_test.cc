#include "gateway/route/matcher.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/config/parse.h"
#include "gateway/http/request_parser.h"
#include "gateway/route/router.h"

namespace upgate::route {
namespace {

constexpr std::string_view kListeners =
    "listeners:\n"
    "  - { address: \"10.0.0.1:80\", name: plain, trusted_proxies: [ 10.0.0.0/8 ] }\n"
    "  - { address: \"10.0.0.1:443\", name: tls, tls: { certificates: [ { cert: a, key: b } ] } "
    "}\n";

struct Asked {
  std::string method = "GET";
  std::string target = "/";
  std::string fields = {};  // whole lines
  std::string from = "192.0.2.7:4000";
  std::size_t listener = 0;
  std::string sni = {};
  std::string version = "TLSv1.3";
};

SocketAddress AddressFrom(const std::string& text) {
  if (text.starts_with("unix:")) return UnixPath{text.substr(5)};
  const auto parsed = HostPort::Parse(text);
  return IpPort{Ip::Parse(parsed->host).value(), parsed->port};
}

http::Request RequestOf(const Asked& asked) {
  std::string text = asked.method + " " + asked.target + " HTTP/1.1\r\nHost: h\r\n";
  for (std::string_view rest = asked.fields; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    text.append(rest.substr(0, end)).append("\r\n");
    rest.remove_prefix(end + 1);
  }
  text += "\r\n";
  http::RequestParser parser({.head_bytes = 65536, .header_count = 100});
  Bytes input = AsBytes(text);
  auto event = parser.Next(input);
  EXPECT_TRUE(event) << (event ? "" : event.error().reason);
  return std::move(std::get<http::RequestHead>(*event).request);
}

// A configuration whose routes all have the path "/".
class Table {
 public:
  explicit Table(const std::string& routes) {
    auto config = config::Parse(std::string(kListeners) + "routes:\n" + routes, "t.yaml",
                                [](const char*) -> const char* { return nullptr; });
    if (!config) ADD_FAILURE() << config::ToString("t.yaml", config.error().front());
    config_ = std::move(*config);
    router_ = std::make_unique<Router>(config_->routes);
  }

  template <class Use>
  auto With(const Asked& asked, Use&& use) const {
    const http::Request request = RequestOf(asked);
    const config::Listener& listener = config_->listeners[asked.listener];
    const SeenAs seen = SeenByClient(request, listener.tls.has_value(), AddressFrom(asked.from),
                                     listener.trusted_proxies);
    const io::TlsInfo tls{asked.version, "", asked.sni, "", "", ""};
    return use(Facts{.request = request,
                     .seen = seen,
                     .listener = listener,
                     .tls = listener.tls ? &tls : nullptr});
  }

  // The index of the route; -1: none.
  int Find(const Asked& asked) const {
    return With(asked, [&](const Facts& facts) {
      const auto* route = router_->Find("h", facts.request.target.path, facts);
      return route != nullptr ? static_cast<int>(route->index) : -1;
    });
  }
  std::string Allow(const Asked& asked) const {
    return With(asked, [&](const Facts& facts) {
      std::string all;
      for (const auto method : router_->OtherMethods("h", facts.request.target.path, facts))
        all.append(all.empty() ? "" : ", ").append(method);
      return all;
    });
  }
  std::string Explain(const Asked& asked) const {
    return With(asked, [&](const Facts& facts) {
      std::string all;
      for (const auto& one : router_->matcher(config_->routes[0])->Explain(facts))
        all += (one.holds ? "+ " : "- ") + one.text + "\n";
      return all;
    });
  }

 private:
  std::shared_ptr<const config::Config> config_;
  std::unique_ptr<Router> router_;
};

std::string Route(const std::string& match) {
  return "  - { path: /*, plugin: e" + (match.empty() ? "" : ", match: { " + match + " }") + " }\n";
}

bool Holds(const std::string& match, const Asked& asked) {
  return Table(Route(match)).Find(asked) == 0;
}

TEST(MatcherTest, Methods) {
  EXPECT_TRUE(Holds("methods: [ GET ]", {.method = "GET"}));
  EXPECT_TRUE(Holds("methods: [ GET ]", {.method = "HEAD"}));
  EXPECT_FALSE(Holds("methods: [ GET ]", {.method = "POST"}));
  EXPECT_FALSE(Holds("methods: [ HEAD ]", {.method = "GET"}));
  EXPECT_TRUE(Holds("methods: [ PUT, POST ]", {.method = "POST"}));
  EXPECT_FALSE(Holds("methods: [ GET ]", {.method = "OPTIONS"}));
}

TEST(MatcherTest, Headers) {
  EXPECT_TRUE(Holds("headers: { X-A: b }", {.fields = "x-a: b\n"}));
  EXPECT_TRUE(Holds("headers: { X-A: b }", {.fields = "x-a:   b  \n"}));
  EXPECT_FALSE(Holds("headers: { X-A: b }", {.fields = "x-a: B\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: b }", {.fields = "x-a: bb\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: b }", {}));
  EXPECT_TRUE(Holds("headers: { X-A: present }", {.fields = "x-a:\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: present }", {.fields = "x-b: present\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: =present }", {.fields = "x-a: absent\n"}));
  EXPECT_TRUE(Holds("headers: { X-A: =present }", {.fields = "x-a: present\n"}));
  EXPECT_TRUE(Holds("headers: { X-A: '~^v[0-9]+$' }", {.fields = "x-a: v12\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: '~^v[0-9]+$' }", {.fields = "x-a: xv12\n"}));
  EXPECT_TRUE(Holds("headers: { X-A: '~v' }", {.fields = "x-a: xv12\n"}));
  EXPECT_TRUE(Holds("headers: { X-A: b, X-B: c }", {.fields = "x-a: b\nx-b: c\n"}));
  EXPECT_FALSE(Holds("headers: { X-A: b, X-B: c }", {.fields = "x-a: b\n"}));
}

// Whoever reads only the first or only the last of several fields must not be told another one.
TEST(MatcherTest, SeveralFieldsAreOneList) {
  EXPECT_FALSE(Holds("headers: { X-Role: admin }", {.fields = "x-role: user\nX-Role: admin\n"}));
  EXPECT_FALSE(Holds("headers: { X-Role: user }", {.fields = "x-role: user\nX-Role: admin\n"}));
  EXPECT_TRUE(
      Holds("headers: { X-Role: 'user, admin' }", {.fields = "x-role: user\nX-Role: admin\n"}));
}

TEST(MatcherTest, HeadersThatAreNotPassedOnAreNotThere) {
  EXPECT_FALSE(Holds("headers: { X-Real-IP: present }", {.fields = "X-Real-IP: 1.2.3.4\n"}));
  EXPECT_TRUE(Holds("headers: { X-Real-IP: present }",
                    {.fields = "X-Real-IP: 1.2.3.4\n", .from = "10.1.1.1:1"}));
  EXPECT_FALSE(Holds("headers: { X-A: b }", {.fields = "X-A: b\nConnection: close, x-a\n"}));
  EXPECT_FALSE(Holds("headers: { X_A: b }", {.fields = "X_A: b\n"}));
}

TEST(MatcherTest, AnUpgradeIsSeenWhereItIsOne) {
  const std::string upgrade = "headers: { Upgrade: '~(?i)^websocket$' }";
  EXPECT_TRUE(Holds(upgrade, {.fields = "Connection: Upgrade\nUpgrade: WebSocket\n"}));
  EXPECT_FALSE(Holds(upgrade, {.fields = "Upgrade: websocket\n"}));
}

TEST(MatcherTest, QueryParameters) {
  EXPECT_TRUE(Holds("query: { v: '2' }", {.target = "/?v=2"}));
  EXPECT_TRUE(Holds("query: { v: '2' }", {.target = "/?a&%76=%32"}));
  EXPECT_FALSE(Holds("query: { v: '2' }", {.target = "/?V=2"}));
  EXPECT_FALSE(Holds("query: { v: '2' }", {.target = "/?v=3&v=2"}));
  EXPECT_TRUE(Holds("query: { v: present }", {.target = "/?v"}));
  EXPECT_FALSE(Holds("query: { v: present }", {.target = "/v"}));
  EXPECT_TRUE(Holds("query: { v: '=' }", {.target = "/?v="}));
}

TEST(MatcherTest, Cookies) {
  EXPECT_TRUE(Holds("cookies: { canary: 'yes' }", {.fields = "Cookie: a=b; canary=yes\n"}));
  EXPECT_TRUE(Holds("cookies: { canary: 'yes' }", {.fields = "Cookie: a=b\nCookie: canary=yes\n"}));
  EXPECT_TRUE(Holds("cookies: { canary: 'yes' }", {.fields = "Cookie: ;;canary=yes;\n"}));
  EXPECT_FALSE(Holds("cookies: { canary: 'yes' }", {.fields = "Cookie: xcanary=yes\n"}));
  EXPECT_FALSE(Holds("cookies: { canary: 'yes' }", {.fields = "Cookie: canary=no; canary=yes\n"}));
  EXPECT_FALSE(Holds("cookies: { canary: present }", {.fields = "Cookie: canary\n"}));
  EXPECT_TRUE(Holds("cookies: { canary: present }", {.fields = "Cookie: canary=\n"}));
}

TEST(MatcherTest, Subprotocols) {
  EXPECT_TRUE(Holds("subprotocols: [ mqtt ]", {.fields = "Sec-WebSocket-Protocol: a, mqtt\n"}));
  EXPECT_TRUE(Holds("subprotocols: [ x, a ]",
                    {.fields = "Sec-WebSocket-Protocol: mqtt\nSec-WebSocket-Protocol: a\n"}));
  EXPECT_FALSE(Holds("subprotocols: [ mqtt ]", {.fields = "Sec-WebSocket-Protocol: MQTT\n"}));
  EXPECT_FALSE(Holds("subprotocols: [ mqtt ]", {}));
}

TEST(MatcherTest, ClientsByTheAddressThatTrustedProxiesReport) {
  const std::string inside = "clients: [ 192.0.2.0/24, \"2001:db8::/32\" ]";
  EXPECT_TRUE(Holds(inside, {.from = "192.0.2.200:1"}));
  EXPECT_TRUE(Holds(inside, {.from = "[2001:db8::1]:1"}));
  EXPECT_FALSE(Holds(inside, {.from = "192.0.3.1:1"}));
  EXPECT_FALSE(Holds(inside, {.from = "unix:/x"}));
  EXPECT_TRUE(Holds(inside, {.fields = "X-Forwarded-For: 192.0.2.9\n", .from = "10.1.1.1:1"}));
  EXPECT_TRUE(
      Holds(inside, {.fields = "Forwarded: for=\"[2001:db8::2]\"\n", .from = "10.1.1.1:1"}));
  EXPECT_FALSE(Holds(inside, {.fields = "X-Forwarded-For: 8.8.8.8\n", .from = "10.1.1.1:1"}));
  // Nobody else says who they are.
  EXPECT_FALSE(Holds(inside, {.fields = "X-Forwarded-For: 192.0.2.9\n", .from = "8.8.8.8:1"}));
  EXPECT_FALSE(Holds("clients: [ 10.0.0.0/8 ]",
                     {.fields = "X-Forwarded-For: 8.8.8.8\n", .from = "10.1.1.1:1"}));
}

TEST(MatcherTest, Listeners) {
  EXPECT_TRUE(Holds("listeners: [ plain ]", {.listener = 0}));
  EXPECT_FALSE(Holds("listeners: [ plain ]", {.listener = 1}));
  EXPECT_TRUE(Holds("listeners: [ \"10.0.0.1:443\" ]", {.listener = 1}));
}

TEST(MatcherTest, Tls) {
  const std::string sni = "tls: { sni: [ a.example, \"*.b.example.\" ] }";
  EXPECT_TRUE(Holds(sni, {.listener = 1, .sni = "A.example"}));
  EXPECT_TRUE(Holds(sni, {.listener = 1, .sni = "a.example."}));
  EXPECT_TRUE(Holds(sni, {.listener = 1, .sni = "x.b.example"}));
  EXPECT_FALSE(Holds(sni, {.listener = 1, .sni = "b.example"}));
  EXPECT_FALSE(Holds(sni, {.listener = 1, .sni = ".b.example"}));
  EXPECT_FALSE(Holds(sni, {.listener = 1, .sni = "xb.example"}));
  EXPECT_FALSE(Holds(sni, {.listener = 1}));
  EXPECT_FALSE(Holds(sni, {.listener = 0, .sni = "a.example"}));
  EXPECT_TRUE(Holds("tls: { version: \"1.3\" }", {.listener = 1}));
  EXPECT_FALSE(Holds("tls: { version: \"1.2\" }", {.listener = 1}));
  EXPECT_TRUE(Holds("tls: { version: \"1.2\" }", {.listener = 1, .version = "TLSv1.2"}));
}

TEST(MatcherTest, APreflightIsAboutTheRequestThatItAnnounces) {
  const auto preflight = [](const std::string& method, const std::string& headers = {}) {
    return Asked{
        .method = "OPTIONS",
        .fields = "Origin: https://a.example\nAccess-Control-Request-Method: " + method + "\n" +
                  (headers.empty() ? "" : "Access-Control-Request-Headers: " + headers + "\n")};
  };
  const std::string cors = ", cors: { allow_origins: [ \"https://a.example\" ] }";
  const Table by_method("  - { path: /*, plugin: e, match: { methods: [ GET ] }" + cors + " }\n" +
                        "  - { path: /*, plugin: e, match: { methods: [ PUT ] } }\n");
  EXPECT_EQ(by_method.Find(preflight("GET")), 0);
  EXPECT_EQ(by_method.Find(preflight("PUT")), 1);
  EXPECT_EQ(by_method.Find(preflight("DELETE")), -1);
  EXPECT_EQ(by_method.Find({.method = "OPTIONS"}), -1);
  EXPECT_EQ(by_method.Allow(preflight("DELETE")), "GET, HEAD, PUT");
  // Its headers are only announced, and who answers it by itself need not know their values.
  const std::string by_header = ", plugin: e, match: { headers: { X-A: v1 } }";
  const Table answers("  - { path: /*" + by_header + cors + " }\n" + Route(""));
  EXPECT_EQ(answers.Find(preflight("PUT", "content-type, x-a")), 0);
  EXPECT_EQ(answers.Find(preflight("PUT", "content-type")), 1);
  const Table passes_on("  - { path: /*" + by_header + " }\n" + Route(""));
  EXPECT_EQ(passes_on.Find(preflight("PUT", "x-a")), 1);
}

TEST(MatcherTest, TheNextRouteIsTriedWhereConditionsDoNotHold) {
  const Table table(Route("headers: { X-A: b }, methods: [ GET ]") + Route("methods: [ GET ]") +
                    Route("headers: { X-A: b }") + Route(""));
  EXPECT_EQ(table.Find({.fields = "X-A: b\n"}), 0);
  EXPECT_EQ(table.Find({}), 1);
  EXPECT_EQ(table.Find({.method = "PUT", .fields = "X-A: b\n"}), 2);
  EXPECT_EQ(table.Find({.method = "PUT"}), 3);
}

TEST(MatcherTest, OtherMethodsAreThoseOfRoutesWhichAllElseFits) {
  const Table table(Route("methods: [ GET, PUT ]") +
                    Route("methods: [ DELETE, PUT ], headers: { X-A: b }"));
  EXPECT_EQ(table.Allow({.method = "POST"}), "GET, HEAD, PUT");
  EXPECT_EQ(table.Allow({.method = "POST", .fields = "X-A: b\n"}), "DELETE, PUT, GET, HEAD");
  EXPECT_EQ(Table(Route("headers: { X-A: b }")).Allow({.method = "POST"}), "");
}

TEST(MatcherTest, ExplainsEachCondition) {
  const Table table(
      Route("methods: [ GET, PUT ], headers: { X-A: b, X-B: '~^v' }, "
            "query: { q: present }, clients: [ 10.0.0.0/8, \"::1\" ], "
            "listeners: [ plain ]"));
  EXPECT_EQ(table.Explain({.fields = "X-B: v\n"}),
            "+ the method is GET or PUT\n"
            "- the header X-A is 'b'\n"
            "+ the header X-B matches ^v\n"
            "- the query parameter q is present\n"
            "- the client is in 10.0.0.0/8 or ::1/128\n"
            "+ it came by the listener plain\n");
}

}  // namespace
}  // namespace upgate::route
