// Several servers behind a route: which one a client gets, and what happens when one fails.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/backend/health_checks.h"
#include "gateway/ws/handshake.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::servers_test {
namespace {

using namespace std::chrono_literals;
using stats::HandshakeOutcome;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Three servers of a kind at 127.0.0.1:7001 to 7003; with more keys of their backend.
std::string Config(std::string_view scheme, std::string_view keys = "", std::string_view top = "") {
  std::string text(top);
  text += "\nbackends:\n  b:\n    servers:\n";
  for (int i = 1; i <= 3; ++i)
    text += "      - { url: \"" + std::string(scheme) + "://127.0.0.1:700" + std::to_string(i) +
            "\" }\n";
  return text + std::string(keys) + "\nroutes: [ { path: /*, backend: b } ]\n";
}

// A server that answers each request: a WebSocket handshake with 101, others with its name.
class Node {
 public:
  Node(TestGateway& gw, int index)
      : address(Address("127.0.0.1:700" + std::to_string(index))),
        gw_(gw),
        name_("node " + std::to_string(index)) {
    Start();
  }
  void Start() {
    server_ = std::make_unique<TestServer>(gw_.network(), address);
    server_->OnConnection([this](TestPeer& peer) {
      peer.OnReceive([this, head = std::string()](TestPeer& self, std::string_view bytes) mutable {
        head += bytes;
        const std::size_t end = head.find("\r\n\r\n");
        if (end == std::string::npos) return;
        heads.push_back(head.substr(0, end + 4));
        head.erase(0, end + 4);
        self.Send(Answer(heads.back()));
      });
    });
  }
  void Stop() { server_.reset(); }
  TestServer& server() { return *server_; }

  const SocketAddress address;
  std::string answer;           // empty: the usual one
  std::string answer_to_trial;  // to GET /; empty: the same
  std::vector<std::string> heads;

 private:
  std::string Answer(const std::string& head) const {
    if (!answer_to_trial.empty() && head.starts_with("GET / ")) return answer_to_trial;
    if (!answer.empty()) return answer == "silence" ? "" : answer;
    constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
    const std::size_t key = head.find(kKey);
    if (key != std::string::npos)
      return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: " +
             ws::AcceptKey(head.substr(key + kKey.size(), 24)) + "\r\n\r\n";
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(name_.size()) + "\r\n\r\n" +
           name_;
  }
  TestGateway& gw_;
  const std::string name_;
  std::unique_ptr<TestServer> server_;
};

struct Nodes {
  explicit Nodes(TestGateway& gw) : one(gw, 1), two(gw, 2), three(gw, 3) {}
  Node one, two, three;
};

std::string Get(std::string_view path, std::string_view fields = "",
                std::string_view method = "GET") {
  return std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: shop.example\r\n" +
         std::string(fields) + "\r\n";
}

// "upgate=…" of an answer's Set-Cookie, or nothing.
std::string CookieOf(const ResponseHead& head) {
  const std::string cookie = head.Get("Set-Cookie").value_or("");
  return cookie.substr(0, cookie.find(';'));
}

std::string Ask(TestGateway& gw, std::string_view request) {
  auto client = gw.Connect();
  client.Send(request);
  const ResponseHead head = client.Head();
  return std::to_string(head.status) + " " + client.Body(head);
}

// How many handshakes of so many clients are refused.
int RefusedOf(TestGateway& gw, std::string_view path, int clients) {
  int refused = 0;
  for (int i = 0; i < clients; ++i) {
    auto client = gw.Connect();
    refused += client.Upgrade(path).status != 101;
  }
  return refused;
}

// A client that cannot be moved, in a place of its own.
template <class Connect>
std::unique_ptr<GatewayClient> Keep(Connect&& connect) {
  return std::unique_ptr<GatewayClient>(new GatewayClient(connect()));
}

// ---- stickiness

TEST(Servers, ACookieLeadsHttpRequestsBackToTheirServer) {
  TestGateway gw(Config("http", "    sticky: true"));
  Nodes nodes(gw);
  auto first = gw.Connect();
  first.Send(Get("/"));
  const ResponseHead head = first.Head();
  const std::string who = first.Body(head);
  EXPECT_THAT(head.Get("Set-Cookie").value_or(""),
              testing::MatchesRegex("upgate=[-_A-Za-z0-9]{24}; Path=/; HttpOnly; SameSite=Lax"));
  const std::string cookie = CookieOf(head);
  for (int i = 0; i < 5; ++i) {
    auto client = gw.Connect();
    client.Send(Get("/", "Cookie: a=1; " + cookie + "; b=2\r\n"));
    const ResponseHead answer = client.Head();
    EXPECT_EQ(client.Body(answer), who);
    EXPECT_EQ(answer.Count("Set-Cookie"), 0u) << "it has it already";
  }
  EXPECT_THAT(nodes.one.heads.back(), HasSubstr("Cookie: a=1; b=2\r\n"))
      << "the server does not see it";
  auto only = gw.Connect();
  only.Send(Get("/", "Cookie: " + cookie + "\r\n"));
  EXPECT_THAT(nodes.one.heads.back(), Not(HasSubstr("Cookie")));
}

TEST(Servers, ACookieLeadsWebSocketsBackToTheirServer) {
  for (const std::string_view scheme : {"ws", "http", "tcp"}) {
    TestGateway gw(Config(scheme, "    sticky: { cookie: node, same_site: strict }"));
    Nodes nodes(gw);
    auto first = gw.Connect();
    const std::string cookie = CookieOf(first.Upgrade("/"));
    ASSERT_THAT(cookie, StartsWith("node=")) << scheme;
    std::vector<std::unique_ptr<GatewayClient>> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(Keep([&] { return gw.Connect(); }));
      const ResponseHead head = clients.back()->Upgrade("/", "Cookie: " + cookie + "\r\n");
      EXPECT_EQ(head.status, 101) << scheme;
      EXPECT_EQ(head.Count("Set-Cookie"), 0u) << scheme;
    }
    EXPECT_EQ(gw.server_stats(0).sessions_open.Get(), 5u) << scheme;
  }
}

TEST(Servers, AForgedCookieIsNone) {
  TestGateway gw(Config("http", "    sticky: true"));
  Nodes nodes(gw);
  for (const std::string_view forged : {"upgate=AAAAAAAAAAAAAAAAAAAAAAAA", "upgate=", "upgate",
                                        "upgate=http://127.0.0.1:7003", "upgate=\"\"; upgate=x"}) {
    auto client = gw.Connect();
    client.Send(Get("/", "Cookie: " + std::string(forged) + "\r\n"));
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 200) << forged;
    EXPECT_THAT(CookieOf(head), StartsWith("upgate=")) << forged;
  }
  EXPECT_EQ(nodes.one.heads.size() + nodes.two.heads.size() + nodes.three.heads.size(), 5u);
  EXPECT_GE(nodes.three.heads.size(), 1u) << "they are served in turn";
}

// A site of the same domain can set a cookie that the browser sends first.
TEST(Servers, AForgedCookieDoesNotHideAGoodOne) {
  TestGateway gw(Config("http", "    sticky: true"));
  Nodes nodes(gw);
  auto first = gw.Connect();
  first.Send(Get("/"));
  const std::string cookie = CookieOf(first.Head());
  for (int i = 0; i < 3; ++i) {
    auto client = gw.Connect();
    client.Send(Get("/", "Cookie: upgate=forged; " + cookie + "\r\n"));
    const ResponseHead head = client.Head();
    EXPECT_EQ(client.Body(head), "node 1");
    EXPECT_EQ(head.Count("Set-Cookie"), 0u);
  }
}

TEST(Servers, AServerThatIsGoneMeansANewChoiceAndANewCookie) {
  TestGateway gw(Config("http", "    sticky: true"));
  Nodes nodes(gw);
  auto first = gw.Connect();
  first.Send(Get("/"));
  const std::string cookie = CookieOf(first.Head());
  gw.serving()->backends.at("b")->servers[0]->row->drained = true;
  auto client = gw.Connect();
  client.Send(Get("/", "Cookie: " + cookie + "\r\n"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(client.Body(head), "node 2");
  EXPECT_THAT(CookieOf(head), StartsWith("upgate="));
  EXPECT_NE(CookieOf(head), cookie);
}

TEST(Servers, CookiesSurviveAReload) {
  TestGateway gw(Config("http", "    sticky: true"));
  Nodes nodes(gw);
  auto first = gw.Connect();
  first.Send(Get("/"));
  const std::string cookie = CookieOf(first.Head());
  gw.Reload(Config("http", "    sticky: { max_age: 1h }\n    balance: least_sessions"));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(Ask(gw, Get("/", "Cookie: " + cookie + "\r\n")), "200 node 1");
  auto fresh = gw.Connect();
  fresh.Send(Get("/"));
  EXPECT_THAT(fresh.Head().Get("Set-Cookie").value_or(""), HasSubstr("; Max-Age=3600"));
}

TEST(Servers, TheCookieIsSecureWhereTheClientHasTls) {
  TestGateway gw(Config("http", "    sticky: true",
                        "listeners: [ { address: \"127.0.0.1:80\", trusted_proxies: [ 127.0.0.1 ] "
                        "} ]"));
  Nodes nodes(gw);
  auto client = gw.Connect();
  client.Send(Get("/", "X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(client.Head().Get("Set-Cookie").value_or(""), HasSubstr("; Secure"));
}

// ---- policies

TEST(Servers, AHashOfTheRequestChoosesTheServer) {
  for (const auto& [key, request] : std::vector<std::pair<std::string, std::string>>{
           {"path", Get("/rooms/7")},
           {"header X-User", Get("/", "X-User: ann\r\n")},
           {"cookie sid", Get("/", "Cookie: a=b; sid=42\r\n")},
           {"query room", Get("/?x=1&room=blue")},
           {"host", Get("/")},
           {"client", Get("/")}}) {
    TestGateway gw(Config("http", "    balance: hash\n    hash: " + key));
    Nodes nodes(gw);
    const std::string who = Ask(gw, request);
    EXPECT_THAT(who, StartsWith("200 node"));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(gw, request), who) << key;
  }
}

TEST(Servers, LeastSessionsCountsThoseOfAllLoopsAndSurvivesAReload) {
  TestGateway gw(Config("ws", "    balance: least_sessions", "workers: 2"));
  Nodes nodes(gw);
  std::vector<std::unique_ptr<GatewayClient>> clients;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(Keep([&] { return gw.ConnectToLoop(i % 2); }));
    EXPECT_EQ(clients.back()->Upgrade("/").status, 101);
  }
  const auto& servers = gw.serving()->backends.at("b")->servers;
  for (const auto& server : servers) EXPECT_EQ(server->in_use, 3u);
  gw.Reload(Config("ws", "    balance: least_sessions\n    connect_timeout: 2s", "workers: 2"));
  for (const auto& server : gw.serving()->backends.at("b")->servers) EXPECT_EQ(server->in_use, 3u);
  clients.clear();
  gw.loop().RunUntilIdle();
  gw.loop().Advance(10s);
  for (const auto& server : gw.serving()->backends.at("b")->servers) EXPECT_EQ(server->in_use, 0u);
}

TEST(Servers, AllFullIs503WithRetryAfter) {
  TestGateway gw(R"(
backends: { b: { servers: [ { url: "ws://127.0.0.1:7001", max_sessions: 1 } ] } }
routes: [ { path: /*, backend: b } ]
)");
  Node one(gw, 1);
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 101);
  auto second = gw.Connect();
  const ResponseHead head = second.Upgrade("/");
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.Get("Retry-After"), "5");
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kServersFull), 1u);
  client.peer().Close();
  gw.loop().Advance(10s);
  auto third = gw.Connect();
  EXPECT_EQ(third.Upgrade("/").status, 101);
}

// ---- ejection

TEST(Servers, ADeadServerCostsNobodyAnythingOnceItIsEjected) {
  TestGateway gw(Config("ws"));
  Nodes nodes(gw);
  nodes.two.Stop();
  gw.network().HangConnects(nodes.two.address);
  std::vector<std::unique_ptr<GatewayClient>> clients;
  const auto connect = [&] {
    clients.push_back(Keep([&] { return gw.Connect(); }));
    clients.back()->Send(UpgradeRequest("/"));
    return clients.back()->Head().status;
  };
  int waited = 0;
  for (int i = 0; i < 30; ++i) {
    if (connect() == 101) continue;
    ++waited;
    gw.loop().Advance(3s);
    EXPECT_EQ(clients.back()->Head().status, 101) << "another one serves it";
  }
  EXPECT_EQ(waited, 3) << "those that found it dead";
  gw.loop().Advance(10s);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(connect(), 101) << "nobody waits for the trial";
}

TEST(Servers, AllEjectedIs503AtOnce) {
  TestGateway gw(R"(
backends:
  b: { servers: [ "tcp://127.0.0.1:7001" ], ejection: { failures: 2, most: 100% } }
routes: [ { path: /*, backend: b } ]
)");
  for (int i = 0; i < 2; ++i) {
    auto client = gw.Connect();
    EXPECT_EQ(client.Upgrade("/").status, 502);
  }
  gw.network().HangConnects(Address("127.0.0.1:7001"));
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/");
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.Get("Retry-After"), "10") << "the time of the ejection";
  EXPECT_EQ(gw.Handshakes(HandshakeOutcome::kServersOut), 1u);
  gw.loop().Advance(7500ms);
  auto later = gw.Connect();
  EXPECT_EQ(later.Upgrade("/").Get("Retry-After"), "3") << "what is left of it, rounded up";
}

TEST(Servers, RetryAfterIsWhenTheFirstServerIsTriedAgain) {
  TestGateway gw(R"(
backends:
  b:
    servers: [ "tcp://127.0.0.1:7001", "tcp://127.0.0.1:7002" ]
    ejection: { failures: 1, most: 100%, time: 5m }
routes: [ { path: /*, backend: b } ]
)");
  gw.network().HangConnects(Address("127.0.0.1:7001"));
  gw.network().HangConnects(Address("127.0.0.1:7002"));
  auto first = gw.Connect();
  first.Send(UpgradeRequest("/"));
  gw.loop().Advance(10s);
  EXPECT_EQ(first.Head().status, 504);
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").Get("Retry-After"), "293") << "10 s later, 3 s of them to find out";
}

TEST(Servers, ATrialOfAWebSocketServerMakesAHandshake) {
  TestGateway gw(Config("ws"));
  Nodes nodes(gw);
  nodes.one.answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n";
  EXPECT_EQ(RefusedOf(gw, "/", 12), 3);
  for (const auto time : {10s, 20s, 40s}) {
    gw.loop().Advance(time);
    EXPECT_EQ(RefusedOf(gw, "/", 12), 0) << "only the trial met it";
  }
  EXPECT_EQ(nodes.one.heads.size(), 6u);
  EXPECT_THAT(nodes.one.heads.back(), StartsWith("GET / HTTP/1.1\r\n"));
  // One that accepts connections and says nothing.
  nodes.one.answer = "silence";
  gw.loop().Advance(80s);
  EXPECT_EQ(RefusedOf(gw, "/", 3), 0);
  gw.loop().Advance(3s);
  EXPECT_EQ(nodes.one.heads.size(), 7u);
  EXPECT_EQ(gw.log().Count("server back"), 0u);
  // A refusal shows that it works as much as a handshake does.
  nodes.one.answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  gw.loop().Advance(160s);
  EXPECT_EQ(RefusedOf(gw, "/", 1), 0);
  EXPECT_EQ(gw.log().Count("server back"), 1u);
}

TEST(Servers, AfterATrialTheFirstBrokenHandshakeEjectsAWebSocketServerAgain) {
  TestGateway gw(Config("ws"));
  Nodes nodes(gw);
  nodes.one.answer = "junk\r\n\r\n";
  EXPECT_EQ(RefusedOf(gw, "/live", 12), 3);
  // It has a good answer for the trial, and none for clients.
  nodes.one.answer_to_trial = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  gw.loop().Advance(10s);
  EXPECT_EQ(RefusedOf(gw, "/live", 12), 1);
  gw.loop().Advance(20s);
  nodes.one.answer.clear();
  EXPECT_EQ(RefusedOf(gw, "/live", 12), 0);
  // One good handshake, and it is as good as any other.
  nodes.one.answer = "junk\r\n\r\n";
  EXPECT_EQ(RefusedOf(gw, "/live", 12), 3);
}

TEST(Servers, ABrokenHandshakeCountsAsAFailure) {
  TestGateway gw(Config("ws"));
  Nodes nodes(gw);
  nodes.one.answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n";
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    auto client = gw.Connect();
    refused += client.Upgrade("/").status == 502;
  }
  EXPECT_EQ(refused, 3);
}

// ---- another try

constexpr std::string_view kUnavailable =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

TEST(Servers, AHandshakeThatAServerTurnsDownGoesToTheNext) {
  TestGateway gw(Config("ws", "    retry: { tries: 3 }"));
  Nodes nodes(gw);
  nodes.one.answer = kUnavailable;
  nodes.two.answer = kUnavailable;
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 101);
  EXPECT_EQ(nodes.three.heads.size(), 1u);
  EXPECT_EQ(gw.server_stats(0).retries.Get(), 1u);
  EXPECT_EQ(gw.server_stats(1).retries.Get(), 1u);
  EXPECT_EQ(gw.serving()->backends.at("b")->servers[0]->in_use, 0u);
}

TEST(Servers, TheLastAnswerIsPassedOn) {
  TestGateway gw(Config("ws", "    retry: { tries: 2 }"));
  Nodes nodes(gw);
  for (Node* node : {&nodes.one, &nodes.two, &nodes.three}) node->answer = kUnavailable;
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 503);
  EXPECT_EQ(nodes.one.heads.size() + nodes.two.heads.size() + nodes.three.heads.size(), 2u);
}

TEST(Servers, WithoutRetryAnAnswerIsAnAnswer) {
  TestGateway gw(Config("ws"));
  Nodes nodes(gw);
  nodes.one.answer = kUnavailable;
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 503);
  EXPECT_EQ(gw.server_stats(0).retries.Get(), 0u);
}

TEST(Servers, AHandshakeThatIsNotAnsweredInTimeGoesToTheNext) {
  TestGateway gw(Config("ws", "    retry: { on: [ timeout ] }\n    connect_timeout: 1s"));
  Nodes nodes(gw);
  nodes.one.answer = "silence";
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/"));
  EXPECT_EQ(client.Head().status, 0);
  gw.loop().Advance(1s);
  EXPECT_EQ(client.Head().status, 101);
}

TEST(Servers, AMalformedAnswerSendsWhatCanBeRepeatedToTheNext) {
  for (const std::string answer :
       {"garbage\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"}) {
    TestGateway ws(Config("ws", "    retry: { tries: 2 }"));
    Nodes of_ws(ws);
    of_ws.one.answer = answer;
    auto client = ws.Connect();
    EXPECT_EQ(client.Upgrade("/").status, 101) << answer;
    EXPECT_EQ(ws.server_stats(0).retries.Get(), 1u) << answer;
    TestGateway http(Config("http", "    retry: { tries: 2 }"));
    Nodes of_http(http);
    of_http.one.answer = answer;
    EXPECT_EQ(Ask(http, Get("/")), "200 node 2") << answer;
    of_http.two.answer = answer;
    EXPECT_THAT(Ask(http, Get("/", "Content-Length: 0\r\n", "POST")), StartsWith("502")) << answer;
  }
}

TEST(Servers, OnlyWhatCanBeRepeatedGoesToAnotherServer) {
  TestGateway gw(Config("http", "    retry: { tries: 2 }\n    first_byte_timeout: 1s"));
  Nodes nodes(gw);
  nodes.one.answer = "silence";
  auto get = gw.Connect();
  get.Send(Get("/"));
  gw.loop().Advance(1s);
  EXPECT_EQ(get.Head().status, 200);
  nodes.two.answer = nodes.three.answer = "silence";
  auto post = gw.Connect();
  post.Send(Get("/", "Content-Length: 0\r\n", "POST"));
  gw.loop().Advance(1s);
  EXPECT_EQ(post.Head().status, 504);
}

TEST(Servers, APostGoesToAnotherServerWhereNoConnectionCouldBeMade) {
  TestGateway gw(Config("http", "    retry: { tries: 3 }"));
  Nodes nodes(gw);
  nodes.one.Stop();
  nodes.two.Stop();
  EXPECT_EQ(Ask(gw, Get("/", "Content-Length: 0\r\n", "POST")), "200 node 3");
}

TEST(Servers, TriesLimitHowManyServersAreTried) {
  TestGateway gw(Config("http", "    retry: { tries: 2 }\n    ejection: false"));
  Nodes nodes(gw);
  nodes.one.Stop();
  nodes.two.Stop();
  EXPECT_THAT(Ask(gw, Get("/")), StartsWith("502"));
  EXPECT_EQ(nodes.three.heads.size(), 0u);
}

TEST(Servers, RetriesHaveABudget) {
  TestGateway gw(Config("ws", "    retry: { tries: 2 }"));
  Nodes nodes(gw);
  for (Node* node : {&nodes.one, &nodes.two, &nodes.three}) node->answer = kUnavailable;
  for (int i = 0; i < 200; ++i) {
    auto client = gw.Connect();
    client.Upgrade("/");
  }
  const std::size_t got =
      nodes.one.heads.size() + nodes.two.heads.size() + nodes.three.heads.size();
  EXPECT_EQ(got, 200u + 10 + 40) << "ten at any time, and a fifth of what comes";
}

// ---- kept-alive connections

constexpr std::string_view kOneServer = R"(
backends: { b: { servers: [ "http://127.0.0.1:7001" ], pool_idle: 1m } }
routes: [ { path: /*, backend: b } ]
)";

TEST(Servers, AConnectionIsNotUsedForAsLongAsTheServerKeepsIt) {
  TestGateway gw(kOneServer);
  Node one(gw, 1);
  one.answer = "HTTP/1.1 200 OK\r\nKeep-Alive: max=100, timeout=5\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(Ask(gw, Get("/")), "200 ");
  gw.loop().Advance(3900ms);
  EXPECT_EQ(Ask(gw, Get("/")), "200 ");
  EXPECT_EQ(one.server().size(), 1u);
  gw.loop().Advance(4100ms);
  EXPECT_EQ(Ask(gw, Get("/")), "200 ");
  EXPECT_EQ(one.server().size(), 2u);
  one.answer = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n";
  Ask(gw, Get("/"));
  EXPECT_EQ(one.server().size(), 2u);
  Ask(gw, Get("/"));
  EXPECT_EQ(one.server().size(), 3u) << "it was not kept at all";
}

TEST(Servers, WhatCannotBeRepeatedGetsAFreshConnectionAfterAWhile) {
  TestGateway gw(kOneServer);
  Node one(gw, 1);
  const std::string post = Get("/", "Content-Length: 0\r\n", "POST");
  Ask(gw, post);
  gw.loop().Advance(1900ms);
  Ask(gw, post);
  EXPECT_EQ(one.server().size(), 1u);
  gw.loop().Advance(2100ms);
  Ask(gw, post);
  EXPECT_EQ(one.server().size(), 2u);
  gw.loop().Advance(10s);
  Ask(gw, Get("/"));
  EXPECT_EQ(one.server().size(), 2u) << "a GET can be sent again";
}

// ---- health

// Runs checks as the process does, and tells the gateway.
class Checks final : private backend::HealthChecks::Owner {
 public:
  explicit Checks(TestGateway& gw) : gw_(gw) { checks_.Watch(gw.serving()->backends); }

 private:
  void OnServerDown(const backend::BackendRecord& backend,
                    const std::shared_ptr<backend::ServerRecord>& server) override {
    if (backend.config->on_down == config::OnDown::kClose) gw_.gateway().CloseSessionsOf(server);
  }
  TestGateway& gw_;
  tls::Scratch scratch_;
  backend::HealthChecks::Owner& owner_ = *this;
  backend::HealthChecks checks_{{gw_.loop().io(), scratch_, gw_.log(), ""}, owner_};
};

TEST(Servers, SessionsOfAServerThatFellAreClosedWhereTheBackendSaysSo) {
  for (const bool close : {true, false}) {
    TestGateway gw(Config("ws",
                          "    health: { interval: 1s, fall: 2 }\n    on_down: " +
                              std::string(close ? "close" : "keep"),
                          "drain_spread: 2s"));
    Nodes nodes(gw);
    const Checks checks(gw);
    std::vector<std::unique_ptr<GatewayClient>> clients;
    for (int i = 0; i < 3; ++i) {
      clients.push_back(Keep([&] { return gw.Connect(); }));
      EXPECT_EQ(clients.back()->Upgrade("/").status, 101);
    }
    gw.network().HangConnects(nodes.one.address);
    gw.loop().Advance(8s);
    EXPECT_EQ(clients[0]->ReceivedClose(), close ? 1012 : 0);
    EXPECT_EQ(clients[1]->ReceivedClose(), 0);
    EXPECT_EQ(clients[2]->ReceivedClose(), 0);
    for (int i = 0; i < 4; ++i) {
      clients.push_back(Keep([&] { return gw.Connect(); }));
      EXPECT_EQ(clients.back()->Upgrade("/").status, 101) << "of another server";
    }
  }
}

TEST(Servers, WhereARouteSplitsItsClientsOnDownIsThatOfTheirBackend) {
  TestGateway gw(R"(
drain_spread: 2s
backends:
  a: { servers: [ "tcp://127.0.0.1:7001" ], health: { interval: 1s, fall: 1 }, on_down: close }
  b: { servers: [ "tcp://127.0.0.1:7002" ], health: { interval: 1s, fall: 1 } }
routes: [ { path: /*, split: [ { backend: a, weight: 50 }, { backend: b, weight: 50 } ] } ]
)");
  const Checks checks(gw);
  TestServer one(gw.network(), Address("127.0.0.1:7001"));
  TestServer two(gw.network(), Address("127.0.0.1:7002"));
  std::vector<std::unique_ptr<GatewayClient>> clients;
  for (int i = 1; i <= 20; ++i) {
    clients.push_back(
        Keep([&] { return gw.Connect(0, Address("127.0.1." + std::to_string(i) + ":1")); }));
    EXPECT_EQ(clients.back()->Upgrade("/").status, 101);
  }
  const std::uint64_t of_a = gw.server_stats(0).sessions_open.Get();
  EXPECT_GT(of_a, 0u);
  EXPECT_LT(of_a, 20u);
  gw.network().HangConnects(Address("127.0.0.1:7001"));
  gw.network().HangConnects(Address("127.0.0.1:7002"));
  gw.loop().Advance(8s);
  EXPECT_EQ(gw.log().Count("server down"), 2u);
  std::uint64_t closed = 0;
  for (auto& client : clients) closed += client->ReceivedClose() == 1012 ? 1 : 0;
  EXPECT_EQ(closed, of_a) << "and none of the other backend";
}

TEST(Servers, AllDownIs503AtOnce) {
  TestGateway gw(Config("ws", "    health: { interval: 1s, fall: 1 }"));
  const Checks checks(gw);
  gw.loop().Advance(3s);
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/").status, 503);
  EXPECT_EQ(gw.server_stats(0).connect_failures.Get(), 0u) << "checks are not clients";
}

}  // namespace
}  // namespace upgate::test::servers_test
