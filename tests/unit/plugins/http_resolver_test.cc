// The http resolver against a server that the test plays.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/http/query.h"
#include "plugins/http/url_template.h"
#include "tests/unit/plugins/resolver_fixture.h"

namespace upgate::plugins {
namespace {

using namespace std::chrono_literals;
using test::Address;
using test::TestServer;
using testing::HasSubstr;
using testing::StartsWith;

std::string Ok(std::string_view body, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

class HttpResolverTest : public ResolverPluginTest {
 protected:
  std::string AnswerTo(std::string_view wire, std::size_t chunk = 65'536) {
    loop_.network().options().read_chunk = chunk;
    Start("http", "{ url: \"http://127.0.0.1:9000/t?token={token}\" }");
    TestServer server(loop_.network(), Address("127.0.0.1:9000"));
    Asked asked(*instance_, "t");
    Run();
    server[0].Send(wire);
    Run();
    if (asked.answer().empty()) server[0].Close();
    Run();
    const std::string answer = asked.answer();
    asked.Cancel();
    Run();
    instance_.reset();
    return answer;
  }
  std::string Target(std::string_view url, std::string_view token) {
    const http::Request request{};
    return UrlTemplate::Parse(url)
        ->TargetFor({.token = token,
                     .client = "::1",
                     .host = "a.example",
                     .path = "/r/x",
                     .request = request})
        .value_or("(none)");
  }
};

TEST_F(HttpResolverTest, AsksWithTheTokenAndTheClientsFacts) {
  Start("http",
        "{ url: \"http://127.0.0.1:9000/t/{token}?c={client}&h={host}&p={path}\", headers: { "
        "Authorization: Bearer hush } }");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Asked asked(*instance_, "a b&c");
  Run();
  EXPECT_THAT(server[0].received(),
              StartsWith("GET /t/a%20b%26c?c=192.0.2.1&h=a.example&p=%2Fr HTTP/1.1\r\n"));
  EXPECT_THAT(server[0].received(), HasSubstr("Host: 127.0.0.1:9000\r\n"));
  EXPECT_THAT(server[0].received(), HasSubstr("Authorization: Bearer hush\r\n"));
  server[0].Send(Ok(R"({"target":"tcp://10.0.0.1:5900"})"));
  Run();
  EXPECT_EQ(asked.answer(), "found tcp://10.0.0.1:5900");
  EXPECT_EQ(asked.fresh(), std::nullopt);
  asked.Cancel();
  Run();
  instance_.reset();
}

TEST_F(HttpResolverTest, AnswersInPieces) {
  for (const std::size_t chunk : {1u, 7u}) {
    EXPECT_EQ(AnswerTo(Ok(R"({"host":"10.0.0.1","port":5900})"), chunk), "found 10.0.0.1:5900");
    EXPECT_EQ(
        AnswerTo("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"target\":\"a:1"
                 "\"}\r\n0\r\n\r\n",
                 chunk),
        "found a:1");
  }
}

TEST_F(HttpResolverTest, OtherAnswers) {
  EXPECT_EQ(AnswerTo("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "unknown");
  EXPECT_EQ(AnswerTo("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), "unknown");
  EXPECT_EQ(AnswerTo("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
            "failed the server of the resolver answered 500");
  EXPECT_EQ(AnswerTo("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
            "failed the server of the resolver answered 302");
  for (const std::string body : {"", "10.0.0.1:5900", "[]", "{", R"({"target":1})", "null"})
    EXPECT_THAT(AnswerTo(Ok(body)), StartsWith("failed the server of the resolver gave")) << body;
  EXPECT_THAT(AnswerTo(Ok(std::string(HttpQuery::kMostBody + 1, ' '))), HasSubstr("too large"));
  EXPECT_THAT(AnswerTo("nonsense\r\n\r\n"), StartsWith("failed the server of the resolver: "));
  EXPECT_THAT(AnswerTo("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
              StartsWith("failed the server of the resolver: "));
}

TEST_F(HttpResolverTest, NobodyListens) {
  Start("http", "{ url: \"http://127.0.0.1:9000/?t={token}\" }");
  Asked asked(*instance_, "t");
  Run();
  EXPECT_THAT(asked.answer(), StartsWith("failed the server of the resolver: "));
  asked.Cancel();
  instance_.reset();
}

TEST_F(HttpResolverTest, ACancelledQuestionClosesItsConnection) {
  Start("http", "{ url: \"http://127.0.0.1:9000/?t={token}\" }");
  TestServer server(loop_.network(), Address("127.0.0.1:9000"));
  Asked asked(*instance_, "t");
  Run();
  asked.Cancel();
  Run();
  EXPECT_TRUE(server[0].done());
  instance_.reset();
}

TEST_F(HttpResolverTest, TokensDoNotLeadToOtherPaths) {
  constexpr std::string_view kPath = "http://a/x/{token}/y";
  EXPECT_EQ(Target(kPath, "vm1"), "/x/vm1/y");
  for (const char* token : {".", "..", "a/b", "../..", "a\\b", "/"})
    EXPECT_EQ(Target(kPath, token), "(none)") << token;
  EXPECT_EQ(Target(kPath, "%2e%2e"), "/x/%252e%252e/y");
  EXPECT_EQ(Target(kPath, "a?b#c"), "/x/a%3Fb%23c/y");
  EXPECT_EQ(Target("http://a?t={token}", "../a&b=c\xff"), "/?t=..%2Fa%26b%3Dc%FF");
}

TEST_F(HttpResolverTest, CacheControl) {
  const auto fresh = [](std::string_view control, std::string_view age = {}) -> std::int64_t {
    http::Headers headers;
    if (!control.empty()) headers.Add("Cache-Control", std::string(control));
    if (!age.empty()) headers.Add("Age", std::string(age));
    const auto got = FreshnessOf(headers);
    return got ? got->count() / 1000 : -1;
  };
  EXPECT_EQ(fresh(""), -1);
  EXPECT_EQ(fresh("public"), -1);
  EXPECT_EQ(fresh("max-age=30"), 30);
  EXPECT_EQ(fresh("Max-Age=\"30\""), 30);
  EXPECT_EQ(fresh("max-age=30, s-maxage=5"), 5);
  EXPECT_EQ(fresh("max-age=30", "10"), 20);
  EXPECT_EQ(fresh("max-age=30", "40"), 0);
  EXPECT_EQ(fresh("max-age=30, no-store"), 0);
  EXPECT_EQ(fresh("private, max-age=30"), 0);
  EXPECT_EQ(fresh("max-age=abc"), 0);
  EXPECT_EQ(fresh("max-age=-5"), 0);
  EXPECT_EQ(fresh("max-age=99999999999999999999999"), 86'400);
}

TEST_F(HttpResolverTest, MistakesAreNamed) {
  const auto errors = [&](std::string_view options) {
    Make("http", options);
    return Errors();
  };
  EXPECT_THAT(errors("{}"), HasSubstr("options.url: missing"));
  EXPECT_THAT(errors("{ url: \"ftp://a/{token}\" }"),
              HasSubstr("is not an http:// or https:// URL"));
  EXPECT_THAT(errors("{ url: \"http://a/\" }"), HasSubstr("has no place for the token"));
  EXPECT_THAT(errors("{ url: \"http://{token}/\" }"), HasSubstr("options.url"));
  EXPECT_THAT(errors("{ url: \"http://a/{token}/{user}\" }"),
              HasSubstr("has a place that is unknown"));
  EXPECT_THAT(errors("{ url: \"http://a/{token}\", tls: true }"), HasSubstr("has no effect"));
  EXPECT_THAT(errors("{ url: \"http://a/{token}\", headers: { \"a b\": c } }"),
              HasSubstr("is not a valid name of a header"));
  EXPECT_EQ(errors("{ url: \"https://a/{token}\" }"), "");
}

}  // namespace
}  // namespace upgate::plugins
