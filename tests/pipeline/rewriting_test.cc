// What routes change of requests to servers and of responses; splits; upgrades to other protocols.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/ws/handshake.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::rewriting_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"(
backends:
  site: { servers: [ "http://127.0.0.1:7000" ] }
  next: { servers: [ "http://127.0.0.1:7001" ] }
  live: { servers: [ "ws://127.0.0.1:7002" ] }
  bytes: { servers: [ "tcp://127.0.0.1:7003" ] }
routes:
  - path: /m/*
    name: mounted
    backend: site
    strip_prefix: /m
    rewrite_host: internal.example
    request_headers: { set: { X-Client: "{client}", X-Session: "{session}" }, remove: [ X-Debug ] }
    response_headers:
      set: { X-Route: "{route}", X-Session: "{session}" }
      remove: [ X-Powered-By ]
    upgrades: [ custom ]
    limits: { close_timeout: 5s, idle: 1m, sessions: 1 }
  - path: /live/*
    backend: live
    strip_prefix: /live
    request_headers: { set: { X-Session: "{session}" } }
    response_headers: { set: { X-Session: "{session}" } }
  - { path: /bytes, backend: bytes, response_headers: { set: { X-Session: "{session}" } } }
  - { path: /echo, plugin: echo, response_headers: { add: { X-A: "1" } } }
  - { path: /gone, backend: next, response_headers: { set: { X-Route: gone } } }
  - path: '~^/f(.*)$'
    backend: site
    rewrite_path: { to: "/pub/{capture.1}" }
  - path: /split/*
    split: [ { backend: site, weight: 50 }, { backend: next, weight: 50 } ]
)";

std::string Get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a.example\r\n" + std::string(fields) +
         "\r\n";
}

std::string FieldOf(const std::string& head, std::string_view name) {
  const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return "none";
  const std::size_t begin = at + 4 + name.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

const std::string kOk =
    "HTTP/1.1 200 OK\r\nX-Powered-By: PHP\r\nX-Route: forged\r\nContent-Length: 0\r\n\r\n";

TEST(RewritingPipeline, RequestAndResponseOfAServer) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect(0, Address("192.0.2.7:4000"));
  client.Send(Get("/m/a%20b?q=1", "X-Client: forged\r\nX-Session: 9\r\nx-debug: 1\r\n"));
  ASSERT_EQ(site.size(), 1u);
  const std::string request = site[0].TakeReceived();
  EXPECT_TRUE(request.starts_with("GET /a%20b?q=1 HTTP/1.1\r\nHost: internal.example\r\n"))
      << request;
  EXPECT_EQ(FieldOf(request, "X-Client"), "192.0.2.7");
  EXPECT_EQ(FieldOf(request, "X-Session"), "none");
  EXPECT_EQ(FieldOf(request, "x-debug"), "none");
  EXPECT_EQ(FieldOf(request, "X-Forwarded-Host"), "a.example");
  EXPECT_EQ(request.find("forged"), std::string::npos);
  site[0].Send(kOk);
  gw.loop().RunUntilIdle();
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Get("X-Route"), "mounted");
  EXPECT_FALSE(head.Get("X-Powered-By"));
  EXPECT_FALSE(head.Get("X-Session"));
}

TEST(RewritingPipeline, InterimResponsesOnlyLoseFields) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(Get("/m/a"));
  site[0].Send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Powered-By: PHP\r\n\r\n" + kOk);
  gw.loop().RunUntilIdle();
  const ResponseHead early = client.Head();
  EXPECT_EQ(early.status, 103);
  EXPECT_EQ(early.Get("Link"), "</a>");
  EXPECT_FALSE(early.Get("X-Powered-By"));
  EXPECT_FALSE(early.Get("X-Route"));
  EXPECT_EQ(client.Head().Get("X-Route"), "mounted");
}

TEST(RewritingPipeline, TheGatewaysOwnAnswersAreChangedToo) {
  TestGateway gw(kConfig);
  auto client = gw.Connect();
  client.Send(Get("/gone"));
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 502);
  EXPECT_EQ(head.Get("X-Route"), "gone");
}

TEST(RewritingPipeline, APathThatLeavesItsFolderIsRefused) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  for (const std::string path : {"/f..", "/f..%2Fsecret", "/f%2e%2e/secret"}) {
    auto client = gw.Connect();
    client.Send(Get(path));
    EXPECT_EQ(client.Head().status, 400) << path;
  }
  EXPECT_EQ(site.size(), 0u);
  auto client = gw.Connect();
  client.Send(Get("/f/x"));
  ASSERT_EQ(site.size(), 1u);
  EXPECT_TRUE(site[0].received().starts_with("GET /pub/x HTTP/1.1\r\n")) << site[0].received();
}

std::string AcceptOf(const std::string& request, std::string_view extra = "") {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         ws::AcceptKey(FieldOf(request, "Sec-WebSocket-Key")) + "\r\n" + std::string(extra) +
         "\r\n";
}

TEST(RewritingPipeline, WebSocketServersAndThe101) {
  TestGateway gw(kConfig);
  for (const auto& [path, port, sent] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"/live/chat?room=1", "127.0.0.1:7002", "/chat?room=1"},
           {"/m/chat", "127.0.0.1:7000", "/chat"}}) {
    TestServer server(gw.network(), Address(port));
    auto client = gw.Connect();
    client.Send(UpgradeRequest(path, "gateway.test", "X-Session: 99\r\n"));
    ASSERT_EQ(server.size(), 1u);
    const std::string request = server[0].TakeReceived();
    EXPECT_TRUE(request.starts_with("GET " + sent + " HTTP/1.1\r\n")) << request;
    const std::string session = FieldOf(request, "X-Session");
    EXPECT_NE(session, "none");
    EXPECT_NE(session, "99");
    server[0].Send(AcceptOf(request, "X-Session: forged\r\nX-Powered-By: PHP\r\n"));
    gw.loop().RunUntilIdle();
    const ResponseHead head = client.Head();
    EXPECT_EQ(head.status, 101);
    EXPECT_EQ(head.Get("X-Session"), session);
    EXPECT_TRUE(head.Get("Sec-WebSocket-Accept"));
    // It is the number that the gateway gave the session.
    EXPECT_NE(gw.gateway().FindSession(std::stoull(session)), nullptr);
  }
}

TEST(RewritingPipeline, The101OfByteServersAndServices) {
  TestGateway gw(kConfig);
  TestServer bytes(gw.network(), Address("127.0.0.1:7003"));
  auto client = gw.Connect();
  const ResponseHead head = client.Upgrade("/bytes");
  EXPECT_EQ(head.status, 101);
  EXPECT_NE(gw.gateway().FindSession(std::stoull(head.Get("X-Session").value_or("0"))), nullptr);
  auto echo = gw.Connect();
  EXPECT_EQ(echo.Upgrade("/echo").Get("X-A"), "1");
}

TEST(RewritingPipeline, ASplitIsByTheAddressOfTheClient) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  TestServer next(gw.network(), Address("127.0.0.1:7001"));
  for (TestServer* server : {&site, &next}) {
    server->OnConnection([](TestPeer& peer) {
      peer.OnReceive([](TestPeer& self, std::string_view) { self.Send(kOk); });
    });
  }
  const auto received = [&] {
    std::size_t size = 0;
    for (std::size_t i = 0; i < next.size(); ++i) size += next[i].received().size();
    return size;
  };
  // Whether such a client comes to the second backend.
  const auto comes_to_next = [&](const std::string& address) {
    const std::size_t before = received();
    auto client = gw.Connect(0, Address(address));
    client.Send(Get("/split/x"));
    EXPECT_EQ(client.Head().status, 200);
    return received() > before;
  };
  std::size_t moved = 0;
  std::size_t of_next = 0;
  for (int i = 1; i <= 40; ++i) {
    const std::string ip = "192.0.2." + std::to_string(i);
    const bool first = comes_to_next(ip + ":1000");
    moved += comes_to_next(ip + ":2000") != first;
    of_next += first;
  }
  EXPECT_EQ(moved, 0u);
  EXPECT_GT(of_next, 8u);
  EXPECT_LT(of_next, 32u);
}

// ---- upgrades to other protocols

std::string CustomRequest(std::string_view fields = "") {
  return "POST /m/ctl HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: Custom\r\n"
         "Content-Length: 0\r\n" +
         std::string(fields) + "\r\n";
}

constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: custom\r\nConnection: upgrade\r\n"
    "X-Powered-By: PHP\r\nX-Own: 1\r\n\r\n";

struct Switched {
  explicit Switched(TestGateway& gw)
      : site(gw.network(), Address("127.0.0.1:7000")), client(gw.Connect()) {
    client.Send(CustomRequest());
    EXPECT_EQ(site.size(), 1u);
    request = site[0].TakeReceived();
    site[0].Send(std::string(kSwitch) + "hello");
    gw.loop().RunUntilIdle();
    head = client.Head();
  }
  TestServer site;
  GatewayClient client;
  std::string request;
  ResponseHead head;
};

TEST(OtherUpgrades, AreRelayedAsBytes) {
  TestGateway gw(kConfig);
  Switched to(gw);
  EXPECT_TRUE(to.request.starts_with("POST /ctl HTTP/1.1\r\nHost: internal.example\r\n"))
      << to.request;
  EXPECT_EQ(FieldOf(to.request, "Upgrade"), "custom");
  EXPECT_EQ(FieldOf(to.request, "Connection"), "Upgrade");
  EXPECT_EQ(FieldOf(to.request, "Content-Length"), "0");
  EXPECT_EQ(FieldOf(to.request, "X-Session"), "1");
  EXPECT_EQ(to.head.status, 101);
  EXPECT_EQ(to.head.Get("Upgrade"), "custom");
  EXPECT_EQ(to.head.Get("Connection"), "Upgrade");
  EXPECT_EQ(to.head.Get("X-Own"), "1");
  EXPECT_EQ(to.head.Get("X-Session"), "1");
  EXPECT_FALSE(to.head.Get("X-Powered-By"));
  EXPECT_EQ(to.client.Rest(), "hello");
  to.client.Send(std::string("\0\xff any bytes", 12));
  EXPECT_EQ(to.site[0].TakeReceived(), std::string("\0\xff any bytes", 12));
  to.site[0].Send("answer");
  gw.loop().RunUntilIdle();
  EXPECT_EQ(to.client.peer().TakeReceived(), "answer");
  EXPECT_EQ(gw.gateway().sessions(), 1u);
  EXPECT_EQ(gw.route_stats().in.bytes.Get(), 12u);
  EXPECT_EQ(gw.route_stats().out.bytes.Get(), 11u);
  to.client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(to.site[0].ended());
  to.site[0].Send("last");
  to.site[0].Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(to.client.peer().TakeReceived(), "last");
  EXPECT_TRUE(to.client.peer().ended());
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(OtherUpgrades, AnEndThatStaysSilentBehindAFinIsNotWaitedFor) {
  TestGateway gw(kConfig);
  Switched to(gw);
  to.client.peer().Shutdown();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(gw.gateway().sessions(), 1u);
  // As long as it goes on sending, it is.
  for (int i = 0; i < 4; ++i) {
    gw.loop().Advance(3s);
    to.site[0].Send("x");
    gw.loop().RunUntilIdle();
  }
  EXPECT_EQ(gw.gateway().sessions(), 1u);
  gw.loop().Advance(11s);
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(OtherUpgrades, ABrokenEndBreaksTheOther) {
  TestGateway gw(kConfig);
  Switched to(gw);
  to.site[0].Reset();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(to.client.peer().done());
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(OtherUpgrades, LimitsOfTheRouteApply) {
  TestGateway gw(kConfig);
  Switched to(gw);
  auto second = gw.Connect();
  second.Send(CustomRequest());
  EXPECT_EQ(second.Head().status, 503);
  gw.loop().Advance(61s);
  gw.loop().Advance(6s);
  EXPECT_TRUE(to.client.peer().done());
  EXPECT_EQ(gw.gateway().sessions(), 0u);
}

TEST(OtherUpgrades, AnotherAnswerGoesToTheClientWhole) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(CustomRequest());
  site[0].Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  gw.loop().RunUntilIdle();
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 403);
  EXPECT_EQ(client.Body(head), "no");
  // What the client may already have sent of its protocol is no request.
  EXPECT_EQ(head.Get("Connection"), "close");
}

TEST(OtherUpgrades, AServerCannotSwitchToWhatWasNotAskedFor) {
  for (const std::string protocol : {"other", "h2c", "websocket"}) {
    TestGateway gw(kConfig);
    TestServer site(gw.network(), Address("127.0.0.1:7000"));
    auto client = gw.Connect();
    client.Send(CustomRequest());
    site[0].Send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol +
                 "\r\nConnection: upgrade\r\n\r\n");
    gw.loop().RunUntilIdle();
    EXPECT_EQ(client.Head().status, 502) << protocol;
  }
}

TEST(OtherUpgrades, OnlyWhatTheRouteListsAndRequestsCanAskFor) {
  TestGateway gw(kConfig);
  TestServer site(gw.network(), Address("127.0.0.1:7000"));
  TestServer next(gw.network(), Address("127.0.0.1:7001"));  // the other share of the split
  const auto sent = [&](const std::string& request) {
    auto client = gw.Connect();
    const std::size_t before[] = {site.size(), next.size()};
    client.Send(request);
    if (site.size() > before[0]) return FieldOf(site[before[0]].received(), "Upgrade");
    return next.size() > before[1] ? FieldOf(next[before[1]].received(), "Upgrade") : "nothing";
  };
  const auto get = [](const std::string& fields) {
    return "GET /m/x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
  };
  EXPECT_EQ(sent(get("Connection: upgrade\r\nUpgrade: h2c, custom\r\n")), "custom");
  EXPECT_EQ(sent(get("Connection: upgrade\r\nUpgrade: h2c\r\n")), "none");
  EXPECT_EQ(sent(get("Connection: upgrade\r\nUpgrade: customs\r\n")), "none");
  EXPECT_EQ(sent(get("Upgrade: custom\r\n")), "none");
  EXPECT_EQ(sent("GET /m/x HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: custom\r\n\r\n"), "none");
  EXPECT_EQ(sent("POST /m/x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: custom\r\n"
                 "Content-Length: 1\r\n\r\nx"),
            "none");
  EXPECT_EQ(sent("GET /split/x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: custom\r\n"
                 "\r\n"),
            "none");
}

}  // namespace
}  // namespace upgate::test::rewriting_test
