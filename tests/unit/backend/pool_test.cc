#include "gateway/backend/pool.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/backend/http_pool.h"
#include "gateway/backend/server_log.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::backend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class OpenedServers final : public OpenHandler {
 public:
  void OnOpened(Opened opened) override {
    urls.push_back(opened.server.config.url);
    streams.push_back(std::move(opened.stream));
    uses.push_back(std::move(opened.use));
  }
  void OnOpenFailed(const OpenError& error) override {
    urls.push_back("failed: " + error.message);
    outcome = OutcomeOf(error);
  }
  std::vector<std::string> urls;
  std::vector<std::unique_ptr<io::ByteStream>> streams;
  std::vector<ServerUse> uses;
  stats::HandshakeOutcome outcome = stats::HandshakeOutcome::kAccepted;
};

class PoolTest : public testing::Test {
 protected:
  // A backend with servers at these ports of 127.0.0.1.
  void Use(const std::vector<std::uint16_t>& ports, std::size_t loop = 0) {
    config::Backend& backend = settings();
    backend.name = "b";
    auto record = std::make_shared<BackendRecord>();
    for (const std::uint16_t port : ports) {
      const std::string url = "tcp://127.0.0.1:" + std::to_string(port);
      backend.servers.push_back({.scheme = config::ServerScheme::kTcp,
                                 .address = HostPort{"127.0.0.1", port},
                                 .url = url,
                                 .index = 0,
                                 .mark = {}});
      record->servers.push_back(std::make_shared<ServerRecord>(
          "b", url, std::make_shared<stats::ServerRow>("b", url, 2)));
    }
    record->owner = config_;
    record->config = &backend;
    record_ = record;
    pool_ = std::make_unique<Pool>(record_, loop_.io(), scratch_, &log_of_servers_, loop);
  }
  config::Backend& settings() { return config_->backends["b"]; }
  std::string Open(bool for_session = true) {
    Search search;
    search.for_session = for_session;
    auto pending = pool_->Open(opened_, search);
    loop_.RunUntilIdle();
    return opened_.urls.empty() ? "" : opened_.urls.back();
  }
  stats::ServerStats& Numbers(std::size_t server) {
    return record_->servers[server]->row->loops[0];
  }

  ServerHealth& Health(std::size_t server) { return record_->servers[server]->health; }
  std::uint64_t InUse(std::size_t server) { return record_->servers[server]->in_use; }

  test::FakeLoop loop_;
  test::CaptureLog log_;
  ServerLog log_of_servers_{log_};
  tls::Scratch scratch_;
  std::shared_ptr<config::Config> config_ = std::make_shared<config::Config>();
  std::shared_ptr<const BackendRecord> record_;
  std::unique_ptr<Pool> pool_;
  OpenedServers opened_;
};

TEST_F(PoolTest, TakesItsServersInTurnFromAnotherOneOnEachLoop) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2}, 1);
  for (int i = 0; i < 3; ++i) Open();
  EXPECT_THAT(opened_.urls,
              ElementsAre("tcp://127.0.0.1:2", "tcp://127.0.0.1:1", "tcp://127.0.0.1:2"));
  EXPECT_EQ(record_->servers[1]->row->loops[1].connects.Get(), 2u) << "counted by their loop";
  EXPECT_EQ(Numbers(1).connects.Get(), 0u);
}

TEST_F(PoolTest, AServerThatRefusesGivesWayToTheNext) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  EXPECT_EQ(Open(), "tcp://127.0.0.1:2");
  EXPECT_EQ(Numbers(0).connect_failures.Get(), 1u);
  EXPECT_TRUE(record_->servers[0]->row->failed);
  EXPECT_FALSE(record_->servers[1]->row->failed);
}

TEST_F(PoolTest, WhereAllRefuseTheErrorNamesEach) {
  Use({1, 2});
  EXPECT_THAT(Open(), testing::AllOf(HasSubstr("failed: tcp://127.0.0.1:1: "),
                                     HasSubstr("; tcp://127.0.0.1:2: ")));
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kBackendFailed);
}

TEST_F(PoolTest, AFailureAndARecoveryAreALineEach) {
  Use({1});
  Open();
  Open();
  EXPECT_EQ(log_.Count("server failed"), 1u);
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Open();
  Open();
  EXPECT_EQ(log_.Count("server recovered"), 1u);
  EXPECT_FALSE(record_->servers[0]->row->failed);
}

TEST_F(PoolTest, ADrainedServerIsPassedOverWhereverItStands) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer three(loop_.network(), test::Address("127.0.0.1:3"));
  Use({1, 2, 3});
  record_->servers[1]->row->drained = true;
  record_->servers[2]->row->drained = true;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Open(), "tcp://127.0.0.1:1");
  EXPECT_EQ(Numbers(1).connect_failures.Get(), 0u) << "not even tried";
  record_->servers[2]->row->drained = false;
  EXPECT_EQ(Open(), "tcp://127.0.0.1:3");
}

TEST_F(PoolTest, ADrainedServerIsNotTriedInThePlaceOfOneThatFailed) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  record_->servers[1]->row->drained = true;
  EXPECT_THAT(Open(), HasSubstr("failed: tcp://127.0.0.1:1: "));
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kBackendFailed);
}

TEST_F(PoolTest, WhereAllAreDrainedNobodyIsTriedAndTheCallerHearsLater) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Use({1});
  record_->servers[0]->row->drained = true;
  Search search;
  auto pending = pool_->Open(opened_, search);
  EXPECT_TRUE(opened_.urls.empty()) << "never from inside Open";
  loop_.Advance(10ms);
  EXPECT_THAT(opened_.urls, ElementsAre("failed: an operator has drained every server"));
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kDrained);
}

TEST_F(PoolTest, WhoeverNoLongerWaitsHearsNothing) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Use({1});
  Search search;
  pool_->Open(opened_, search).reset();
  loop_.RunUntilIdle();
  EXPECT_TRUE(opened_.urls.empty());
}

// ---- ejection

TEST_F(PoolTest, AServerThatFailsSeveralTimesInARowGetsNoNewClients) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  for (int i = 0; i < 12; ++i) EXPECT_EQ(Open(), "tcp://127.0.0.1:2");
  EXPECT_EQ(Numbers(0).connect_failures.Get(), 3u) << "ejected after the third";
  EXPECT_TRUE(record_->servers[0]->row->ejected);
  EXPECT_EQ(log_.Count("server ejected"), 1u);
}

TEST_F(PoolTest, ASuccessInBetweenStartsTheCountAnew) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  for (int i = 0; i < 5; ++i) {
    loop_.network().FailConnects(test::Address("127.0.0.1:1"), {Errc::kRefused, "refused"});
    for (int k = 0; k < 4; ++k) Open();
    loop_.network().AllowConnects(test::Address("127.0.0.1:1"));
    test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
    for (int k = 0; k < 2; ++k) Open();
  }
  EXPECT_FALSE(Health(0).ejected());
}

TEST_F(PoolTest, ATrialInTheBackgroundBringsAServerBackAndNoClientWaitsForIt) {
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  for (int i = 0; i < 6; ++i) Open();
  ASSERT_TRUE(Health(0).ejected());
  loop_.network().HangConnects(test::Address("127.0.0.1:1"));
  loop_.Advance(10s);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Open(), "tcp://127.0.0.1:2") << "at once";
  loop_.Advance(3s);
  EXPECT_EQ(Numbers(0).connect_timeouts.Get(), 1u) << "one attempt for all of them";
  // 20 s from then on.
  loop_.network().AllowConnects(test::Address("127.0.0.1:1"));
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  loop_.Advance(19s);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Open(), "tcp://127.0.0.1:2");
  EXPECT_EQ(one.size(), 0u);
  loop_.Advance(1s);
  opened_.urls.clear();
  for (int i = 0; i < 6; ++i) Open();
  EXPECT_FALSE(record_->servers[0]->row->ejected);
  const auto clients = std::ranges::count(opened_.urls, "tcp://127.0.0.1:1");
  EXPECT_GE(clients, 2);
  EXPECT_EQ(one.size(), static_cast<std::size_t>(clients) + 1) << "and the trial";
  EXPECT_EQ(log_.Count("server back"), 1u);
}

TEST_F(PoolTest, NoMoreThanTheShareIsEjected) {
  test::TestServer three(loop_.network(), test::Address("127.0.0.1:3"));
  Use({1, 2, 3});
  for (int i = 0; i < 30; ++i) EXPECT_EQ(Open(), "tcp://127.0.0.1:3");
  EXPECT_NE(Health(0).ejected(), Health(1).ejected()) << "one of three is half of them, rounded";
  EXPECT_GT(Numbers(0).connect_failures.Get() + Numbers(1).connect_failures.Get(), 10u);
}

TEST_F(PoolTest, AnOnlyServerIsNeverEjectedByDefault) {
  Use({1});
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Open(), HasSubstr("failed: tcp://127.0.0.1:1"));
  EXPECT_FALSE(Health(0).ejected());
  EXPECT_EQ(Numbers(0).connect_failures.Get(), 10u);
}

TEST_F(PoolTest, WhereAllAreEjectedClientsHearAtOnceAndOneTriesWhenTheTimeIsOver) {
  settings().ejection->most = 100;
  Use({1, 2});
  loop_.network().HangConnects(test::Address("127.0.0.1:1"));
  loop_.network().HangConnects(test::Address("127.0.0.1:2"));
  for (int i = 0; i < 3; ++i) {
    Search search;
    auto pending = pool_->Open(opened_, search);
    loop_.Advance(6s);
  }
  opened_.urls.clear();
  EXPECT_EQ(Open(), "failed: every server is ejected or down");
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kServersOut);
  loop_.network().AllowConnects(test::Address("127.0.0.1:1"));
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  loop_.Advance(10s);
  EXPECT_EQ(Open(), "tcp://127.0.0.1:1");
  EXPECT_FALSE(Health(0).ejected());
}

TEST_F(PoolTest, WithoutEjectionEveryServerIsTriedForEver) {
  settings().ejection.reset();
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  for (int i = 0; i < 12; ++i) Open();
  EXPECT_GE(Numbers(0).connect_failures.Get(), 6u);
}

TEST_F(PoolTest, WhereTheServerSpeaksWebSocketOnlyItsAnswerCounts) {
  settings().relay = config::Relay::kFrames;
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  for (int i = 0; i < 6; ++i) {
    if (Open() == "tcp://127.0.0.1:1") pool_->OnBroken(pool_->server(0), "no handshake");
  }
  EXPECT_TRUE(Health(0).ejected());
  EXPECT_FALSE(Health(1).ejected());
}

// ---- places

TEST_F(PoolTest, AFullServerIsPassedOverAndAllFullIsToldAtOnce) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  test::TestServer two(loop_.network(), test::Address("127.0.0.1:2"));
  Use({1, 2});
  settings().servers[0].max_sessions = 1;
  settings().servers[1].max_sessions = 2;
  for (int i = 0; i < 3; ++i) Open();
  EXPECT_THAT(opened_.urls,
              ElementsAre("tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:2"));
  EXPECT_EQ(Open(), "failed: every server has as many sessions as max_sessions allows");
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kServersFull);
  opened_.uses.erase(opened_.uses.begin());
  EXPECT_EQ(Open(), "tcp://127.0.0.1:1");
}

TEST_F(PoolTest, APlaceIsHeldFromTheChoiceToTheEnd) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Use({1});
  Search search{.wish = {}, .for_session = true, .tried = {}};
  auto pending = pool_->Open(opened_, search);
  EXPECT_EQ(InUse(0), 1u);
  pending.reset();
  EXPECT_EQ(InUse(0), 0u) << "the client has gone";
  Open();
  EXPECT_EQ(InUse(0), 1u);
  opened_.uses.clear();
  EXPECT_EQ(InUse(0), 0u);
  Open(false);
  EXPECT_EQ(InUse(0), 0u) << "requests are not counted where nobody asks";
  EXPECT_FALSE(opened_.uses.back());
}

}  // namespace
}  // namespace upgate::backend
