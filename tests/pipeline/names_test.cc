// Names that stand for several servers: resolve: each, and SRV names.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/backend/server_names.h"
#include "tests/pipeline/test_gateway.h"

namespace upgate::test::names_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::string Config(std::string_view server, std::string_view keys = "") {
  return "drain_spread: 2s\nbackends:\n  b:\n    servers: [ " + std::string(server) + " ]\n" +
         std::string(keys) + "\nroutes: [ { path: /*, backend: b, on_change: close } ]\n";
}
const std::string kEach = R"({ url: "tcp://app.test:7000", resolve: each, max_sessions: 1 })";

// What the name of the only configured server stands for now.
void Point(TestGateway& gw, const std::vector<std::string>& addresses) {
  const config::Server& named = gw.serving()->config->backends.at("b").servers.front();
  std::vector<Ip> ips;
  for (const std::string& text : addresses) ips.push_back(*Ip::Parse(text));
  gw.TakeNames({{{"b", named.url}, backend::ServersAt(named, ips)}});
}

std::vector<std::string> UrlsIn(TestGateway& gw) {
  std::vector<std::string> urls;
  for (const auto& server : gw.serving()->backends.at("b")->servers) urls.push_back(server->url);
  return urls;
}

struct Servers {
  explicit Servers(TestGateway& gw)
      : one(gw.network(), Address("10.0.0.1:7000")), two(gw.network(), Address("10.0.0.2:7000")) {}
  TestServer one, two;
};

std::unique_ptr<GatewayClient> Connect(TestGateway& gw, int status = 101) {
  std::unique_ptr<GatewayClient> client(new GatewayClient(gw.Connect()));
  EXPECT_EQ(client->Upgrade("/").status, status);
  return client;
}

TEST(Names, EachAddressIsAServerOfItsOwn) {
  TestGateway gw(Config(kEach));
  Servers servers(gw);
  EXPECT_THAT(UrlsIn(gw), ElementsAre("tcp://app.test:7000")) << "nothing is known yet";
  Point(gw, {"10.0.0.2", "10.0.0.1"});
  EXPECT_THAT(UrlsIn(gw), ElementsAre("tcp://10.0.0.1:7000", "tcp://10.0.0.2:7000"));
  const auto first = Connect(gw);
  const auto second = Connect(gw);
  EXPECT_EQ(servers.one.size(), 1u);
  EXPECT_EQ(servers.two.size(), 1u) << "max_sessions counts by address";
  Connect(gw, 503);
}

TEST(Names, TheStateOfAnAddressStaysWhileOthersComeAndGo) {
  TestGateway gw(Config(kEach));
  Servers servers(gw);
  Point(gw, {"10.0.0.1"});
  const auto before = gw.serving()->backends.at("b")->servers.front();
  const auto session = Connect(gw);
  Point(gw, {"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(gw.serving()->backends.at("b")->servers.front(), before);
  EXPECT_EQ(before->in_use, 1u);
  const auto record = gw.serving()->backends.at("b");
  Point(gw, {"10.0.0.2", "10.0.0.1"});
  EXPECT_EQ(gw.serving()->backends.at("b"), record) << "the order means nothing";
  EXPECT_EQ(session->ReceivedClose(), 0);
  gw.Reload(Config(kEach) + "workers: 1\n");
  EXPECT_EQ(UrlsIn(gw).size(), 2u) << "what is known stays";
}

TEST(Names, SessionsOfAnAddressThatIsGoneStayOrEndAsOnDownSays) {
  for (const bool close : {false, true}) {
    TestGateway gw(Config(kEach, close ? "    on_down: close" : ""));
    Servers servers(gw);
    Point(gw, {"10.0.0.1", "10.0.0.2"});
    const auto first = Connect(gw);
    const auto second = Connect(gw);
    Point(gw, {"10.0.0.2"});
    gw.loop().Advance(2s);
    EXPECT_EQ(first->ReceivedClose(), close ? 1012 : 0);
    EXPECT_EQ(second->ReceivedClose(), 0);
    Connect(gw, 503);  // the other one is full
    Point(gw, {"10.0.0.1", "10.0.0.2"});
    if (!close) {
      EXPECT_EQ(gw.serving()->backends.at("b")->servers.front()->in_use, 1u);
    }
  }
}

TEST(Names, SessionsFromBeforeTheFirstLookupStay) {
  TestGateway gw(Config(R"({ url: "tcp://app.test:7000", resolve: each })"));
  Servers servers(gw);
  gw.network().SetHost("app.test", {*Ip::Parse("10.0.0.1")});
  const auto session = Connect(gw);
  Point(gw, {"10.0.0.2"});
  gw.loop().Advance(4s);
  EXPECT_EQ(session->ReceivedClose(), 0);
}

TEST(Names, ASessionWhoseAddressIsBackInTimeStays) {
  TestGateway gw(Config(kEach, "    on_down: close"));
  Servers servers(gw);
  Point(gw, {"10.0.0.1", "10.0.0.2"});
  const auto first = Connect(gw);
  Point(gw, {"10.0.0.2"});
  Point(gw, {"10.0.0.1", "10.0.0.2"});
  gw.loop().Advance(4s);
  EXPECT_EQ(first->ReceivedClose(), 0);
}

TEST(Names, WhereTheNameItselfIsGoneOnChangeDecides) {
  TestGateway gw(Config(kEach));
  Servers servers(gw);
  Point(gw, {"10.0.0.1"});
  const auto session = Connect(gw);
  gw.Reload(Config("\"tcp://10.0.0.2:7000\""));
  gw.loop().RunUntilIdle();
  EXPECT_EQ(session->ReceivedClose(), 1012);
}

TEST(Names, TargetsOfSrvRecordsAreServersWithTheirTiers) {
  TestGateway gw(Config("srv+tcp://_live._tcp.test"));
  TestServer a(gw.network(), Address("10.0.1.1:7001"));
  TestServer b(gw.network(), Address("10.0.1.2:7002"));
  gw.network().SetHost("a.test", {*Ip::Parse("10.0.1.1")});
  gw.network().SetHost("b.test", {*Ip::Parse("10.0.1.2")});
  Connect(gw, 502);
  const config::Server& named = gw.serving()->config->backends.at("b").servers.front();
  const std::vector<SrvRecord> records{
      {.target = "b.test", .port = 7002, .priority = 20, .weight = 1},
      {.target = "a.test", .port = 7001, .priority = 10, .weight = 1}};
  gw.TakeNames({{{"b", named.url}, backend::ServersAt(named, records)}});
  EXPECT_THAT(UrlsIn(gw), ElementsAre("tcp://a.test:7001", "tcp://b.test:7002"));
  for (int i = 0; i < 3; ++i) Connect(gw);
  EXPECT_EQ(a.size(), 3u);
  gw.serving()->backends.at("b")->servers.front()->row->drained = true;
  Connect(gw);
  EXPECT_EQ(b.size(), 1u) << "while none of a lower priority number can take clients";
}

}  // namespace
}  // namespace upgate::test::names_test
