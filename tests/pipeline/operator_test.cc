// Operations through the admin address, with several loops.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/admin/operations.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::operator_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Json = nlohmann::json;

constexpr std::string_view kAdmin = "127.0.0.1:9901";

// An admin address with operations only.
class OperatorHandler final : public http::RequestHandler {
 public:
  explicit OperatorHandler(admin::Operations& operations) : operations_(operations) {}
  std::unique_ptr<http::ExchangeHandler> OnRequest(http::Exchange& exchange) override {
    return operations_.OnRequest(exchange);
  }
  void OnAnswer(int) override {}
  void OnConnectionError(const Error&) override {}

 private:
  admin::Operations& operations_;
};

class OperatorTest : public testing::Test {
 protected:
  explicit OperatorTest(std::string_view yaml = kThreeLoops) : gw_(yaml) {
    EXPECT_TRUE(front_.Listen(Address(std::string(kAdmin)), {}));
  }
  ~OperatorTest() override { front_.Abort(); }

  static constexpr std::string_view kThreeLoops = R"(
workers: 3
listeners: [ { address: "127.0.0.1:80" }, { address: "127.0.0.1:81" } ]
backends: { tcp: { servers: [ "tcp://127.0.0.1:7000", "tcp://127.0.0.1:7001" ] } }
routes:
  - { path: /echo, plugin: echo, subprotocols: [ a, b ] }
  - { path: /other, plugin: echo }
  - { path: /tcp, backend: tcp }
)";

  struct Answer {
    ResponseHead head;
    Json json;
    std::string error() const { return json.value("error", ""); }
  };
  static std::string Request(std::string_view line) {
    return std::string(line) + " HTTP/1.1\r\nHost: admin\r\n\r\n";
  }
  Answer Read(TestPeer& peer) {
    std::string bytes = peer.TakeReceived();
    Answer answer;
    answer.head = TakeResponseHead(bytes).value_or(ResponseHead{});
    answer.json = Json::parse(TakeBody(answer.head, bytes).value_or(""), nullptr, false);
    return answer;
  }
  Answer Ask(std::string_view line) {
    TestPeer peer(gw_.network(), Address(std::string(kAdmin)));
    peer.Send(Request(line));
    gw_.loop().RunUntilIdle();
    return Read(peer);
  }
  std::vector<std::uint64_t> Ids(std::string_view query = "") {
    std::vector<std::uint64_t> ids;
    const Answer answer = Ask("GET /sessions" + std::string(query));
    EXPECT_EQ(answer.head.status, 200) << answer.json;
    for (const Json& session : answer.json["sessions"]) ids.push_back(session["id"]);
    return ids;
  }
  using Client = std::unique_ptr<GatewayClient>;
  Client Open(std::size_t loop, std::string_view target, std::string_view extra = {}) {
    Client client(new GatewayClient(gw_.ConnectToLoop(loop)));
    EXPECT_EQ(client->Upgrade(target, extra).status, 101);
    return client;
  }

  // Declared before the gateway, because the loop's deferred deletions return places.
  CaptureLog log_;
  stats::ListenerStats admin_stats_;
  http::ClientPlaces places_{"admin", {}, admin_stats_, log_};
  TestGateway gw_;
  admin::Operations operations_{{.post = gw_.post(),
                                 .loops = gw_.workers(),
                                 .generation = [this] { return gw_.serving(); },
                                 .log = gw_.log()}};
  OperatorHandler handler_{operations_};
  tls::Scratch scratch_;
  http::Front front_{
      gw_.loop().io(), std::make_shared<http::ServerOptions>(), nullptr, {}, scratch_, handler_,
      places_};
};

// ---- finding sessions

TEST_F(OperatorTest, ListsTheSessionsOfAllLoopsInPages) {
  auto a = Open(0, "/echo");
  auto b = Open(1, "/echo");
  auto c = Open(2, "/other");
  auto d = Open(0, "/other");
  EXPECT_THAT(Ids(), ElementsAre(1, 2, 3, 4));
  const Answer first = Ask("GET /sessions?limit=3");
  EXPECT_EQ(first.json["total"], 4);
  EXPECT_EQ(first.json["next"], 3);
  EXPECT_THAT(Ids("?limit=3&after=3"), ElementsAre(4));
  EXPECT_TRUE(Ask("GET /sessions?limit=3&after=3").json["next"].is_null());
}

TEST_F(OperatorTest, TellsWhatIsKnownOfASession) {
  TestServer server(gw_.network(), Address("127.0.0.1:7000"));
  TestServer other(gw_.network(), Address("127.0.0.1:7001"));
  auto client = Open(0, "/tcp");
  client->Send(TextFrame("hello"));
  gw_.loop().Advance(7s);
  const Json session = Ask("GET /sessions/1").json;
  EXPECT_EQ(session["id"], 1);
  EXPECT_EQ(session["route"], "/tcp");
  EXPECT_EQ(session["server"], "tcp://127.0.0.1:7000");
  EXPECT_EQ(session["listener"], "127.0.0.1:80");
  EXPECT_EQ(session["dialect"], "rfc6455");
  EXPECT_EQ(session["age_s"], 7.0);
  EXPECT_EQ(session["idle_s"], 7.0);
  EXPECT_EQ(session["in"], Json({{"messages", 1}, {"bytes", 5}}));
  EXPECT_TRUE(session["rtt_ms"].is_null()) << "no ping was answered yet";
}

TEST_F(OperatorTest, TheRoundTripTimeIsThatOfTheGatewaysPing) {
  for (const std::string_view target : {"/echo", "/tcp"}) {
    TestServer server(gw_.network(), Address("127.0.0.1:7000"));
    auto client = Open(0, target);
    client->Frames();
    gw_.loop().Advance(30s);
    const auto frames = client->Frames();
    ASSERT_EQ(frames.size(), 1u);
    ASSERT_EQ(frames[0].opcode, kPing);
    gw_.loop().Advance(40ms);
    client->Send(PongFrame("not it"));
    const std::string id = std::to_string(Ids().back());
    EXPECT_TRUE(Ask("GET /sessions/" + id).json["rtt_ms"].is_null());
    gw_.loop().Advance(40ms);
    client->Send(PongFrame(frames[0].payload));
    EXPECT_EQ(Ask("GET /sessions/" + id).json["rtt_ms"], 80.0) << target;
  }
}

TEST_F(OperatorTest, FiltersNarrowTheListDown) {
  auto a = Open(0, "/echo", "Sec-WebSocket-Protocol: a\r\n");
  auto b = Open(1, "/echo", "Sec-WebSocket-Protocol: b\r\n");
  auto c = gw_.Connect(1, Address("10.1.2.3:4000"));
  ASSERT_EQ(c.Upgrade("/other").status, 101);
  EXPECT_THAT(Ids("?route=/echo"), ElementsAre(1, 2));
  EXPECT_THAT(Ids("?subprotocol=b"), ElementsAre(2));
  EXPECT_THAT(Ids("?subprotocol="), ElementsAre(4));
  EXPECT_THAT(Ids("?client=10.0.0.0/8"), ElementsAre(4));
  EXPECT_THAT(Ids("?client=10.1.2.3"), ElementsAre(4));
  EXPECT_THAT(Ids("?listener=127.0.0.1:81"), ElementsAre(4));
  EXPECT_THAT(Ids("?server=plugin:echo&route=/other"), ElementsAre(4));
  EXPECT_THAT(Ids("?route=/tcp"), ElementsAre());
}

TEST_F(OperatorTest, SortsByBytesAgeAndIdleness) {
  auto a = Open(2, "/other");
  gw_.loop().Advance(1s);
  auto b = Open(1, "/other");
  gw_.loop().Advance(1s);
  auto c = Open(0, "/other");
  a->Send(TextFrame("now"));
  b->Send(TextFrame("more than that"));
  gw_.loop().Advance(1s);
  c->Send(TextFrame("x"));
  EXPECT_THAT(Ids("?sort=bytes"), ElementsAre(2, 3, 1));
  EXPECT_THAT(Ids("?sort=age"), ElementsAre(3, 2, 1));
  EXPECT_THAT(Ids("?sort=idle"), ElementsAre(2, 3, 1));
  const Json page = Ask("GET /sessions?sort=age&limit=2").json;
  ASSERT_TRUE(page["next"].is_string());
  EXPECT_THAT(Ids("?sort=age&limit=2&after=" + page["next"].get<std::string>()), ElementsAre(1));
}

TEST_F(OperatorTest, MistakesAreToldWithWhatWouldBeRight) {
  const Answer wrong = Ask("GET /sessions?rute=/echo");
  EXPECT_EQ(wrong.head.status, 400);
  EXPECT_EQ(wrong.head.Get("Content-Type"), "application/json");
  EXPECT_THAT(wrong.error(), HasSubstr("did you mean 'route'"));
  const Answer unknown = Ask("GET /sessions?route=/ecko");
  EXPECT_EQ(unknown.head.status, 404);
  EXPECT_THAT(unknown.error(), HasSubstr("did you mean '/echo'"));
  EXPECT_EQ(Ask("GET /sessions/99").head.status, 404);
  EXPECT_EQ(Ask("GET /sessions/x").head.status, 404);
  EXPECT_EQ(Ask("PUT /sessions").head.status, 405);
  EXPECT_EQ(Ask("GET /drain?route=/echo").head.status, 405);
}

TEST_F(OperatorTest, AnyNumberOfSessionsIsLookedAtInSlices) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 3 * session::SessionTable::kSlice; ++i)
    clients.push_back(Open(i % 2, "/other"));
  EXPECT_EQ(Ask("GET /sessions?limit=1").json["total"], clients.size());
  std::size_t seen = 0;
  std::string after;
  for (bool more = true; more;) {
    const Json page = Ask("GET /sessions?limit=1000" + after).json;
    seen += page["sessions"].size();
    more = !page["next"].is_null();
    after = "&after=" + page["next"].dump();
  }
  EXPECT_EQ(seen, clients.size());
}

TEST_F(OperatorTest, AClientThatGoesAwayWhileItWaitsIsForgotten) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 2 * session::SessionTable::kSlice; ++i)
    clients.push_back(Open(i % 2, "/other"));
  for (int i = 0; i < 20; ++i) {
    auto peer = std::make_unique<TestPeer>(gw_.network(), Address(std::string(kAdmin)));
    peer->Send(Request("GET /sessions"));
    for (int turn = 0; turn < i; ++turn) gw_.loop().RunTurn();
    peer->Reset();
    gw_.loop().RunUntilIdle();
  }
  EXPECT_EQ(Ask("GET /sessions").head.status, 200);
}

TEST_F(OperatorTest, MoreThanAFewRequestsAtOnceAreTurnedDown) {
  // Enough sessions for a request to take several turns.
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 4 * session::SessionTable::kSlice; ++i)
    clients.push_back(Open(0, "/other"));
  std::vector<std::unique_ptr<TestPeer>> peers;
  for (std::size_t i = 0; i <= admin::Operations::kMostAtOnce; ++i) {
    peers.push_back(std::make_unique<TestPeer>(gw_.network(), Address(std::string(kAdmin))));
    peers.back()->Send(Request("GET /sessions"));
  }
  gw_.loop().RunUntilIdle();
  int busy = 0;
  for (auto& peer : peers) {
    const Answer answer = Read(*peer);
    if (answer.head.status == 200) continue;
    EXPECT_EQ(answer.head.status, 503);
    EXPECT_EQ(answer.head.Get("Retry-After"), "1");
    ++busy;
  }
  EXPECT_EQ(busy, 1);
  EXPECT_EQ(Ask("GET /sessions").head.status, 200);
}

// ---- closing sessions

TEST_F(OperatorTest, ClosesOneSessionByItsId) {
  auto a = Open(1, "/echo");
  auto b = Open(2, "/echo");
  const Answer answer = Ask("DELETE /sessions/2?code=4001&reason=go+away");
  EXPECT_EQ(answer.json, Json({{"closed", 1}}));
  const auto frames = a->Frames();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().close_code(), 4001);
  EXPECT_EQ(frames.back().close_reason(), "go away");
  EXPECT_TRUE(b->Frames().empty());
  EXPECT_EQ(gw_.log().Last("session closed by an operator", "id"), "2");
  EXPECT_THAT(gw_.log().Last("session closed by an operator", "by"), HasSubstr("127.0.0.1"));
  EXPECT_EQ(Ask("DELETE /sessions/77").head.status, 404);
}

TEST_F(OperatorTest, ClosesWhatAFilterSelectsAndNeverEverything) {
  auto a = Open(0, "/echo");
  auto b = Open(1, "/echo");
  auto c = Open(2, "/other");
  EXPECT_EQ(Ask("DELETE /sessions").head.status, 400);
  EXPECT_EQ(Ask("DELETE /sessions?code=1006&route=/echo").head.status, 400);
  EXPECT_EQ(Ask("DELETE /sessions?route=/ecko").head.status, 404);
  EXPECT_EQ(Ask("DELETE /sessions?route=/echo").json, Json({{"closed", 2}}));
  gw_.loop().Advance(1s);
  EXPECT_EQ(a->ReceivedClose(), 1008);
  EXPECT_EQ(b->ReceivedClose(), 1008);
  EXPECT_EQ(c->ReceivedClose(), 0);
  EXPECT_EQ(gw_.log().Last("sessions closed by an operator", "closed"), "2");
  EXPECT_EQ(Ask("DELETE /sessions?route=/tcp").json, Json({{"closed", 0}}));
}

TEST_F(OperatorTest, SpreadsTheClosesOverATime) {
  std::vector<Client> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(Open(0, "/echo"));
  EXPECT_EQ(Ask("DELETE /sessions?route=/echo&spread=10s").json["closed"], 30);
  const auto closed = [&] {
    int count = 0;
    for (auto& client : clients) count += client->ReceivedClose() != 0 ? 1 : 0;
    return count;
  };
  int before = closed();
  EXPECT_LE(before, 1);
  gw_.loop().Advance(5s);
  before += closed();
  EXPECT_GE(before, 13);
  EXPECT_LE(before, 17);
  gw_.loop().Advance(5s + 100ms);
  EXPECT_EQ(before + closed(), 30);
}

TEST_F(OperatorTest, ManyAreClosedInSeveralTurnsAndAllOfThem) {
  std::vector<Client> clients;
  for (std::size_t i = 0; i < 2 * upgrade::SpreadCloses::kMostAtOnce + 1; ++i)
    clients.push_back(Open(0, "/echo"));
  Ask("DELETE /sessions?route=/echo");
  EXPECT_EQ(gw_.gateway().closing(), clients.size() - upgrade::SpreadCloses::kMostAtOnce);
  gw_.loop().Advance(1ms);
  EXPECT_EQ(gw_.gateway().closing(), 1u);
  gw_.loop().Advance(1ms);
  for (auto& client : clients) EXPECT_EQ(client->ReceivedClose(), 1008);
}

// ---- drain

TEST_F(OperatorTest, ADrainedServerGetsNothingNewAndItsSessionsAreClosed) {
  TestServer one(gw_.network(), Address("127.0.0.1:7000"));
  TestServer two(gw_.network(), Address("127.0.0.1:7001"));
  auto a = Open(0, "/tcp");
  auto b = Open(0, "/tcp");
  ASSERT_EQ(one.size(), 1u);
  const Answer drained = Ask("POST /drain?server=tcp://127.0.0.1:7000&spread=0s");
  EXPECT_EQ(drained.json["drained"], true);
  EXPECT_EQ(drained.json["closing"], 1);
  gw_.loop().Advance(1s);
  const auto frames = a->Frames();
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().close_code(), 1012);
  EXPECT_EQ(frames.back().close_reason(), "drained by an operator");
  EXPECT_EQ(b->ReceivedClose(), 0);
  for (std::size_t loop = 0; loop < 3; ++loop) {
    for (int i = 0; i < 3; ++i) Open(loop, "/tcp");
  }
  EXPECT_EQ(one.size(), 1u);
  EXPECT_THAT(gw_.stats().Prometheus(),
              HasSubstr("upgate_drained{what=\"server\",name=\"tcp://127.0.0.1:7000\"} 1\n"));
  EXPECT_EQ(Ask("POST /undrain?server=tcp://127.0.0.1:7000").json["drained"], false);
  for (int i = 0; i < 2; ++i) Open(0, "/tcp");
  EXPECT_EQ(one.size(), 2u);
  EXPECT_EQ(gw_.stats().Prometheus().find("upgate_drained{"), std::string::npos);
}

TEST_F(OperatorTest, WhereEveryServerIsDrainedClientsAreAskedToComeBack) {
  Ask("POST /drain?server=tcp://127.0.0.1:7000");
  Ask("POST /drain?server=tcp://127.0.0.1:7001");
  auto client = gw_.Connect();
  client.Upgrade("/tcp");
  gw_.loop().Advance(10ms);
  auto again = gw_.Connect();
  again.Send(UpgradeRequest("/tcp", "gateway.test", ""));
  gw_.loop().Advance(10ms);
  const ResponseHead refused = again.Head();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Get("Retry-After"), "5");
  EXPECT_EQ(gw_.Handshakes(stats::HandshakeOutcome::kDrained, 2), 2u);
}

TEST_F(OperatorTest, ADrainedRouteAnswers503AndClosesItsSessions) {
  auto a = Open(1, "/echo");
  auto b = Open(1, "/other");
  EXPECT_EQ(Ask("POST /drain?route=/echo&spread=0s").json["closing"], 1);
  gw_.loop().Advance(1s);
  EXPECT_EQ(a->ReceivedClose(), 1012);
  EXPECT_EQ(b->ReceivedClose(), 0);
  auto late = gw_.ConnectToLoop(2);
  const ResponseHead refused = late.Upgrade("/echo");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Get("Retry-After"), "5");
  Open(2, "/other");
  EXPECT_EQ(Ask("POST /undrain?route=/echo").head.status, 200);
  Open(2, "/echo");
  EXPECT_THAT(gw_.log().Last("drained by an operator", "by"), HasSubstr("127.0.0.1"));
}

TEST_F(OperatorTest, ADrainedListenerAnswers503AndClosesItsSessions) {
  auto a = gw_.Connect(0);
  ASSERT_EQ(a.Upgrade("/echo").status, 101);
  auto b = gw_.Connect(1);
  ASSERT_EQ(b.Upgrade("/echo").status, 101);
  EXPECT_EQ(Ask("POST /drain?listener=127.0.0.1:81&spread=0s").json["closing"], 1);
  gw_.loop().Advance(1s);
  EXPECT_EQ(a.ReceivedClose(), 0);
  EXPECT_EQ(b.ReceivedClose(), 1012);
  EXPECT_EQ(gw_.Connect(1).Upgrade("/echo").status, 503);
  EXPECT_EQ(gw_.Connect(0).Upgrade("/echo").status, 101);
}

TEST_F(OperatorTest, WhatWaitsToBeClosedStaysWhenItIsPutBack) {
  auto client = Open(0, "/echo");
  Ask("POST /drain?route=/echo&spread=1h");
  Ask("POST /undrain?route=/echo");
  gw_.loop().Advance(1h);
  for (const ParsedFrame& frame : client->Frames()) EXPECT_NE(frame.close_code(), 1012);
}

TEST_F(OperatorTest, ADrainSurvivesAReload) {
  Ask("POST /drain?route=/other");
  Ask("POST /drain?listener=127.0.0.1:81");
  gw_.Reload(R"(
workers: 3
listeners: [ { address: "127.0.0.1:80" }, { address: "127.0.0.1:81", backlog: 7 } ]
routes: [ { path: /other, plugin: echo, subprotocols: [ x ] }, { path: /new, plugin: echo } ]
)");
  EXPECT_EQ(gw_.Connect(0).Upgrade("/other").status, 503);
  EXPECT_EQ(gw_.Connect(1).Upgrade("/new").status, 503);
  EXPECT_EQ(gw_.Connect(0).Upgrade("/new").status, 101);
}

TEST_F(OperatorTest, OnlyWhatExistsCanBeDrained) {
  EXPECT_EQ(Ask("POST /drain").head.status, 400);
  EXPECT_EQ(Ask("POST /drain?route=/echo&listener=127.0.0.1:80").head.status, 400);
  const Answer unknown = Ask("POST /drain?server=tcp://127.0.0.1:7009");
  EXPECT_EQ(unknown.head.status, 404);
  EXPECT_THAT(unknown.error(), HasSubstr("did you mean 'tcp://127.0.0.1:700"));
  EXPECT_EQ(Ask("POST /undrain?route=/nope").head.status, 404);
  EXPECT_EQ(Ask("POST /undrain?route=/echo&spread=1s").head.status, 400);
  EXPECT_EQ(Ask("POST /drain?route=/echo&spread=soon").head.status, 400);
}

}  // namespace
}  // namespace upgate::test::operator_test
