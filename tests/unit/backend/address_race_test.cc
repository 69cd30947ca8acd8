#include "gateway/backend/address_race.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.h"
#include "tests/support/test_peer.h"

namespace upgate::backend {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
using test::TestServer;

std::vector<Ip> Ips(std::initializer_list<const char*> texts) {
  std::vector<Ip> ips;
  for (const char* text : texts) ips.push_back(*Ip::Parse(text));
  return ips;
}

TEST(InterleaveFamiliesTest, FamiliesTakeTurns) {
  EXPECT_EQ(InterleaveFamilies(Ips({"::1", "::2", "::3", "10.0.0.1"})),
            Ips({"::1", "10.0.0.1", "::2", "::3"}));
  EXPECT_EQ(InterleaveFamilies(Ips({"10.0.0.1", "10.0.0.2", "::1"})),
            Ips({"10.0.0.1", "::1", "10.0.0.2"}));
  EXPECT_EQ(InterleaveFamilies(Ips({"10.0.0.1"})), Ips({"10.0.0.1"}));
}

class AddressRaceTest : public testing::Test, private io::ConnectHandler {
 protected:
  ~AddressRaceTest() override {
    race_.reset();
    stream_.reset();
    servers_.clear();
    loop_.RunUntilIdle();
  }
  void Serve(const char* at) {
    servers_.push_back(std::make_unique<TestServer>(loop_.network(), test::Address(at)));
  }
  // Connections are neither accepted nor refused.
  void Hang(const char* at) { loop_.network().HangConnects(test::Address(at)); }
  void Race(std::initializer_list<const char*> ips) {
    race_.reset(new AddressRace(loop_.io(), Ips(ips), 80, *this));
    EXPECT_FALSE(stream_ || error_);
    loop_.RunUntilIdle();
  }
  std::string Winner() const { return stream_ ? ToString(stream_->peer_address()) : ""; }

  FakeLoop loop_;
  std::vector<std::unique_ptr<TestServer>> servers_;
  std::unique_ptr<AddressRace> race_;
  std::unique_ptr<io::ByteStream> stream_;
  std::optional<Error> error_;

 private:
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override {
    stream_ = std::move(stream);
    race_.reset();
  }
  void OnConnectFailed(const Error& error) override {
    error_ = error;
    race_.reset();
  }
};

TEST_F(AddressRaceTest, TheFirstThatAnswersIsUsedAtOnce) {
  Serve("10.0.0.1:80");
  Serve("10.0.0.2:80");
  Race({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(Winner(), "10.0.0.1:80");
  EXPECT_EQ(servers_[1]->size(), 0u);
}

TEST_F(AddressRaceTest, ARefusalLeadsToTheNextAtOnce) {
  Serve("10.0.0.3:80");
  Race({"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  EXPECT_EQ(Winner(), "10.0.0.3:80");
}

TEST_F(AddressRaceTest, SilenceLeadsToTheNextAfterAQuarterOfASecond) {
  Hang("10.0.0.1:80");
  Serve("10.0.0.2:80");
  Race({"10.0.0.1", "10.0.0.2"});
  loop_.Advance(249ms);
  EXPECT_EQ(Winner(), "");
  loop_.Advance(2ms);
  EXPECT_EQ(Winner(), "10.0.0.2:80");
}

TEST_F(AddressRaceTest, TheLastErrorIsToldWhenAllHaveFailed) {
  Hang("10.0.0.1:80");
  Race({"10.0.0.1", "10.0.0.2"});
  loop_.Advance(1s);
  EXPECT_FALSE(error_);  // the first is still under way
  race_.reset();
  Race({"10.0.0.2", "10.0.0.3"});
  ASSERT_TRUE(error_);
  EXPECT_EQ(error_->code, Errc::kRefused);
}

TEST_F(AddressRaceTest, DestroyingItCancelsEveryAttempt) {
  Hang("10.0.0.1:80");
  Hang("10.0.0.2:80");
  Race({"10.0.0.1", "10.0.0.2"});
  loop_.Advance(300ms);
  race_.reset();
  loop_.Advance(10s);
  EXPECT_FALSE(stream_ || error_);
}

}  // namespace
}  // namespace upgate::backend
