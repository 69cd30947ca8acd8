// The forward authenticator against a service that the test plays.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/auth/recent.h"
#include "tests/support/test_peer.h"
#include "tests/unit/plugins/auth_fixture.h"

namespace upgate::plugins::forward_test {
namespace {

using namespace std::chrono_literals;
using test::Address;
using test::TestServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kYes =
    "HTTP/1.1 202 Accepted\r\nX-User: alice\r\nX-Email: a@example.com\r\nX-Secret: s\r\n"
    "Content-Length: 0\r\n\r\n";
constexpr std::string_view kNo =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nSet-Cookie: a=b\r\n"
    "Connection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 6\r\n\r\nlog in";

class ForwardTest : public AuthPluginTest {
 protected:
  ~ForwardTest() override {
    asked_.clear();
    loop_.RunUntilIdle();
    instance_.reset();
    loop_.RunUntilIdle();
  }
  void Begin(const std::string& options = {}) {
    asked_.clear();  // before the instance that they ask
    loop_.RunUntilIdle();
    Start("forward", "{ url: \"http://127.0.0.1:9000/auth?x=1\"" +
                         (options.empty() ? "" : ", " + options) + " }");
  }
  Checked& Ask(http::Request request = RequestWith({{"Authorization", "Bearer t"}}, "q=1")) {
    request.target.raw_path = "/p";
    requests_.push_back(std::make_unique<http::Request>(std::move(request)));
    asked_.push_back(std::make_unique<Checked>(*instance_, "", *requests_.back()));
    loop_.RunUntilIdle();
    return *asked_.back();
  }
  // What becomes of a request when the service sends this.
  std::string AnswerTo(std::string_view wire, std::size_t chunk = 65'536) {
    loop_.network().options().read_chunk = chunk;
    Begin("user_header: X-User, set: [ X-Email ]");
    TestServer server(loop_.network(), Address("127.0.0.1:9000"));
    Checked& asked = Ask();
    server[0].Send(wire);
    loop_.RunUntilIdle();
    if (!asked.done()) server[0].Close();
    loop_.RunUntilIdle();
    std::string answer = asked.answer();
    last_ = asked.whole();
    asked_.clear();
    loop_.RunUntilIdle();
    return answer;
  }
  std::string ErrorsOf(const std::string& options) {
    Make("forward", "{ url: \"http://127.0.0.1:9000/\", " + options + " }");
    return Errors();
  }

  std::vector<std::unique_ptr<http::Request>> requests_;
  std::vector<std::unique_ptr<Checked>> asked_;
  plugin::AuthAnswer last_;
};

TEST_F(ForwardTest, AsksAboutTheRequest) {
  Begin("headers: [ Cookie, X-Key ]");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Ask(RequestWith(
      {{"cookie", "a=b"}, {"Authorization", "Bearer hush"}, {"X-Forwarded-For", "6.6.6.6"}},
      "q=1&r"));
  EXPECT_THAT(server[0].received(),
              StartsWith("GET /auth?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n"));
  EXPECT_THAT(
      server[0].received(),
      AllOf(HasSubstr("X-Forwarded-Method: GET\r\n"), HasSubstr("X-Forwarded-Proto: https\r\n"),
            HasSubstr("X-Forwarded-Host: a.example\r\n"),
            HasSubstr("X-Forwarded-Uri: /p?q=1&r\r\n"), HasSubstr("X-Forwarded-For: 192.0.2.1\r\n"),
            HasSubstr("X-Original-URL: https://a.example/p?q=1&r\r\n"),
            HasSubstr("cookie: a=b\r\n")));
  EXPECT_THAT(server[0].received(), AllOf(Not(HasSubstr("hush")), Not(HasSubstr("6.6.6.6"))));
}

TEST_F(ForwardTest, A2xxLetsInWithWhatItSays) {
  for (const std::size_t chunk : {1u, 7u, 65'536u}) {
    EXPECT_EQ(AnswerTo(kYes, chunk), "let in alice");
    EXPECT_EQ(*last_.to_server.Find("x-email"), "a@example.com");
    EXPECT_EQ(last_.to_server.size(), 1u);
    EXPECT_EQ(last_.identity->claims.at("X-Email"), "a@example.com");
  }
  EXPECT_EQ(AnswerTo("HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"), "let in ")
      << "its body is not waited for";
  EXPECT_EQ(*last_.to_server.Find("x-email"), "") << "not what the client says";
  EXPECT_EQ(check_->server_fields(), std::vector<std::string>{"X-Email"});
}

TEST_F(ForwardTest, ANoIsForTheClient) {
  EXPECT_EQ(AnswerTo(kNo), "denied 401");
  EXPECT_EQ(last_.response.body, "log in");
  EXPECT_EQ(*last_.response.headers.Find("www-authenticate"), "Bearer");
  EXPECT_EQ(*last_.response.headers.Find("set-cookie"), "a=b");
  EXPECT_EQ(last_.response.headers.size(), 2u) << "nothing of the connection";
  EXPECT_EQ(AnswerTo("HTTP/1.1 302 Found\r\nLocation: https://id/\r\nContent-Length: 0\r\n\r\n"),
            "denied 302");
  EXPECT_EQ(*last_.response.headers.Find("location"), "https://id/");
  EXPECT_EQ(AnswerTo("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"), "denied 403");
}

TEST_F(ForwardTest, AnythingElseIsAFailure) {
  for (const std::string wire :
       {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 Oops\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "nonsense\r\n\r\n", "", "HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\nab"})
    EXPECT_EQ(AnswerTo(wire), "failed 502") << wire;
  EXPECT_EQ(AnswerTo("HTTP/1.1 401 No\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'x')),
            "failed 502");
}

TEST_F(ForwardTest, NoNameIsCutToThatOfSomebodyElse) {
  const auto named = [](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nX-User: " + std::string(size, 'a') + "\r\nContent-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(AnswerTo(named(256)), "let in " + std::string(256, 'a'));
  EXPECT_EQ(AnswerTo(named(257)), "failed 502");
}

TEST_F(ForwardTest, NobodyListens) {
  Begin();
  EXPECT_EQ(Ask().answer(), "failed 502");
  Begin("on_error: allow, set: [ X-Email ]");
  EXPECT_EQ(Ask().answer(), "let in ");
  EXPECT_EQ(*asked_.back()->whole().to_server.Find("X-Email"), "");
  EXPECT_EQ(Ask().answer(), "let in ");
  EXPECT_EQ(host_.log().Count("access not checked"), 1u);
}

TEST_F(ForwardTest, ASlowServiceIsNotWaitedFor) {
  Begin("timeout: 2s");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Checked& asked = Ask();
  loop_.Advance(1900ms);
  EXPECT_FALSE(asked.done());
  loop_.Advance(200ms);
  EXPECT_EQ(asked.answer(), "timeout 504");
}

TEST_F(ForwardTest, AClientThatGoesAwayClosesTheConnection) {
  Begin();
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Ask().Cancel();
  loop_.RunUntilIdle();
  EXPECT_TRUE(server[0].done());
}

TEST_F(ForwardTest, AYesIsUsedAgainForTheSameRequest) {
  Begin("cache: 10s, user_header: X-User");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Checked& first = Ask();
  server[0].Send(kYes);
  loop_.RunUntilIdle();
  EXPECT_EQ(first.answer(), "let in alice");
  EXPECT_EQ(Ask().answer(), "let in alice");
  EXPECT_EQ(server.size(), 1u);
  Ask(RequestWith({{"Authorization", "Bearer other"}}, "q=1"));
  EXPECT_EQ(server.size(), 2u) << "another credential";
  Ask(RequestWith({{"Authorization", "Bearer t"}}, "q=2"));
  EXPECT_EQ(server.size(), 3u) << "another URL";
  loop_.Advance(10s);
  Ask();
  EXPECT_EQ(server.size(), 4u);
}

TEST_F(ForwardTest, ANoIsNotRemembered) {
  Begin("cache: 10s");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Ask();
  server[0].Send(kNo);
  loop_.RunUntilIdle();
  Ask();
  EXPECT_EQ(server.size(), 2u);
}

TEST_F(ForwardTest, AsksTheSameAgainForASession) {
  Begin("recheck: 5m, on_error: allow");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Checked& asked = Ask();
  server[0].Send(kYes);
  loop_.RunUntilIdle();
  const auto recheck = asked.whole().identity->recheck;
  ASSERT_TRUE(recheck);
  EXPECT_EQ(recheck->interval(), 300s);
  const std::string before(server[0].received());
  asked_.clear();
  const auto ask_again = [&](std::string_view wire) {
    const std::size_t index = server.size();
    Checked again([&](plugin::AuthReply reply) { return recheck->Ask(std::move(reply)); });
    loop_.RunUntilIdle();
    EXPECT_EQ(server[index].received(), before);
    server[index].Send(wire);
    loop_.RunUntilIdle();
    std::string answer = again.answer();
    again.Cancel();
    loop_.RunUntilIdle();
    return answer;
  };
  EXPECT_EQ(ask_again(kYes), "let in ");
  EXPECT_EQ(ask_again(kNo), "denied 401");
  EXPECT_EQ(ask_again("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), "failed 502")
      << "no answer, and no yes";
}

TEST_F(ForwardTest, WhatIsKeptForASessionCountsAsItsMemory) {
  Begin("recheck: 5m");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  const std::uint64_t before = loop_.memory().held();
  Checked& asked = Ask(RequestWith({{"Cookie", std::string(15'000, 'x')}}));
  server[0].Send(kYes);
  loop_.RunUntilIdle();
  ASSERT_EQ(asked.answer(), "let in ");
  auto recheck = asked.whole().identity->recheck;
  asked_.clear();
  loop_.RunUntilIdle();
  EXPECT_GT(loop_.memory().held(), before + 15'000);
  recheck.reset();
  EXPECT_EQ(loop_.memory().held(), before);
}

TEST_F(ForwardTest, QuestionsAboutSessionsLeaveRoomForThoseWhoComeIn) {
  Begin("recheck: 5m");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Checked& asked = Ask();
  server[0].Send(kYes);
  loop_.RunUntilIdle();
  const auto recheck = asked.whole().identity->recheck;
  asked_.clear();
  loop_.RunUntilIdle();
  std::vector<std::unique_ptr<Checked>> again;
  for (int i = 0; i < 300; ++i) {
    again.push_back(std::make_unique<Checked>(
        [&](plugin::AuthReply reply) { return recheck->Ask(std::move(reply)); }));
  }
  EXPECT_EQ(std::ranges::count_if(again, [](const auto& one) { return !one->done(); }), 192);
  EXPECT_EQ(again.back()->answer(), "failed 502");
  EXPECT_FALSE(Ask().done());
  again.clear();
}

TEST_F(ForwardTest, FieldsThatAreTooLongAreNotAsked) {
  Begin();
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  EXPECT_EQ(Ask(RequestWith({{"Cookie", std::string(17'000, 'x')}})).answer(), "malformed 401");
  EXPECT_EQ(server.size(), 0u);
}

TEST_F(ForwardTest, SaysWhatIsWrongWithItsOptions) {
  EXPECT_THAT(ErrorsOf("headers: [ Connection ]"), HasSubstr("belongs to one connection"));
  EXPECT_THAT(ErrorsOf("headers: [ X-Forwarded-User ]"), HasSubstr("is written by the gateway"));
  EXPECT_EQ(ErrorsOf("set: [ X-Forwarded-User ]"), "");
  EXPECT_THAT(ErrorsOf("set: [ \"a b\" ]"), HasSubstr("is not the name of a header"));
  EXPECT_THAT(ErrorsOf("on_error: open"), HasSubstr("on_error"));
  EXPECT_THAT(ErrorsOf("recheck: 10ms"), HasSubstr("is too often"));
  EXPECT_THAT(ErrorsOf("tls: {}"), HasSubstr("has no effect"));
  EXPECT_EQ(ErrorsOf("cache: 1m, timeout: 5s"), "");
  Make("forward", "{ url: \"ftp://a/\" }");
  EXPECT_THAT(Errors(), HasSubstr("url"));
  Make("forward", "{}");
  EXPECT_THAT(Errors(), HasSubstr("url: missing"));
}

TEST_F(ForwardTest, DescribesItselfWithoutThePath) {
  Begin();
  EXPECT_EQ(check_->Describe(), "forward: asks http://127.0.0.1:9000");
}

TEST(RecentTest, ForgetsWhatWasUsedLongestAgo) {
  Recent<std::string, int> recent(2);
  recent.Put("a", 1);
  recent.Put("b", 2);
  ASSERT_NE(recent.Find("a"), nullptr);
  recent.Put("c", 3);
  EXPECT_EQ(recent.Find("b"), nullptr);
  EXPECT_EQ(*recent.Find("a"), 1);
  recent.Put("a", 4);
  EXPECT_EQ(*recent.Find("a"), 4);
  EXPECT_EQ(recent.size(), 2u);
  recent.Erase("a");
  recent.Erase("a");
  EXPECT_EQ(recent.Find("a"), nullptr);
  EXPECT_EQ(*recent.Find("c"), 3);
  recent.Clear();
  EXPECT_EQ(recent.size(), 0u);
}

}  // namespace
}  // namespace upgate::plugins::forward_test
