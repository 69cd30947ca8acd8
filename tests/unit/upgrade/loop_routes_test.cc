#include "gateway/upgrade/loop_routes.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/backend/server_log.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"

namespace upgate::upgrade {
namespace {

struct NoStats final : plugin::StatsSource {
  Text StatsJson() const override { return std::make_shared<const std::string>(); }
  Text StatsPrometheus() const override { return std::make_shared<const std::string>(); }
};

struct NoPost final : ServicePost {
  void PostToService(std::size_t, const plugin::Service&, plugin::Host::Task) override {}
};

// Counts its instances.
class Counted final : public plugin::Service {
 public:
  std::unique_ptr<plugin::Instance> Start(plugin::Host&) const override {
    struct Instance final : plugin::Instance {
      explicit Instance(int& count) : count_(count) { ++count_; }
      ~Instance() override { --count_; }
      int& count_;
    };
    return std::make_unique<Instance>(instances);
  }
  mutable int instances = 0;
};

class LoopRoutesTest : public testing::Test {
 protected:
  std::shared_ptr<RouteRecord> Record(const std::string& name) {
    auto record = std::make_shared<RouteRecord>();
    record->owner = config_;
    record->config = config_->routes.data();
    record->name = name;
    record->row = std::make_shared<stats::RouteRow>(name, 1);
    record->sessions = std::make_shared<SharedLimit>();
    record->by_client = std::make_shared<ClientCounts>();
    return record;
  }
  std::shared_ptr<RouteRecord> ToBackend(const std::string& name) {
    auto record = Record(name);
    record->backend = backend_;
    return record;
  }
  std::shared_ptr<RouteRecord> ToService(const std::string& name,
                                         std::shared_ptr<const plugin::Service> service) {
    auto record = Record(name);
    record->service = std::move(service);
    return record;
  }
  std::shared_ptr<const Generation> Of(std::vector<std::shared_ptr<const RouteRecord>> routes) {
    auto generation = std::make_shared<Generation>();
    generation->config = config_;
    for (auto& route : routes) generation->AddRoute(std::move(route));
    return generation;
  }
  void Adopt(std::shared_ptr<const Generation> generation) {
    routes_.PrepareNow(std::move(generation));
    routes_.Switch(nullptr);
    loop_.RunUntilIdle();
  }
  static std::shared_ptr<config::Config> MakeConfig() {
    auto config = std::make_shared<config::Config>();
    config->routes.emplace_back();
    config::Backend& backend = config->backends["b"];
    backend.servers.push_back({.scheme = config::ServerScheme::kTcp,
                               .address = HostPort{"127.0.0.1", 1},
                               .url = "tcp://127.0.0.1:1",
                               .index = 0,
                               .mark = {}});
    return config;
  }
  std::shared_ptr<const backend::BackendRecord> MakeBackend() {
    auto record = std::make_shared<backend::BackendRecord>();
    record->owner = config_;
    record->config = &config_->backends["b"];
    record->servers.push_back(std::make_shared<backend::ServerRecord>(
        "b", "tcp://127.0.0.1:1", std::make_shared<stats::ServerRow>("b", "tcp://127.0.0.1:1", 1)));
    return record;
  }

  test::FakeLoop loop_;
  test::CaptureLog log_;
  NoStats stats_;
  NoPost post_;
  backend::ServerLog servers_{log_};
  tls::Scratch scratch_;
  SharedLimit idle_;
  std::shared_ptr<config::Config> config_ = MakeConfig();
  std::shared_ptr<const backend::BackendRecord> backend_ = MakeBackend();
  LoopRoutes routes_{{.loop = loop_.io(),
                      .scratch = scratch_,
                      .stats = stats_,
                      .servers = servers_,
                      .idle_servers = idle_,
                      .others = post_,
                      .log = log_,
                      .post = [](auto) {},
                      .index = 0,
                      .loops = 1}};
};

TEST_F(LoopRoutesTest, ARecordThatStaysKeepsItsContext) {
  const auto stays = ToBackend("stays");
  Adopt(Of({ToBackend("goes"), stays}));
  const RouteContext* const before = &routes_.At(1);
  Adopt(Of({stays, ToBackend("comes")}));
  EXPECT_EQ(&routes_.At(0), before);
  EXPECT_EQ(routes_.At(1).name(), "comes");
}

TEST_F(LoopRoutesTest, RoutesToOneBackendShareItAlsoWithThoseBefore) {
  Adopt(Of({ToBackend("a"), ToBackend("b")}));
  LoopBackend* const backend = routes_.At(0).backend();
  EXPECT_EQ(routes_.At(1).backend(), backend);
  Adopt(Of({ToBackend("c")}));
  EXPECT_EQ(routes_.At(0).backend(), backend);
}

TEST_F(LoopRoutesTest, NothingServesBeforeTheSwitch) {
  Adopt(Of({ToBackend("first")}));
  routes_.PrepareNow(Of({ToBackend("second")}));
  EXPECT_EQ(routes_.At(0).name(), "first");
  routes_.Switch(nullptr);
  EXPECT_EQ(routes_.At(0).name(), "second");
}

TEST_F(LoopRoutesTest, AnInstanceIsThereFromPrepareUntilItIsDropped) {
  const auto service = std::make_shared<const Counted>();
  routes_.PrepareNow(Of({ToService("s", service)}));
  EXPECT_EQ(service->instances, 1);
  ASSERT_NE(routes_.HostOf(*service), nullptr);
  routes_.Switch(nullptr);
  EXPECT_EQ(routes_.At(0).service(), routes_.HostOf(*service));
  Adopt(Of({ToService("another route", service)}));
  EXPECT_EQ(service->instances, 1) << "the same configuration, the same instance";
  Adopt(Of({ToBackend("b")}));
  EXPECT_EQ(service->instances, 1) << "another loop may still use its own";
  routes_.DropHost(*service);
  EXPECT_EQ(service->instances, 0);
  EXPECT_EQ(routes_.HostOf(*service), nullptr);
}

TEST_F(LoopRoutesTest, ATurnMakesAndDestroysAFewOfManyRoutes) {
  constexpr std::ptrdiff_t kRoutes = 200;
  constexpr std::ptrdiff_t kFew = 64;
  using Records = std::vector<std::weak_ptr<const RouteRecord>>;
  const auto make = [&](Records& seen) {
    std::vector<std::shared_ptr<const RouteRecord>> records;
    for (std::ptrdiff_t i = 0; i < kRoutes; ++i) {
      records.push_back(ToBackend(std::to_string(i)));
      seen.push_back(records.back());
    }
    return Of(std::move(records));
  };
  // A context holds its record, besides `others`.
  const auto contexts = [](const Records& seen, long others) {
    return std::ranges::count_if(seen, [&](const auto& one) { return one.use_count() > others; });
  };
  Records before;
  auto first = make(before);
  Adopt(first);
  Records now;
  const auto second = make(now);
  bool prepared = false;
  routes_.Prepare(second, [&](auto) { prepared = true; });
  for (std::ptrdiff_t made = 0; !prepared; made = contexts(now, 1)) {
    ASSERT_TRUE(loop_.RunTurn());
    EXPECT_LE(contexts(now, 1) - made, kFew);
  }
  EXPECT_EQ(contexts(now, 1), kRoutes);
  bool released = false;
  EXPECT_TRUE(routes_.Switch([&] { released = true; }));
  first.reset();
  EXPECT_EQ(contexts(before, 0), kRoutes);
  for (std::ptrdiff_t left = kRoutes; !released; left = contexts(before, 0)) {
    ASSERT_TRUE(loop_.RunTurn());
    EXPECT_LE(left - contexts(before, 0), kFew);
  }
  EXPECT_EQ(contexts(before, 0), 0);
}

TEST_F(LoopRoutesTest, AnIncompleteTableIsReplacedAndNeverServes) {
  Adopt(Of({ToBackend("first")}));
  routes_.Prepare(Of({ToBackend("second")}), [](auto) { FAIL() << "it was replaced"; });
  EXPECT_FALSE(routes_.Switch(nullptr));
  EXPECT_EQ(routes_.At(0).name(), "first");
  bool prepared = false;
  routes_.Prepare(Of({ToBackend("third")}), [&](auto) { prepared = true; });
  loop_.RunUntilIdle();
  EXPECT_TRUE(prepared);
  routes_.Switch(nullptr);
  EXPECT_EQ(routes_.At(0).name(), "third");
}

TEST_F(LoopRoutesTest, SaysWhetherARouteIsGoneOrChanged) {
  const auto stays = ToBackend("stays");
  const auto another = ToBackend("another");
  Adopt(Of({stays, another}));
  const auto changed = [&](std::vector<std::shared_ptr<const RouteRecord>> routes) {
    routes_.PrepareNow(Of(std::move(routes)));
    return routes_.Switch(nullptr);
  };
  EXPECT_FALSE(changed({another, stays}));
  EXPECT_FALSE(changed({another, ToBackend("new"), stays}));
  EXPECT_TRUE(changed({another, stays})) << "one is gone";
  EXPECT_TRUE(changed({another, ToBackend("stays")})) << "another record of the same name";
}

TEST_F(LoopRoutesTest, WhoHoldsAContextKeepsWhatItUses) {
  const auto service = std::make_shared<const Counted>();
  Adopt(Of({ToService("s", service)}));
  Ref<RouteContext> held(&routes_.At(0));
  Adopt(Of({ToBackend("b")}));
  routes_.DropHost(*service);
  EXPECT_EQ(service->instances, 1);
  held = nullptr;
  EXPECT_EQ(service->instances, 0);
}

TEST_F(LoopRoutesTest, SlotsAreCountedAndGivenBack) {
  const auto record = ToBackend("b");
  record->sessions->SetMost(1);
  Adopt(Of({record}));
  RouteContext& route = routes_.At(0);
  auto taken = route.TakeSlot("", "");
  ASSERT_TRUE(taken);
  std::optional<session::SessionSlot> slot = std::move(*taken);
  ASSERT_TRUE(slot);
  EXPECT_EQ(&ContextOf(*slot), &route);
  EXPECT_FALSE(route.TakeSlot("", ""));
  slot.reset();
  EXPECT_TRUE(route.TakeSlot("", ""));
}

TEST_F(LoopRoutesTest, ASlotKeepsItsRoute) {
  const auto service = std::make_shared<const Counted>();
  Adopt(Of({ToService("s", service)}));
  std::optional<session::SessionSlot> slot = std::move(*routes_.At(0).TakeSlot("", ""));
  Adopt(Of({ToBackend("b")}));
  routes_.DropHost(*service);
  EXPECT_EQ(service->instances, 1);
  slot.reset();
  EXPECT_EQ(service->instances, 0);
}

}  // namespace
}  // namespace upgate::upgrade
