#include "gateway/backend/server_names.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::backend::server_names_test {
namespace {

using testing::ElementsAre;
using Resolve = config::Server::Resolve;

config::Server Named(std::string url, Resolve resolve, HostPort where) {
  config::Server server;
  server.scheme = config::ServerScheme::kWs;
  server.address = std::move(where);
  server.url = std::move(url);
  server.resolve = resolve;
  server.max_sessions = 7;
  return server;
}

const config::Server kEach = Named("ws://app.test", Resolve::kEach, {"app.test", 80});
const config::Server kSrv =
    Named("srv+ws://_live._tcp.test", Resolve::kSrv, {"_live._tcp.test", 0});

std::vector<std::string> UrlsOf(const std::vector<config::Server>& servers) {
  std::vector<std::string> urls;
  for (const config::Server& server : servers) urls.push_back(server.url);
  return urls;
}

TEST(ServerNames, AnAddressHasTheSettingsOfItsName) {
  const auto servers = ServersAt(kEach, {*Ip::Parse("10.0.0.2"), *Ip::Parse("::1")});
  EXPECT_THAT(UrlsOf(servers), ElementsAre("ws://10.0.0.2:80", "ws://[::1]:80"));
  EXPECT_EQ(servers[1].pinned, std::vector{*Ip::Parse("::1")});
  EXPECT_EQ(std::get<HostPort>(servers[1].address).host, "app.test") << "for Host and TLS";
  EXPECT_EQ(servers[1].origin, "ws://app.test");
  EXPECT_EQ(servers[1].max_sessions, 7u);
  EXPECT_EQ(servers[1].resolve, Resolve::kAny);
}

TEST(ServerNames, WeightsOfSrvRecordsKeepTheirProportions) {
  const auto servers =
      ServersAt(kSrv, std::vector<SrvRecord>{
                          {"a.test", 1, 0, 60'000}, {"b.test", 2, 0, 30'000}, {"c.test", 3, 0, 0}});
  EXPECT_EQ(servers[0].weight, 1000u);
  EXPECT_EQ(servers[1].weight, 500u);
  EXPECT_EQ(servers[2].weight, 1u) << "as seldom as can be";
  for (const auto& server :
       ServersAt(kSrv, std::vector<SrvRecord>{{"a.test", 1, 0, 0}, {"b.test", 1, 0, 0}}))
    EXPECT_EQ(server.weight, 1u);
}

TEST(ServerNames, PrioritiesOfSrvRecordsAreTiers) {
  const auto servers = ServersAt(
      kSrv,
      std::vector<SrvRecord>{
          {"c.test", 9, 65'535, 1}, {"a.test", 9, 5, 1}, {"b.test", 9, 7, 1}, {"a.test", 9, 5, 1}});
  EXPECT_THAT(UrlsOf(servers), ElementsAre("ws://a.test:9", "ws://b.test:9", "ws://c.test:9"));
  EXPECT_EQ(servers[2].tier, 2u);
}

TEST(ServerNames, AServiceThatIsNotAvailableHasNoServers) {
  EXPECT_TRUE(ServersAt(kSrv, std::vector<SrvRecord>{{".", 0, 0, 0}, {"", 1, 0, 0}}).empty());
}

// Labels of DNS may have any bytes; c-ares writes some of them as \DDD.
TEST(ServerNames, TargetsThatAreNoHostNamesAreLeftOut) {
  const auto servers =
      ServersAt(kSrv, std::vector<SrvRecord>{{"a b.test", 9, 1, 1},
                                             {"a\"b.test", 9, 1, 1},
                                             {"nl\\010x.test", 9, 1, 1},
                                             {"user@a.test", 9, 1, 1},
                                             {"a.test/path?x#y", 9, 1, 1},
                                             {"a..test", 9, 1, 1},
                                             {std::string(64, 'a') + ".test", 9, 1, 1},
                                             {"1.2", 9, 1, 1},
                                             {"_a-1.test", 9, 1, 1},
                                             {"::1", 9, 1, 1}});
  EXPECT_THAT(UrlsOf(servers), ElementsAre("ws://[::1]:9", "ws://_a-1.test:9"));
}

// Name servers may write a name in any case, and another one each time.
TEST(ServerNames, TargetsAreTheSameInAnyCase) {
  const auto servers =
      ServersAt(kSrv, std::vector<SrvRecord>{{"A.tEst", 9, 1, 1}, {"a.test", 9, 1, 1}});
  EXPECT_THAT(UrlsOf(servers), ElementsAre("ws://a.test:9"));
}

TEST(ServerNames, NamesAreReplacedWhereTheyStand) {
  config::Backend backend;
  backend.name = "b";
  config::Server plain = kEach;
  plain.resolve = Resolve::kAny;
  plain.url = "ws://plain";
  backend.servers = {kEach, plain, kSrv};
  EXPECT_TRUE(HasNames(backend));
  EXPECT_THAT(UrlsOf(Expand(backend, {}).servers),
              ElementsAre("ws://app.test", "ws://plain", "srv+ws://_live._tcp.test"));
  const ServersOfNames names{
      {{"b", kEach.url}, ServersAt(kEach, {*Ip::Parse("10.0.0.1"), *Ip::Parse("10.0.0.2")})},
      {{"c", kSrv.url}, {plain}},
      {{"b", kSrv.url}, {}}};
  const config::Backend expanded = Expand(backend, names);
  EXPECT_THAT(UrlsOf(expanded.servers), ElementsAre("ws://10.0.0.1:80", "ws://10.0.0.2:80",
                                                    "ws://plain", "srv+ws://_live._tcp.test"));
  EXPECT_TRUE(AreTheSame(expanded.servers, Expand(backend, names).servers));
  EXPECT_FALSE(AreTheSame(expanded.servers, backend.servers));
}

}  // namespace
}  // namespace upgate::backend::server_names_test
