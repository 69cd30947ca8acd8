#include "gateway/backend/pool.h"

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
  void OnOpened(std::unique_ptr<io::ByteStream> stream, const Server& server,
                io::Instant) override {
    urls.push_back(server.config.url);
    streams.push_back(std::move(stream));
  }
  void OnOpenFailed(const OpenError& error) override {
    urls.push_back("failed: " + error.message);
    outcome = OutcomeOf(error);
  }
  std::vector<std::string> urls;
  std::vector<std::unique_ptr<io::ByteStream>> streams;
  stats::HandshakeOutcome outcome = stats::HandshakeOutcome::kAccepted;
};

class PoolTest : public testing::Test {
 protected:
  // A backend with servers at these ports of 127.0.0.1.
  void Use(const std::vector<std::uint16_t>& ports, std::size_t loop = 0) {
    config::Backend& backend = config_->backends["b"];
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
    record->whole = config_;
    record->config = &backend;
    record_ = record;
    pool_ = std::make_unique<Pool>(record_, loop_.io(), scratch_, &log_of_servers_, loop);
  }
  std::string Open() {
    auto pending = pool_->Open(opened_);
    loop_.RunUntilIdle();
    return opened_.urls.empty() ? "" : opened_.urls.back();
  }
  stats::ServerStats& Numbers(std::size_t server) {
    return record_->servers[server]->row->loops[0];
  }

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
  auto pending = pool_->Open(opened_);
  EXPECT_TRUE(opened_.urls.empty()) << "never from inside Open";
  loop_.Advance(10ms);
  EXPECT_THAT(opened_.urls, ElementsAre("failed: an operator has drained every server"));
  EXPECT_EQ(opened_.outcome, stats::HandshakeOutcome::kDrained);
}

TEST_F(PoolTest, WhoeverNoLongerWaitsHearsNothing) {
  test::TestServer one(loop_.network(), test::Address("127.0.0.1:1"));
  Use({1});
  pool_->Open(opened_).reset();
  loop_.RunUntilIdle();
  EXPECT_TRUE(opened_.urls.empty());
}

}  // namespace
}  // namespace upgate::backend
