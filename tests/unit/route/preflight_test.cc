#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/route/origin.h"

namespace upgate::route::preflight_test {
namespace {

using config::OriginPattern;
using testing::HasSubstr;
using Lines = std::vector<std::string>;

constexpr auto kVary =
    "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
const SeenAs kSeen{"https", "gate.example.net", 443, "192.0.2.1"};

http::Request Preflight(const std::string& method, const std::vector<std::string>& headers = {},
                        const std::string& origin = "https://app.example.com") {
  http::Request request;
  request.method = "OPTIONS";
  request.headers.Add("Origin", origin);
  request.headers.Add("Access-Control-Request-Method", method);
  for (const std::string& line : headers)
    request.headers.Add("Access-Control-Request-Headers", line);
  return request;
}

config::Cors Policy() {
  config::Cors cors;
  cors.allow_origins = {{OriginPattern::Kind::kExact, "https", "app.example.com", 443}};
  return cors;
}

Lines ToLines(const http::Headers& headers) {
  Lines lines;
  for (const auto& [name, value] : headers) lines.push_back(name + ": " + value);
  return lines;
}

void ExpectRefused(const http::Request& request, const config::Cors& cors, const std::string& why) {
  const http::Response response = AnswerPreflight(request, kSeen, cors);
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr(why));
  ASSERT_NE(response.headers.Find("Content-Type"), nullptr);
  EXPECT_THAT(*response.headers.Find("Content-Type"), HasSubstr("text/plain"));
  EXPECT_NE(response.headers.Find("Vary"), nullptr);
  EXPECT_EQ(response.headers.Find("Access-Control-Allow-Origin"), nullptr);
  EXPECT_EQ(response.headers.Find("Access-Control-Allow-Methods"), nullptr);
}

TEST(IsPreflightTest, NeedsOptionsOriginAndAMethod) {
  EXPECT_TRUE(IsPreflight(Preflight("GET")));
  http::Request other = Preflight("GET");
  other.method = "GET";
  EXPECT_FALSE(IsPreflight(other));
  other = Preflight("GET");
  other.headers.Remove("Origin");
  EXPECT_FALSE(IsPreflight(other));
  other = Preflight("GET");
  other.headers.Remove("Access-Control-Request-Method");
  EXPECT_FALSE(IsPreflight(other));
}

TEST(PreflightTest, DefaultMethods) {
  const http::Response response = AnswerPreflight(Preflight("POST"), kSeen, Policy());
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(ToLines(response.headers),
            (Lines{"Access-Control-Allow-Origin: https://app.example.com",
                   "Access-Control-Allow-Methods: GET, HEAD, POST", kVary}));
}

TEST(PreflightTest, EverythingThatCanBeAllowed) {
  config::Cors cors = Policy();
  cors.allow_credentials = true;
  cors.allow_methods = {"GET", "PUT"};
  cors.allow_headers = {"content-type", "X-Token"};
  cors.expose_headers = {"X-Id"};
  cors.allow_private_network = true;
  cors.max_age = config::Millis(600'900);
  http::Request request = Preflight("PUT", {"x-token, CONTENT-TYPE", "content-type"});
  request.headers.Add("Access-Control-Request-Private-Network", "true");
  const http::Response response = AnswerPreflight(request, kSeen, cors);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(
      ToLines(response.headers),
      (Lines{"Access-Control-Allow-Origin: https://app.example.com",
             "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Methods: GET, PUT",
             "Access-Control-Allow-Headers: content-type, X-Token", "Access-Control-Max-Age: 600",
             "Access-Control-Allow-Private-Network: true", kVary}));
}

TEST(PreflightTest, PrivateNetworkOnlyWhereAskedAndAllowed) {
  config::Cors cors = Policy();
  http::Request asking = Preflight("GET");
  asking.headers.Add("Access-Control-Request-Private-Network", "true");
  const std::string name = "Access-Control-Allow-Private-Network";
  EXPECT_EQ(AnswerPreflight(asking, kSeen, cors).headers.Find(name), nullptr);
  cors.allow_private_network = true;
  EXPECT_NE(AnswerPreflight(asking, kSeen, cors).headers.Find(name), nullptr);
  EXPECT_EQ(AnswerPreflight(Preflight("GET"), kSeen, cors).headers.Find(name), nullptr);
}

TEST(PreflightTest, RefusedOrigins) {
  ExpectRefused(Preflight("GET", {}, "https://evil.example"), Policy(), "https://evil.example");
  ExpectRefused(Preflight("GET", {}, "null"), Policy(), "null");
  http::Request twice = Preflight("GET");
  twice.headers.Add("Origin", "https://app.example.com");
  ExpectRefused(twice, Policy(), "repeated");
  http::Request none = Preflight("GET");
  none.headers.Remove("Origin");
  ExpectRefused(none, Policy(), "required");
}

TEST(PreflightTest, MethodsCompareWithCaseAndAsWholeTokens) {
  config::Cors cors = Policy();
  cors.allow_methods = {"PUT", "DELETE"};
  for (const std::string method :
       {"put", "PU", "PUTS", "GET", "PUT, DELETE", "PUT DELETE", "", "*"}) {
    ExpectRefused(Preflight(method), cors, "the method '" + method + "'");
  }
  http::Request twice = Preflight("PUT");
  twice.headers.Add("Access-Control-Request-Method", "PUT");
  ExpectRefused(twice, cors, "PUT, PUT");
  EXPECT_EQ(AnswerPreflight(Preflight("DELETE"), kSeen, cors).status, 204);
}

TEST(PreflightTest, HeadersCompareWithoutCaseAndAsWholeTokens) {
  config::Cors cors = Policy();
  cors.allow_headers = {"X-Token"};
  EXPECT_EQ(AnswerPreflight(Preflight("GET", {"x-TOKEN"}), kSeen, cors).status, 204);
  EXPECT_EQ(AnswerPreflight(Preflight("GET", {" , "}), kSeen, cors).status, 204);
  for (const std::string name : {"x-toke", "x-token2", "token", "x-token x", "*"}) {
    ExpectRefused(Preflight("GET", {name}), cors, "the header '" + name + "'");
  }
  ExpectRefused(Preflight("GET", {"x-token,x-other"}), cors, "'x-other'");
  ExpectRefused(Preflight("GET", {"x-token", "x-other"}), cors, "'x-other'");
}

TEST(PreflightTest, AsteriskIsAnsweredWithWhatWasAskedFor) {
  config::Cors cors = Policy();
  cors.allow_credentials = true;
  cors.allow_methods = {"*"};
  cors.allow_headers = {"*"};
  const http::Response response = AnswerPreflight(Preflight("PATCH", {"x-a,x-b"}), kSeen, cors);
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(*response.headers.Find("Access-Control-Allow-Methods"), "PATCH");
  EXPECT_EQ(*response.headers.Find("Access-Control-Allow-Headers"), "x-a,x-b");
  ExpectRefused(Preflight("PAT CH"), cors, "the method");
  ExpectRefused(Preflight("PATCH", {"x a"}), cors, "the header");
}

TEST(PreflightTest, ReasonsHoldNothingThatBreaksALine) {
  const http::Response response = AnswerPreflight(Preflight("G\x01\xff\n"), kSeen, Policy());
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("'G\\x01\\xff\\x0a'"));
}

}  // namespace
}  // namespace upgate::route::preflight_test
