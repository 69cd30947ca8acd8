#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/stats/stats.h"
#include "gateway/stats/sum.h"
#include "tests/unit/stats/test_rows.h"

namespace upgate::stats::rows_test {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

Json Read(const Registry& registry) {
  return Json::parse(registry.Json());
}

Strings NamesIn(const Registry& registry, const char* rows, const char* key) {
  Strings names;
  const Json json = Read(registry);
  for (const Json& row : json[rows]) names.push_back(row[key]);
  return names;
}

Strings RoutesIn(const Registry& registry) {
  return NamesIn(registry, "routes", "name");
}

// The order of a configuration with these routes.
Registry::Order Routes(Registry& registry, const Strings& names) {
  Registry::Order order;
  for (const std::string& name : names) order.routes.push_back(registry.Route(name));
  return order;
}

TEST(UniqueNameTest, NumbersWhatIsTaken) {
  std::set<std::string, std::less<>> taken;
  const auto next = [&](std::string_view name) {
    const std::string unique =
        UniqueName(name, [&](std::string_view candidate) { return taken.contains(candidate); });
    taken.insert(unique);
    return unique;
  };
  EXPECT_EQ(next("/a"), "/a");
  EXPECT_EQ(next("/a"), "/a #2");
  EXPECT_EQ(next("/a #2"), "/a #2 #2");
  EXPECT_EQ(next("/a"), "/a #3");
  EXPECT_EQ(next(""), "");
  EXPECT_EQ(next(""), " #2");
}

TEST(RowsTest, HaveNumbersForEachLoop) {
  Registry registry({}, 3);
  EXPECT_EQ(registry.Listener("a")->loops.size(), 3U);
  EXPECT_EQ(registry.Route("/a")->loops.size(), 3U);
  EXPECT_EQ(registry.Server("b", "u")->loops.size(), 3U);
  EXPECT_EQ(Read(registry)["loops"].size(), 3U);
}

TEST(RowsTest, LoopsShareNoCacheLine) {
  Registry registry({}, 2);
  const auto row = registry.Listener("a");
  const auto distance = reinterpret_cast<std::uintptr_t>(&row->loops[1]) -
                        reinterpret_cast<std::uintptr_t>(row->loops.data());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(row->loops.data()) % 64, 0U);
  EXPECT_EQ(distance % 64, 0U);
}

TEST(RowsTest, TheSameNameIsTheSameRow) {
  Registry registry({}, 1);
  const auto listener = registry.Listener("a");
  const auto route = registry.Route("a");
  const auto server = registry.Server("b", "u");
  EXPECT_EQ(registry.Listener("a"), listener);
  EXPECT_EQ(registry.Route("a"), route);
  EXPECT_EQ(registry.Server("b", "u"), server);
  EXPECT_NE(registry.Listener("a #2"), listener);
  EXPECT_NE(registry.Route("a #2"), route);
  EXPECT_NE(registry.Server("c", "u"), server);
  EXPECT_NE(registry.Server("b", "v"), server);
  EXPECT_EQ(listener->name, "a");
  EXPECT_EQ(server->backend, "b");
  EXPECT_EQ(server->name, "u");
}

TEST(RowsTest, TotalsAreOverLoops) {
  Registry registry({}, 2);
  const auto row = registry.Route("/a");
  row->loops[0].requests.Add(3);
  row->loops[1].requests.Add(4);
  const auto totals = TotalsOf(std::vector{row, registry.Route("/b")});
  ASSERT_EQ(totals.size(), 2U);
  EXPECT_EQ(totals[0].requests.Get(), 7U);
  EXPECT_EQ(totals[1].requests.Get(), 0U);
}

TEST(RowsTest, SurviveUnderTheSameName) {
  Registry registry({}, 1);
  registry.SetOrder(Routes(registry, {"/a", "/b"}));
  registry.Route("/b")->loops[0].requests.Add(3);
  registry.SetOrder(Routes(registry, {"/c", "/b"}));
  const Json routes = Read(registry)["routes"];
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[1]["name"], "/b");
  EXPECT_EQ(routes[1]["requests"], 3);
}

TEST(RowsTest, StayInTheOrderWithoutAHolder) {
  Registry registry({}, 1);
  registry.SetOrder(
      {{registry.Listener("a")}, {registry.Route("/a")}, {registry.Server("b", "u")}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(NamesIn(registry, "listeners", "address"), Strings{"a"});
    EXPECT_EQ(RoutesIn(registry), Strings{"/a"});
    EXPECT_EQ(NamesIn(registry, "servers", "url"), Strings{"u"});
  }
}

TEST(RowsTest, OfAnEarlierOrderStayAsLongAsTheyAreHeld) {
  Registry registry({}, 1);
  auto listener = registry.Listener("old");
  auto route = registry.Route("/old");
  auto server = registry.Server("b", "old");
  registry.SetOrder({{listener}, {route}, {server}});
  route->loops[0].sessions_open.Add(2);
  registry.SetOrder(
      {{registry.Listener("new")}, {registry.Route("/new")}, {registry.Server("b", "new")}});
  EXPECT_EQ(NamesIn(registry, "listeners", "address"), (Strings{"new", "old"}));
  EXPECT_EQ(RoutesIn(registry), (Strings{"/new", "/old"}));
  EXPECT_EQ(NamesIn(registry, "servers", "url"), (Strings{"new", "old"}));
  EXPECT_EQ(Read(registry)["totals"]["sessions_open"], 2);
  EXPECT_EQ(Read(registry)["loops"][0]["sessions_open"], 2);
  EXPECT_EQ(registry.OpenNow().sessions, 2U);

  listener.reset();
  route.reset();
  server.reset();
  EXPECT_EQ(NamesIn(registry, "listeners", "address"), Strings{"new"});
  EXPECT_EQ(RoutesIn(registry), Strings{"/new"});
  EXPECT_EQ(NamesIn(registry, "servers", "url"), Strings{"new"});
}

// Prometheus text and OpenNow drop unheld rows, like JSON.
TEST(RowsTest, EveryOutputForgetsUnheldRows) {
  Registry registry({}, 1);
  std::weak_ptr<RouteRow> row = registry.Route("/a");
  EXPECT_FALSE(row.expired());
  EXPECT_EQ(registry.Prometheus().find("\"/a\""), std::string::npos);
  EXPECT_TRUE(row.expired());
  row = registry.Route("/a");
  registry.OpenNow();
  EXPECT_TRUE(row.expired());
}

TEST(RowsTest, ANewOrderForgetsUnheldRows) {
  Registry registry({}, 1);
  registry.SetOrder(Routes(registry, {"/a"}));
  const std::weak_ptr<RouteRow> row = registry.Route("/a");
  registry.SetOrder(Routes(registry, {"/b"}));
  EXPECT_TRUE(row.expired());
}

TEST(RowsTest, AForgottenNameStartsAgain) {
  Registry registry({}, 1);
  registry.Route("/a")->loops[0].requests.Add(3);
  registry.SetOrder({});
  registry.SetOrder(Routes(registry, {"/a"}));
  EXPECT_EQ(Read(registry)["routes"][0]["requests"], 0);
}

// A session of an earlier configuration keeps counting in the row that a later one reuses.
TEST(RowsTest, OfAnEarlierOrderAreTakenUpAgain) {
  Registry registry({}, 1);
  const auto held = registry.Route("/a");
  held->loops[0].requests.Add(3);
  registry.SetOrder(Routes(registry, {"/a"}));
  registry.SetOrder(Routes(registry, {"/b"}));
  EXPECT_EQ(registry.Route("/a"), held);
  registry.SetOrder(Routes(registry, {"/a", "/b"}));
  EXPECT_EQ(RoutesIn(registry), (Strings{"/a", "/b"}));
  EXPECT_EQ(Read(registry)["routes"][0]["requests"], 3);
}

TEST(RowsTest, StandInTheOrderAndThenByAge) {
  Registry registry({}, 1);
  const auto oldest = Routes(registry, {"/z", "/y"});
  registry.SetOrder(oldest);
  const auto older = Routes(registry, {"/b", "/c", "/a"});
  registry.SetOrder(older);
  EXPECT_EQ(RoutesIn(registry), (Strings{"/b", "/c", "/a", "/z", "/y"}));
  registry.SetOrder(Routes(registry, {"/n", "/c"}));
  const auto made_later = registry.Route("/0");
  EXPECT_EQ(RoutesIn(registry), (Strings{"/n", "/c", "/z", "/y", "/b", "/a", "/0"}));
}

TEST(RowsTest, WithoutAnOrderStandAsTheyWereMade) {
  Registry registry({}, 1);
  const auto held = Routes(registry, {"/b", "/c", "/a"});
  EXPECT_EQ(RoutesIn(registry), (Strings{"/b", "/c", "/a"}));
}

TEST(RowsTest, StandingTwiceInTheOrderAreOneRow) {
  Registry registry({}, 1);
  registry.SetOrder(Routes(registry, {"/a", "/b", "/a"}));
  EXPECT_EQ(RoutesIn(registry), (Strings{"/a", "/b"}));
}

TEST(RowsTest, OpenNowNamesRoutesWithSessions) {
  TestRows rows({.listeners = {"a", "b"}, .routes = {"/a", "/b", "/c"}, .servers = {}}, 2);
  rows.listener(0, 0).connections_open.Add(2);
  rows.listener(1, 1).connections_open.Add(3);
  rows.route(0, 2).sessions_open.Add(1);
  rows.route(1, 2).sessions_open.Add(1);
  rows.route(1, 0).sessions_open.Add(4);
  const Registry::Open open = rows.registry().OpenNow();
  EXPECT_EQ(open.connections, 5U);
  EXPECT_EQ(open.sessions, 6U);
  EXPECT_EQ(open.routes,
            (std::vector<std::pair<std::string, std::uint64_t>>{{"/a", 4}, {"/c", 2}}));
}

// For the thread sanitizer: one thread adds, updates and releases rows while another generates
// output. Values of a row that is always held never decrease.
TEST(RowsTest, ComeAndGoWhileOthersRead) {
  constexpr int kRounds = 300;
  Registry registry({}, 1);
  const auto lasting = registry.Route("/lasting");
  std::atomic<bool> running = true;
  std::thread reload([&] {
    std::shared_ptr<RouteRow> session;  // of the configuration before
    for (int i = 0; i < kRounds; ++i) {
      const std::string name = "/" + std::to_string(i);
      registry.SetOrder({{registry.Listener(name)},
                         {registry.Route(name), registry.Route("/lasting")},
                         {registry.Server("b", name)}});
      registry.SetGeneration(static_cast<std::uint64_t>(i));
      registry.CountReload(i % 2 == 0);
      lasting->loops[0].requests.Add();
      session = registry.Route(name);
      session->loops[0].requests.Add();
    }
    running = false;
  });
  std::uint64_t last = 0;
  while (running) {
    const Json seen_now = Read(registry);
    for (const Json& route : seen_now["routes"]) {
      if (route["name"] != "/lasting") continue;
      const auto seen = route["requests"].get<std::uint64_t>();
      EXPECT_GE(seen, last);
      last = seen;
    }
    EXPECT_FALSE(registry.Prometheus().empty());
    registry.OpenNow();
  }
  reload.join();
  const Json json = Read(registry);
  EXPECT_EQ(RoutesIn(registry), (Strings{"/" + std::to_string(kRounds - 1), "/lasting"}));
  EXPECT_EQ(json["routes"][1]["requests"], kRounds);
  EXPECT_EQ(json["generation"], kRounds - 1);
  EXPECT_EQ(json["reloads"], (Json{{"ok", kRounds / 2}, {"failed", kRounds / 2}}));
}

}  // namespace
}  // namespace upgate::stats::rows_test
