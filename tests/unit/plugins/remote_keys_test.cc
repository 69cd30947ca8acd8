// The keys of a URL: fetched by one loop for all, when it is time, and kept when that fails.
#include "plugins/jwt/remote_keys.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_peer.h"
#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::remote_keys_test {
namespace {

using namespace std::chrono_literals;
using test::Address;
using test::TestServer;
using testing::HasSubstr;
using testing::StartsWith;

// RFC 8037, appendix A.2.
constexpr std::string_view kKey =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

std::string Document(int keys, std::string_view fields = {}) {
  std::string body = R"({"keys":[)";
  for (int i = 0; i < keys; ++i) body.append(i > 0 ? "," : "").append(kKey);
  body += "]}";
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Waiter final : KeyWaiter {
  int calls = 0;
  void OnKeys() override { ++calls; }
};

class RemoteKeysTest : public testing::Test {
 protected:
  // As of two loops, which here are one.
  RemoteKeysTest() { one_ = Start(host_); }
  ~RemoteKeysTest() override {
    one_.reset();
    two_.reset();
    loop_.RunUntilIdle();
  }
  std::unique_ptr<RemoteKeys> Start(plugin::AuthHost& host) {
    auto keys = std::make_unique<RemoteKeys>(shared_, url_, nullptr, host);
    loop_.RunUntilIdle();
    return keys;
  }
  void Answer(std::size_t which, std::string_view wire) {
    server_[which].Send(wire);
    loop_.RunUntilIdle();
  }
  // "none", or their number.
  static std::string Count(const RemoteKeys& keys) {
    return keys.keys() ? std::to_string(keys.keys()->size()) : "none";
  }

  test::FakeLoop loop_;
  TestServer server_{loop_.network(), Address("127.0.0.1:9000")};
  const HttpUrl url_ = *ReadHttpUrl("http://127.0.0.1:9000/jwks.json?x=1");
  SharedKeys shared_;
  FakeAuthHost host_{loop_};
  FakeAuthHost other_{loop_};
  std::unique_ptr<RemoteKeys> one_;
  std::unique_ptr<RemoteKeys> two_;
};

TEST_F(RemoteKeysTest, AreFetchedAtTheStart) {
  ASSERT_EQ(server_.size(), 1u);
  EXPECT_THAT(server_[0].received(),
              StartsWith("GET /jwks.json?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n"));
  EXPECT_EQ(Count(*one_), "none");
  Answer(0, Document(2));
  EXPECT_EQ(Count(*one_), "2");
}

TEST_F(RemoteKeysTest, AreFetchedAgainWhenTheyAreNoLongerFresh) {
  Answer(0, Document(1, "Cache-Control: max-age=60\r\n"));
  loop_.Advance(59s);
  EXPECT_EQ(server_.size(), 1u);
  loop_.Advance(2s);
  ASSERT_EQ(server_.size(), 2u);
  Answer(1, Document(2));
  EXPECT_EQ(Count(*one_), "2");
  loop_.Advance(299s);
  EXPECT_EQ(server_.size(), 2u) << "5 minutes, where the server does not say";
  loop_.Advance(2s);
  ASSERT_EQ(server_.size(), 3u);
  Answer(2, Document(1, "Cache-Control: no-store\r\n"));
  loop_.Advance(9s);
  EXPECT_EQ(server_.size(), 3u) << "not more often than every 10 seconds";
  loop_.Advance(2s);
  EXPECT_EQ(server_.size(), 4u);
}

TEST_F(RemoteKeysTest, AnUnknownKeyIsAskedForButNotTooOften) {
  Answer(0, Document(1));
  Waiter waiter;
  EXPECT_FALSE(one_->Renew(waiter));
  loop_.Advance(10s);
  EXPECT_TRUE(one_->Renew(waiter));
  Waiter second;
  EXPECT_TRUE(one_->Renew(second));
  Waiter gone;
  EXPECT_TRUE(one_->Renew(gone));
  one_->Leave(gone);
  loop_.RunUntilIdle();
  ASSERT_EQ(server_.size(), 2u);
  Answer(1, Document(2));
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(gone.calls, 0);
  EXPECT_FALSE(one_->Renew(waiter));
}

TEST_F(RemoteKeysTest, WhatFailsChangesNothing) {
  Answer(0, Document(1));
  const auto keys = one_->keys();
  std::size_t which = 1;
  for (const std::string& wire :
       {std::string("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9000/\r\n\r\n"),
        std::string("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
        "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + std::string(300'000, ' '),
        std::string("nonsense\r\n\r\n")}) {
    Waiter waiter;
    loop_.Advance(11s);
    if (server_.size() == which) {
      EXPECT_TRUE(one_->Renew(waiter));
    }
    loop_.RunUntilIdle();
    ASSERT_EQ(server_.size(), which + 1);
    Answer(which++, wire);
    EXPECT_EQ(one_->keys(), keys) << wire.substr(0, 40);
  }
  EXPECT_EQ(host_.log().Last("key set failed", "kept"), "1");
  loop_.Advance(11s);
  ASSERT_EQ(server_.size(), which + 1) << "asked again after a pause";
  loop_.Advance(6s);  // it hangs
  EXPECT_THAT(host_.log().Last("key set failed", "why"), HasSubstr("has not answered in time"));
  EXPECT_TRUE(server_[which].done());
}

TEST_F(RemoteKeysTest, OneLoopFetchesForAll) {
  two_ = Start(other_);
  EXPECT_EQ(server_.size(), 1u);
  Waiter waiter;
  EXPECT_TRUE(two_->Renew(waiter));
  EXPECT_EQ(server_.size(), 1u);
  Answer(0, Document(1));
  EXPECT_EQ(waiter.calls, 0);
  other_.RunPosted();
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(one_->keys(), two_->keys());
  EXPECT_EQ(Count(*two_), "1");
  loop_.Advance(301s);
  EXPECT_EQ(server_.size(), 2u) << "both are due";
}

TEST_F(RemoteKeysTest, NewsUnderWayIsWaitedFor) {
  two_ = Start(other_);
  Answer(0, Document(1));
  Waiter waiter;
  EXPECT_TRUE(two_->Renew(waiter)) << "it does not know yet that there are keys";
  EXPECT_EQ(server_.size(), 1u);
  other_.RunPosted();
  EXPECT_EQ(waiter.calls, 1);
}

TEST_F(RemoteKeysTest, AnotherLoopTakesOver) {
  two_ = Start(other_);
  Waiter waiter;
  EXPECT_TRUE(two_->Renew(waiter));
  one_.reset();
  loop_.RunUntilIdle();
  EXPECT_TRUE(server_[0].done());
  other_.RunPosted();
  loop_.RunUntilIdle();
  ASSERT_EQ(server_.size(), 2u);
  EXPECT_EQ(waiter.calls, 0);
  Answer(1, Document(1));
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(Count(*two_), "1");
}

TEST_F(RemoteKeysTest, AnAnswerInTheTurnOfTheirEndIsForNobody) {
  two_ = Start(other_);
  server_[0].Send(Document(1));
  one_.reset();  // by a reload; what has arrived is read later in this turn
  loop_.RunUntilIdle();
  EXPECT_EQ(host_.log().Count("key set fetched"), 0u);
  other_.RunPosted();
  EXPECT_EQ(Count(*two_), "none");
}

TEST_F(RemoteKeysTest, WhoTakesOverIsWaitedFor) {
  FakeAuthHost last(loop_);
  two_ = Start(other_);
  auto three = Start(last);
  Waiter waiter;
  EXPECT_TRUE(three->Renew(waiter));
  one_.reset();
  loop_.RunUntilIdle();
  other_.RunPosted();  // fetches
  loop_.RunUntilIdle();
  last.RunPosted();
  EXPECT_EQ(waiter.calls, 0) << "the same keys as before are no news";
  Answer(1, Document(1));
  last.RunPosted();
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(Count(*three), "1");
}

}  // namespace
}  // namespace upgate::plugins::remote_keys_test
