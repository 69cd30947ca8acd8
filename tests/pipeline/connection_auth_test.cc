// Servers that authenticate connections and not requests (NTLM, Negotiate: RFC 4559).
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/upgrade/bound_connections.h"
#include "gateway/ws/handshake.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::connection_auth_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// Knows each of its connections as nobody's, or as that of the user who authenticated it with
// "Authorization: NTLM 1" and then "NTLM 3:NAME", and answers with the name of the user.
class NtlmServer {
 public:
  explicit NtlmServer(TestGateway& gw, std::string_view address = "127.0.0.1:7000")
      : server_(gw.network(), Address(address)) {
    server_.OnConnection([this](TestPeer& peer) {
      peer.OnReceive([this, user = std::string(), head = std::string()](
                         TestPeer& self, std::string_view bytes) mutable {
        head += bytes;
        for (std::size_t end = 0; (end = head.find("\r\n\r\n")) != std::string::npos;) {
          const std::string request = head.substr(0, end + 4);
          head.erase(0, end + 4);
          self.Send(Answer(request, user));
        }
      });
    });
  }
  TestServer& server() { return server_; }
  std::size_t open() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < server_.size(); ++i) count += server_[i].done() ? 0 : 1;
    return count;
  }

  std::string scheme = "NTLM";
  std::string more;  // fields of each answer

 private:
  std::string Answer(const std::string& request, std::string& user) const {
    const std::string credentials = ValueOf(request, "Authorization: " + scheme + " ");
    if (credentials.starts_with("3:")) user = credentials.substr(2);
    if (credentials == "1")
      return "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " + scheme +
             " Mg==\r\nContent-Length: 0\r\n\r\n";
    if (user.empty())
      return "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " + scheme +
             "\r\nContent-Length: 0\r\n\r\n";
    const std::string key = ValueOf(request, "Sec-WebSocket-Key: ");
    if (!key.empty())
      return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "X-User: " +
             user + "\r\nSec-WebSocket-Accept: " + ws::AcceptKey(key) + "\r\n\r\n";
    return "HTTP/1.1 200 OK\r\n" + more + "Content-Length: " + std::to_string(user.size()) +
           "\r\n\r\n" + user;
  }
  static std::string ValueOf(const std::string& request, const std::string& field) {
    const std::size_t at = request.find(field);
    if (at == std::string::npos) return "";
    const std::size_t from = at + field.size();
    return request.substr(from, request.find('\r', from) - from);
  }
  mutable TestServer server_;
};

constexpr std::string_view kConfig = R"(
listeners: [ { address: "127.0.0.1:80", trusted_proxies: [ 10.0.0.0/8 ] } ]
backends:
  site: { servers: [ "http://127.0.0.1:7000" ] }
  other: { servers: [ "http://127.0.0.1:7001" ] }
routes:
  - { path: /*, backend: site }
  - { path: /other, backend: other }
)";

std::string Ask(GatewayClient& client, std::string_view fields = "", std::string_view path = "/",
                std::string_view method = "GET") {
  client.Send(std::string(method) + " " + std::string(path) +
              " HTTP/1.1\r\nHost: shop.example\r\n" + std::string(fields) + "\r\n");
  const ResponseHead head = client.Head();
  return std::to_string(head.status) + " " + client.Body(head);
}

std::string Login(GatewayClient& client, std::string_view user, std::string_view more = "",
                  std::string_view scheme = "NTLM") {
  const std::string field = "Authorization: " + std::string(scheme);
  if (Ask(client, field + " 1\r\n" + std::string(more)) != "401 ") return "no challenge";
  return Ask(client, field + " 3:" + std::string(user) + "\r\n" + std::string(more));
}

TEST(ConnectionAuth, EachClientHasTheConnectionThatItHasAuthenticated) {
  for (const std::string_view scheme : {"NTLM", "Negotiate", "nEGOTIATE"}) {
    TestGateway gw(kConfig);
    NtlmServer site(gw);
    site.scheme = scheme;
    auto alice = gw.Connect();
    auto bob = gw.Connect();
    auto eve = gw.Connect();
    EXPECT_EQ(Ask(alice), "401 ");
    EXPECT_EQ(Ask(bob), "401 ");
    EXPECT_EQ(Login(alice, "alice", "", scheme), "200 alice");
    EXPECT_EQ(Ask(eve), "401 ") << "nobody else's connection is hers";
    EXPECT_EQ(Login(bob, "bob", "", scheme), "200 bob");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Ask(alice), "200 alice");
      EXPECT_EQ(Ask(bob), "200 bob");
      EXPECT_EQ(Ask(eve), "401 ");
      EXPECT_EQ(Ask(bob, "", "/", "POST"), "200 bob") << "also what cannot be repeated";
      gw.loop().Advance(5s);
    }
    EXPECT_EQ(site.server().size(), 3u) << "one connection each, from the first challenge on";
  }
}

TEST(ConnectionAuth, TheConnectionEndsWithTheClients) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  EXPECT_EQ(site.open(), 1u);
  alice.peer().Close();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(site.open(), 0u);
  auto next = gw.Connect();
  EXPECT_EQ(Ask(next), "401 ");
  EXPECT_EQ(site.server().size(), 2u);
}

TEST(ConnectionAuth, CredentialsInTheFirstRequestBindItsConnection) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Ask(alice, "Authorization: NTLM 3:alice\r\n"), "200 alice");
  auto eve = gw.Connect();
  EXPECT_EQ(Ask(eve), "401 ");
  EXPECT_EQ(Ask(alice), "200 alice");
}

TEST(ConnectionAuth, OtherCredentialsAndChallengesOfProxiesBindNothing) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  site.scheme = "Basic";
  site.more = "Proxy-Authenticate: NTLM\r\n";
  auto alice = gw.Connect();
  EXPECT_EQ(Ask(alice, "Authorization: Basic 3:x\r\n"), "200 x");
  auto bob = gw.Connect();
  Ask(bob, "Authorization: Basic 3:y\r\nProxy-Authorization: NTLM 1\r\n");
  EXPECT_EQ(site.server().size(), 1u) << "the connection is shared";
}

TEST(ConnectionAuth, TwoClientsBehindOneTrustedProxyHaveTheirOwn) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto proxy = gw.Connect(0, Address("10.0.0.1:1000"));
  const std::string alice = "X-Forwarded-For: 192.0.2.1\r\n";
  const std::string bob = "X-Forwarded-For: 192.0.2.2\r\n";
  EXPECT_EQ(Login(proxy, "alice", alice), "200 alice");
  EXPECT_EQ(Ask(proxy, bob), "401 ");
  EXPECT_EQ(Login(proxy, "bob", bob), "200 bob");
  EXPECT_EQ(Ask(proxy, alice), "200 alice");
  EXPECT_EQ(Ask(proxy, bob), "200 bob");
}

TEST(ConnectionAuth, EachBackendHasAConnectionOfItsOwn) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  NtlmServer other(gw, "127.0.0.1:7001");
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  EXPECT_EQ(Ask(alice, "", "/other"), "401 ");
  EXPECT_EQ(Ask(alice, "Authorization: NTLM 3:al\r\n", "/other"), "200 al");
  EXPECT_EQ(Ask(alice), "200 alice");
  EXPECT_EQ(Ask(alice, "", "/other"), "200 al");
}

TEST(ConnectionAuth, AClientHasOnlySoManyConnections) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto proxy = gw.Connect(0, Address("10.0.0.1:1000"));
  for (int i = 1; i <= 20; ++i)
    EXPECT_EQ(Ask(proxy, "Authorization: NTLM 3:x\r\nX-Forwarded-For: 192.0.2." +
                             std::to_string(i) + "\r\n"),
              "200 x");
  EXPECT_EQ(site.open(), upgrade::BoundConnections::kMost);
}

TEST(ConnectionAuth, WhereTheServerHasClosedItTheClientIsAskedAnew) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  site.server()[0].Close();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(Ask(alice), "401 ");
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  site.more = "Connection: close\r\n";
  EXPECT_EQ(Ask(alice), "200 alice");
  site.more = "Keep-Alive: timeout=1\r\n";
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  EXPECT_EQ(Ask(alice), "401 ") << "the server is about to close it";
}

TEST(ConnectionAuth, AWebSocketUsesItAndTakesItAlong) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  const ResponseHead head = alice.Upgrade("/");
  EXPECT_EQ(head.status, 101);
  EXPECT_EQ(head.Get("X-User"), "alice");
  EXPECT_EQ(site.server().size(), 1u);
}

TEST(ConnectionAuth, ADrainedServerGetsNoMoreOfIt) {
  TestGateway gw(R"(
backends: { site: { servers: [ "http://127.0.0.1:7000", "http://127.0.0.1:7001" ] } }
routes: [ { path: /*, backend: site } ]
)");
  NtlmServer one(gw);
  NtlmServer two(gw, "127.0.0.1:7001");
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  NtlmServer& hers = one.server().size() > 0 ? one : two;
  EXPECT_EQ((&hers == &one ? two : one).server().size(), 0u) << "all of it went to one server";
  gw.serving()->backends.at("site")->servers[&hers == &one ? 0 : 1]->row->drained = true;
  EXPECT_EQ(Ask(alice), "401 ");
  EXPECT_EQ(hers.open(), 0u);
}

TEST(ConnectionAuth, AReloadKeepsIt) {
  TestGateway gw(kConfig);
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  gw.Reload(std::string(kConfig) + "  - { path: /more, backend: site }\n");
  EXPECT_EQ(Ask(alice), "200 alice");
  gw.Reload(R"(
listeners: [ { address: "127.0.0.1:80", trusted_proxies: [ 10.0.0.0/8 ] } ]
backends: { site: { servers: [ "http://127.0.0.1:7000" ], pool_size: 1 } }
routes: [ { path: /*, backend: site } ]
)");
  EXPECT_EQ(Ask(alice), "401 ") << "another backend";
}

TEST(ConnectionAuth, ServersThatGetAProxyHeaderCanHaveItToo) {
  TestGateway gw(R"(
backends: { site: { servers: [ "http://127.0.0.1:7000" ], send_proxy: v1 } }
routes: [ { path: /*, backend: site } ]
)");
  NtlmServer site(gw);
  auto alice = gw.Connect();
  EXPECT_EQ(Login(alice, "alice"), "200 alice");
  EXPECT_EQ(Ask(alice), "200 alice");
  EXPECT_EQ(site.server().size(), 1u);
}

TEST(ConnectionAuth, ChallengesAreFoundInEveryForm) {
  const auto asks = [](int status, const std::vector<std::string_view>& values) {
    http::Response response;
    response.status = status;
    for (const auto value : values) response.headers.Add("WWW-Authenticate", value);
    return upgrade::AsksForConnectionAuth(response);
  };
  EXPECT_TRUE(asks(401, {"Negotiate"}));
  EXPECT_TRUE(asks(401, {"Basic realm=\"a\"", "ntlm"}));
  EXPECT_TRUE(asks(401, {"Basic realm=\"a, b\", Negotiate oYG=, Digest x=y"}));
  EXPECT_FALSE(asks(200, {"Negotiate"}));
  EXPECT_FALSE(asks(401, {"Basic realm=ntlm, negotiate=1"}));
  EXPECT_FALSE(asks(401, {"NTLMv2", ""}));
  EXPECT_FALSE(asks(401, {}));
}

}  // namespace
}  // namespace upgate::test::connection_auth_test
