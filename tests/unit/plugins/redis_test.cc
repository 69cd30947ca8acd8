// The redis resolver against a server that the test plays.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/redis/client.h"
#include "tests/unit/plugins/resolver_fixture.h"

namespace upgate::plugins {
namespace {

using namespace std::chrono_literals;
using test::Address;
using test::TestServer;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kServer = "127.0.0.1:6379";

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}
std::string Get(std::string_view key) {
  return "*2\r\n$3\r\nGET\r\n" + Bulk(key);
}

class RedisTest : public ResolverPluginTest {
 protected:
  // The answer to one question for this value, which the server sends in pieces of `chunk` bytes.
  std::string AnswerTo(std::string_view wire, std::size_t chunk = 65'536) {
    loop_.network().options().read_chunk = chunk;
    Start("redis", "{ server: \"127.0.0.1:6379\" }");
    TestServer server(loop_.network(), Address(kServer));
    Asked asked(*instance_, "t");
    Run();
    server[0].Send(wire);
    Run();
    const std::string answer = asked.answer();
    asked.Cancel();
    instance_.reset();
    Run();
    return answer;
  }
};

TEST_F(RedisTest, ValuesInEveryForm) {
  for (const std::size_t chunk : {1u, 3u, 65'536u}) {
    EXPECT_EQ(AnswerTo(Bulk("10.0.0.1:5900"), chunk), "found 10.0.0.1:5900");
    EXPECT_EQ(AnswerTo(Bulk(R"({"host":"10.0.0.1","port":5900})"), chunk), "found 10.0.0.1:5900");
  }
  EXPECT_EQ(AnswerTo(Bulk(R"({"host":"10.0.0.1","port":"5900"})")), "found 10.0.0.1:5900");
  EXPECT_EQ(AnswerTo(Bulk(R"({"host":"10.0.0.1:5900"})")), "found 10.0.0.1:5900");
  EXPECT_EQ(AnswerTo(Bulk(R"({"host":"::1","port":1})")), "found [::1]:1");
  EXPECT_EQ(AnswerTo(Bulk(R"({"target":"ws://a:1"})")), "found ws://a:1");
  EXPECT_EQ(AnswerTo(Bulk(" a:1\n")), "found a:1");
  EXPECT_EQ(AnswerTo("$-1\r\n"), "unknown");
}

TEST_F(RedisTest, WhatLies) {
  for (const std::string value :
       {R"({"host":1,"port":2})", R"({"host":"a","port":-1})", R"({"host":"a","port":70000})",
        R"({"host":"a","port":1.5})", R"({"host":"a","port":[1]})", R"({"hosts":"a"})", "{", "{}",
        R"({"target":7})"})
    EXPECT_THAT(AnswerTo(Bulk(value)), StartsWith("failed redis has a value that is no target"))
        << value;
  EXPECT_THAT(AnswerTo(Bulk("{\"a\":" + std::string(30'000, '[') + "}")), StartsWith("failed"));
  EXPECT_THAT(AnswerTo(Bulk("")), StartsWith("failed"));
  EXPECT_THAT(AnswerTo(":7\r\n"), StartsWith("failed redis answered with something else"));
  EXPECT_EQ(AnswerTo("-NOAUTH Authentication required.\r\n"), "failed redis answered NOAUTH");
  // An error that repeats what was asked for.
  EXPECT_EQ(AnswerTo("-secret t\r\n"), "failed redis answered an error");
}

TEST_F(RedisTest, WhatIsNotItsProtocolEndsTheConnection) {
  for (const std::string wire :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "*1000000000\r\n", "*2\r\n$1\r\na\r\n",
        "$99999999999999999999\r\n", "$-7\r\n", "%1\r\n"})
    EXPECT_THAT(AnswerTo(wire), StartsWith("failed redis: redis sent something")) << wire;
  EXPECT_THAT(AnswerTo("$100000000\r\n" + std::string(70'000, 'x')),
              StartsWith("failed redis: redis sent an answer that is too large"));
}

TEST_F(RedisTest, ThePasswordAndTheDatabaseComeFirstAndQuestionsArePipelined) {
  Start("redis",
        "{ server: \"127.0.0.1:6379\", username: me, password: hush, database: 3, pattern: "
        "\"vnc:{token}:target\" }");
  TestServer server(loop_.network(), Address(kServer));
  Asked a(*instance_, "one"), b(*instance_, "two");
  Run();
  EXPECT_EQ(server[0].TakeReceived(),
            "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\nhush\r\n*2\r\n$6\r\nSELECT"
            "\r\n$1\r\n3\r\n" +
                Get("vnc:one:target") + Get("vnc:two:target"));
  server[0].Send("+OK\r\n+OK\r\n" + Bulk("a:1") + Bulk("b:2"));
  Run();
  EXPECT_EQ(a.answer(), "found a:1");
  EXPECT_EQ(b.answer(), "found b:2");
  EXPECT_THAT(resolver_->Describe(), HasSubstr("vnc:{token}:target"));
  EXPECT_EQ(resolver_->Describe().find("hush"), std::string::npos);
  instance_.reset();
}

TEST_F(RedisTest, AWrongPasswordIsToldWithoutIt) {
  Start("redis", "{ server: \"127.0.0.1:6379\", password: hush }");
  TestServer server(loop_.network(), Address(kServer));
  Asked asked(*instance_, "one");
  Run();
  server[0].Send("-WRONGPASS invalid hush\r\n");
  Run();
  EXPECT_EQ(asked.answer(), "failed redis refused the password or the database: WRONGPASS");
  instance_.reset();
  loop_.Advance(10s);
}

TEST_F(RedisTest, ItReconnectsAfterAPauseThatDoubles) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  const auto ask = [&] {
    Asked asked(*instance_, "t");
    Run();
    return asked.answer();
  };
  EXPECT_THAT(ask(), StartsWith("failed redis: "));
  const auto before = loop_.network().operations();
  EXPECT_THAT(ask(), StartsWith("failed redis: "));  // at once
  EXPECT_EQ(loop_.network().operations(), before);
  loop_.Advance(110ms);
  EXPECT_THAT(ask(), StartsWith("failed redis: "));  // tried again
  EXPECT_GT(loop_.network().operations(), before);
  loop_.Advance(110ms);
  const auto pausing = loop_.network().operations();
  ask();
  EXPECT_EQ(loop_.network().operations(), pausing);
  loop_.Advance(110ms);
  TestServer server(loop_.network(), Address(kServer));
  Asked asked(*instance_, "t");
  Run();
  server[0].Send(Bulk("a:1"));
  Run();
  EXPECT_EQ(asked.answer(), "found a:1");
  instance_.reset();
}

TEST_F(RedisTest, WhatBreaksInTheMiddleIsAskedOnceMore) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  TestServer server(loop_.network(), Address(kServer));
  Asked first(*instance_, "one");
  Run();
  server[0].Send(Bulk("a:1"));
  Run();
  Asked second(*instance_, "two");
  Run();
  server[0].Reset();
  Run();
  ASSERT_EQ(server.size(), 2u);
  EXPECT_EQ(server[1].received(), Get("two"));
  server[1].Reset();
  Run();
  EXPECT_THAT(second.answer(), StartsWith("failed redis: "));
  instance_.reset();
  loop_.Advance(10s);
}

TEST_F(RedisTest, AnIdleConnectionThatEndsIsNoFailure) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  TestServer server(loop_.network(), Address(kServer));
  Asked first(*instance_, "one");
  Run();
  server[0].Send(Bulk("a:1"));
  Run();
  server[0].Close();
  Run();
  Asked second(*instance_, "two");
  Run();
  ASSERT_EQ(server.size(), 2u);
  server[1].Send(Bulk("b:2"));
  Run();
  EXPECT_EQ(second.answer(), "found b:2");
  instance_.reset();
}

TEST_F(RedisTest, OneThatHangsFailsAllThatWait) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  TestServer server(loop_.network(), Address(kServer));
  Asked asked(*instance_, "one");
  loop_.Advance(6s);
  EXPECT_EQ(asked.answer(), "failed redis does not answer");
  EXPECT_TRUE(server[0].done());
  instance_.reset();
  loop_.Advance(10s);
}

TEST_F(RedisTest, ACancelledQuestionKeepsTheOrder) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  TestServer server(loop_.network(), Address(kServer));
  Asked a(*instance_, "one"), b(*instance_, "two");
  Run();
  a.Cancel();
  server[0].Send(Bulk("a:1") + Bulk("b:2"));
  Run();
  EXPECT_EQ(a.answer(), "");
  EXPECT_EQ(b.answer(), "found b:2");
  instance_.reset();
}

TEST_F(RedisTest, TooManyQuestionsFail) {
  Start("redis", "{ server: \"127.0.0.1:6379\" }");
  loop_.network().HangConnects(Address(kServer));
  std::vector<std::unique_ptr<Asked>> asked;
  for (std::size_t i = 0; i <= RedisClient::kMostWaiting; ++i)
    asked.push_back(std::make_unique<Asked>(*instance_, "t"));
  EXPECT_EQ(asked.front()->answer(), "");
  EXPECT_EQ(asked.back()->answer(), "failed too many questions to redis are waiting");
  asked.clear();
  instance_.reset();
}

TEST_F(RedisTest, MistakesAreNamed) {
  Make("redis", "{}");
  EXPECT_THAT(Errors(), HasSubstr("options.server: missing"));
  Make("redis", "{ server: \"a:1\", pattern: vnc }");
  EXPECT_THAT(Errors(), HasSubstr("options.pattern: 'vnc' has no place for the token"));
  Make("redis", "{ server: \"a:1\", username: me }");
  EXPECT_THAT(Errors(), HasSubstr("options.password: missing; a username needs one"));
  Make("redis", "{ server: \"a:1\", tls: { ca: /nowhere } }");
  EXPECT_THAT(Errors(), HasSubstr("/nowhere"));
  Make("redis", "{ server: \"redis://a:1\" }");
  EXPECT_THAT(Errors(), HasSubstr("is a URL; write a:1"));
}

}  // namespace
}  // namespace upgate::plugins
