// Reloading the configuration while sessions are open.
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"

namespace upgate::test::reload_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kServerAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

// Accepts every handshake, and answers ordinary requests with their number on the connection.
void ServeWebSocket(TestServer& server) {
  server.OnConnection([](TestPeer& peer) {
    peer.OnReceive(
        [head = std::string(), up = false](TestPeer& self, std::string_view bytes) mutable {
          if (up) return;
          head += bytes;
          if (head.find("\r\n\r\n") == std::string::npos) return;
          up = head.find("Upgrade: websocket") != std::string::npos;
          self.Send(up ? kServerAnswer : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
          head.clear();
        });
  });
}

std::string Told(const std::vector<ParsedFrame>& frames) {
  std::string all;
  for (const ParsedFrame& frame : frames) {
    if (frame.opcode == kText) all += frame.payload + ";";
    if (frame.opcode == kClose) all += "closed " + std::to_string(frame.close_code().value_or(0));
  }
  return all;
}

// The session answers, so it is open.
bool Echoes(GatewayClient& client) {
  client.Frames();
  client.Send(TextFrame("still there?"));
  return Told(client.Frames()) == "still there?;";
}

class ReloadTest : public testing::Test {
 protected:
  static constexpr std::string_view kEcho = "routes: [ { path: /echo, plugin: echo } ]\n";

  // What happens to a session of `before` when `after` replaces it; "" if it stays open.
  static std::string FateOf(std::string_view before, std::string_view after,
                            io::Millis time = io::Millis{0}) {
    TestGateway gw(before);
    TestServer server(gw.network(), Address("127.0.0.1:7000"));
    ServeWebSocket(server);
    auto client = gw.Connect();
    if (client.Upgrade("/a").status != 101) return "no session";
    gw.Reload(after);
    gw.loop().Advance(time);
    return Told(client.Frames());
  }
};

// ---- sessions and state that stay

TEST_F(ReloadTest, ASessionOfARouteThatStaysIsUntouched) {
  TestGateway gw("routes: [ { path: /echo, plugin: echo }, { path: /old, plugin: echo } ]");
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  ASSERT_TRUE(Echoes(client));
  for (int i = 0; i < 3; ++i)
    gw.Reload(
        "routes: [ { path: /new, plugin: echo }, { path: /echo, plugin: echo } ]\n"
        "http: { idle_timeout: 7s }");
  gw.loop().Advance(20s);
  EXPECT_TRUE(Echoes(client));
  EXPECT_EQ(gw.log().Count("session close"), 0u);
  EXPECT_EQ(gw.route_stats(1).sessions_open.Get(), 1u) << "by name, not by place";
  EXPECT_EQ(gw.route_stats(1).in.text_messages.Get(), 2u);
}

TEST_F(ReloadTest, AMessageInTheMiddleOfAReloadArrivesWhole) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  const std::string message = TextFrame("half and half");
  client.Send(message.substr(0, 9));
  gw.Reload(std::string(kEcho) + "drain_spread: 1s");
  client.Send(message.substr(9));
  EXPECT_EQ(Told(client.Frames()), "half and half;");
}

TEST_F(ReloadTest, OptionsOfARouteHoldForNewSessionsOnly) {
  TestGateway gw("routes: [ { path: /echo, plugin: echo, limits: { message_size: 10 } } ]");
  auto before = gw.Connect();
  ASSERT_EQ(before.Upgrade("/echo").status, 101);
  // A service gets the limits, so other limits make another service.
  gw.Reload(
      "routes: [ { path: /echo, plugin: echo, limits: { message_size: 20 }, on_change: keep } ]");
  auto after = gw.Connect();
  ASSERT_EQ(after.Upgrade("/echo").status, 101);
  after.Send(TextFrame("fifteen bytes.."));
  EXPECT_EQ(Told(after.Frames()), "fifteen bytes..;");
}

TEST_F(ReloadTest, OptionsOfARouteToABackendLeaveItsSessionsAlone) {
  EXPECT_EQ(FateOf("backends: { b: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
                   "routes: [ { path: /a, backend: b } ]",
                   "backends: { b: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
                   "routes: [ { path: /a, backend: b, limits: { message_size: 9 } } ]",
                   1min),
            "");
}

TEST_F(ReloadTest, AServerThatIsAddedLeavesSessionsWithTheOthersAlone) {
  EXPECT_EQ(FateOf("backends: { b: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
                   "routes: [ { path: /a, backend: b } ]",
                   "backends: { b: { servers: [ \"ws://127.0.0.1:7001\", \"ws://127.0.0.1:7000\" ],"
                   " connect_timeout: 1s } }\n"
                   "routes: [ { path: /a, backend: b } ]",
                   1min),
            "");
}

TEST_F(ReloadTest, TheLimitOfARouteCountsSessionsOfBefore) {
  TestGateway gw(kEcho);
  auto first = gw.Connect();
  ASSERT_EQ(first.Upgrade("/echo").status, 101);
  gw.Reload("routes: [ { path: /echo, plugin: echo, limits: { sessions: 1 }, on_change: keep } ]");
  auto second = gw.Connect();
  EXPECT_EQ(second.Upgrade("/echo").status, 503);
  first.peer().Close();
  gw.loop().RunUntilIdle();
  auto third = gw.Connect();
  EXPECT_EQ(third.Upgrade("/echo").status, 101);
}

TEST_F(ReloadTest, RoomsOfABroadcastThatStaysGoOn) {
  TestGateway gw("workers: 2\nroutes: [ { path: /chat/*, plugin: broadcast } ]");
  auto here = gw.ConnectToLoop(0);
  auto there = gw.ConnectToLoop(1);
  ASSERT_EQ(here.Upgrade("/chat/room").status, 101);
  ASSERT_EQ(there.Upgrade("/chat/room").status, 101);
  gw.Reload(
      "workers: 2\nroutes: [ { path: /, plugin: echo }, { path: /chat/*, plugin: broadcast } ]");
  auto later = gw.ConnectToLoop(1);
  ASSERT_EQ(later.Upgrade("/chat/room").status, 101);
  here.Send(TextFrame("hello"));
  EXPECT_EQ(Told(there.Frames()), "hello;");
  EXPECT_EQ(Told(later.Frames()), "hello;");
}

TEST_F(ReloadTest, AKeptAliveConnectionToAnUnchangedServerIsUsedOn) {
  constexpr std::string_view kSite =
      "backends: { site: { servers: [ \"http://127.0.0.1:7000\" ] } }\n"
      "routes: [ { path: /*, backend: site } ]\n";
  TestGateway gw(kSite);
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  ServeWebSocket(server);
  auto client = gw.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(client.Head().status, 200);
  gw.Reload(std::string(kSite) + "drain_spread: 1s");
  auto next = gw.Connect();
  next.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(next.Head().status, 200);
  EXPECT_EQ(server.size(), 1u);
}

// ---- sessions that are closed

TEST_F(ReloadTest, SessionsOfARouteThatIsGoneAreDrained) {
  constexpr std::string_view kBoth =
      "routes: [ { path: /a, plugin: echo }, { path: /b, plugin: echo } ]";
  constexpr std::string_view kOne = "routes: [ { path: /b, plugin: echo } ]";
  EXPECT_EQ(FateOf(kBoth, kOne), "") << "not at once";
  EXPECT_EQ(FateOf(kBoth, kOne, 10s), "closed 1012");
}

TEST_F(ReloadTest, OnChangeSaysWhatBecomesOfThem) {
  constexpr std::string_view kOther = "routes: [ { path: /b, plugin: echo } ]";
  EXPECT_EQ(FateOf("routes: [ { path: /a, plugin: echo, on_change: close } ]", kOther),
            "closed 1012");
  EXPECT_EQ(FateOf("routes: [ { path: /a, plugin: echo, on_change: keep } ]", kOther, 1h), "");
}

TEST_F(ReloadTest, OnChangeOfTheNewConfigurationDecidesIfTheRouteIsStillThere) {
  const auto config = [](std::string_view server, std::string_view on_change,
                         std::string_view more = "") {
    return fmt::format(
        "backends: {{ b: {{ servers: [ \"ws://127.0.0.1:{}\" ] }} }}\n"
        "routes: [ {{ path: /a, backend: b, on_change: {} }} ]\n{}",
        server, on_change, more);
  };
  EXPECT_EQ(FateOf(config("7000", "close"), config("7001", "keep"), 1h), "");
  EXPECT_EQ(FateOf(config("7000", "keep"), config("7001", "close")), "closed 1012");
  EXPECT_EQ(FateOf(config("7000", "close"), config("7001", "drain", "drain_spread: 30s")), "");
  EXPECT_EQ(FateOf(config("7000", "close"), config("7001", "drain", "drain_spread: 30s"), 30s),
            "closed 1012");
}

TEST_F(ReloadTest, ARouteThatLeadsElsewhereEndsItsSessions) {
  constexpr std::string_view kBefore =
      "backends: { b: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
      "routes: [ { path: /a, backend: b, on_change: close } ]";
  EXPECT_EQ(FateOf(kBefore, "routes: [ { path: /a, plugin: echo, on_change: close } ]"),
            "closed 1012");
  EXPECT_EQ(FateOf(kBefore,
                   "backends: { c: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
                   "routes: [ { path: /a, backend: c, on_change: close } ]"),
            "closed 1012");
  EXPECT_EQ(FateOf(kBefore,
                   "backends: { b: { servers: [ \"ws://127.0.0.1:7001\" ] } }\n"
                   "routes: [ { path: /a, backend: b, on_change: close } ]"),
            "closed 1012")
      << "the server is gone";
}

TEST_F(ReloadTest, AServiceWithOtherOptionsIsAnotherOne) {
  EXPECT_EQ(FateOf("routes: [ { path: /a, plugin: broadcast, on_change: close } ]",
                   "routes: [ { path: /a, plugin: broadcast, options: { to_sender: true }, "
                   "on_change: close } ]"),
            "closed 1012");
}

TEST_F(ReloadTest, AListenerThatIsGoneEndsItsSessionsAndTakesNobody) {
  const std::string first = "listeners: [ { address: \"127.0.0.1:80\" } ]\n";
  const std::string both =
      "listeners: [ { address: \"127.0.0.1:80\" }, { address: \"127.0.0.1:81\" } ]\n";
  const std::string routes = "routes: [ { path: /echo, plugin: echo, on_change: close } ]\n";
  TestGateway gw(both + routes);
  auto stays = gw.Connect(0);
  auto goes = gw.Connect(1);
  ASSERT_EQ(stays.Upgrade("/echo").status, 101);
  ASSERT_EQ(goes.Upgrade("/echo").status, 101);
  auto idle = gw.Connect(1);
  gw.loop().RunUntilIdle();
  gw.Reload(first + routes);
  EXPECT_EQ(Told(goes.Frames()), "closed 1012");
  EXPECT_TRUE(Echoes(stays));
  gw.loop().Advance(1s);
  EXPECT_TRUE(idle.peer().done());
  TestPeer refused(gw.network(), Address("127.0.0.1:81"));
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(refused.error());
  goes.Send(CloseFrame(1012));
  goes.peer().Close();
  gw.loop().Advance(1min);
  EXPECT_EQ(gw.listeners().retired(), 0u);
  gw.Reload(both + routes);
  auto back = gw.Connect(1);
  EXPECT_EQ(back.Upgrade("/echo").status, 101) << "it may come again";
}

TEST_F(ReloadTest, ARequestEndsUnderTheConfigurationThatItBeganWith) {
  TestGateway gw(
      "backends: { site: { servers: [ \"http://127.0.0.1:7000\" ] } }\n"
      "routes: [ { path: /*, backend: site } ]");
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(server.size(), 1u);
  gw.Reload(kEcho);
  server[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
  gw.loop().RunUntilIdle();
  const ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(client.Body(head), "late");
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Head().status, 404) << "the next one, on the same connection";
}

TEST_F(ReloadTest, AHandshakeThatIsOverAfterItsRouteIsGoneBecomesASessionThatIsEnded) {
  TestGateway gw(
      "backends: { b: { servers: [ \"ws://127.0.0.1:7000\" ] } }\n"
      "routes: [ { path: /a, backend: b, on_change: close } ]");
  TestServer server(gw.network(), Address("127.0.0.1:7000"));
  auto client = gw.Connect();
  client.Send(UpgradeRequest("/a", "gateway.test"));
  ASSERT_EQ(server.size(), 1u);
  gw.Reload(kEcho);
  server[0].Send(kServerAnswer);
  gw.loop().RunUntilIdle();
  EXPECT_EQ(client.Head().status, 101);
  EXPECT_EQ(client.ReceivedClose(), 1012u);
}

TEST_F(ReloadTest, ClosesOfADrainAreSpreadEvenly) {
  TestGateway gw("drain_spread: 10s\nroutes: [ { path: /a, plugin: echo } ]");
  std::deque<GatewayClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(gw.loop(), Address("127.0.0.1:80"));
    ASSERT_EQ(clients.back().Upgrade("/a").status, 101);
  }
  gw.Reload(kEcho);
  std::set<GatewayClient*> closed;
  for (int second = 1; second <= 10; ++second) {
    gw.loop().Advance(1s);
    for (GatewayClient& client : clients) {
      if (client.ReceivedClose() != 0) closed.insert(&client);
    }
    EXPECT_EQ(closed.size(), static_cast<std::size_t>(10 * second)) << second;
  }
}

TEST_F(ReloadTest, ARouteThatComesBackInTimeKeepsItsSessions) {
  constexpr std::string_view kBoth =
      "routes: [ { path: /a, plugin: echo }, { path: /echo, plugin: echo } ]";
  TestGateway gw(kBoth);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  auto other = gw.Connect();
  ASSERT_EQ(other.Upgrade("/a").status, 101);
  gw.Reload(
      "backends: { b: { servers: [ \"ws://127.0.0.1:1\" ] } }\n"
      "routes: [ { path: /echo, plugin: echo }, { path: /a, backend: b } ]");
  gw.Reload(kEcho);
  gw.loop().Advance(10s);
  EXPECT_TRUE(Echoes(client));
  EXPECT_EQ(other.ReceivedClose(), 1012u);
}

// ---- resources that are released

TEST_F(ReloadTest, AGenerationThatNothingHoldsIsGone) {
  TestGateway gw(kEcho);
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/echo").status, 101);
  std::vector<std::weak_ptr<const upgrade::Generation>> generations;
  for (int i = 0; i < 100; ++i) {
    generations.push_back(gw.generation());
    gw.Reload("routes: [ { path: /echo, plugin: echo }, { path: /" + std::to_string(i) +
              ", plugin: echo } ]");
  }
  for (const auto& one : generations) EXPECT_TRUE(one.expired());
  EXPECT_TRUE(Echoes(client));
}

// Each reload changes one part of the configuration; that part is used on by all generations after
// it.
TEST_F(ReloadTest, APartThatStaysKeepsNoOtherPartAlive) {
  const auto config = [](int changed) {
    const auto part = [&](int n, std::string_view old, std::string_view changed_to) {
      return std::string(n <= changed ? changed_to : old);
    };
    return "listeners: [ { address: \"127.0.0.1:80\", backlog: " + part(1, "10", "20") + " } ]\n" +
           "backends:\n" + "  live: { servers: [ \"tcp://127.0.0.1:7000\" ], connect_timeout: " +
           part(2, "1s", "2s") + " }\n" + "routes:\n" +
           "  - { path: /live, backend: live, require_origin: " + part(3, "true", "false") +
           " }\n" + "  - { path: /echo, plugin: echo, limits: { idle: " + part(4, "1h", "2h") +
           " } }\n" +
           "  - { path: /t, resolver: token_file, options: { file: /dev/null, from: [ \"path\" ], "
           "allow: [ \"127.0.0.1:" +
           part(5, "1", "2") + "\" ] } }\n";
  };
  TestGateway gw(config(0));
  std::vector<std::weak_ptr<const config::Config>> used{gw.serving()->config};
  for (int changed = 1; changed <= 6; ++changed) {
    gw.Reload(config(changed));
    used.push_back(gw.serving()->config);
  }
  for (std::size_t i = 0; i + 1 < used.size(); ++i) EXPECT_TRUE(used[i].expired()) << i;
}

TEST_F(ReloadTest, NumbersOfARouteThatIsGoneStayAsLongAsItsSessions) {
  TestGateway gw("routes: [ { path: /gone, plugin: echo, on_change: keep } ]");
  auto client = gw.Connect();
  ASSERT_EQ(client.Upgrade("/gone").status, 101);
  const auto mentioned = [&] {
    auto asker = gw.Connect();
    asker.Send("GET /stats HTTP/1.1\r\nHost: a\r\n\r\n");
    return asker.Body(asker.Head()).find("\"/gone\"") != std::string::npos;
  };
  gw.Reload("routes: [ { path: /stats, plugin: stats } ]");
  EXPECT_TRUE(mentioned());
  client.peer().Close();
  gw.loop().Advance(1min);
  EXPECT_FALSE(mentioned());
}

TEST_F(ReloadTest, AServiceThatNobodyUsesAnyMoreIsLetGo) {
  TestGateway gw("workers: 2\nroutes: [ { path: /chat/*, plugin: broadcast, on_change: keep } ]");
  auto here = gw.ConnectToLoop(0);
  auto there = gw.ConnectToLoop(1);
  ASSERT_EQ(here.Upgrade("/chat/room").status, 101);
  ASSERT_EQ(there.Upgrade("/chat/room").status, 101);
  const auto* service = gw.generation().lock()->routes[0]->service.get();
  gw.Reload("workers: 2\n" + std::string(kEcho));
  here.Send(TextFrame("among ourselves"));
  EXPECT_EQ(Told(there.Frames()), "among ourselves;");
  here.peer().Close();
  gw.loop().Advance(10s);
  EXPECT_NE(gw.gateway(0).routes().HostOf(*service), nullptr) << "the other loop counts on it";
  there.peer().Close();
  gw.loop().Advance(1min);
  EXPECT_EQ(gw.gateway(0).routes().HostOf(*service), nullptr);
  EXPECT_EQ(gw.gateway(1).routes().HostOf(*service), nullptr);
}

TEST_F(ReloadTest, AnErrorChangesNothing) {
  TestGateway gw(kEcho);
  EXPECT_ANY_THROW(gw.Reload("routes: [ { path: /x, plugin: nonsense } ]"));
  EXPECT_ANY_THROW(gw.Reload("routes: [ { path: /x, backend: nowhere } ]"));
  auto client = gw.Connect();
  EXPECT_EQ(client.Upgrade("/echo").status, 101);
}

}  // namespace
}  // namespace upgate::test::reload_test
