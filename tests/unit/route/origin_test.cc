#include "gateway/route/origin.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/cases.h"

namespace upgate::route {
namespace {

using config::OriginPattern;
using Lines = std::vector<std::string>;

const OriginPattern kAny{OriginPattern::Kind::kAny, "", "", 0};
const OriginPattern kNull{OriginPattern::Kind::kNull, "", "", 0};
const OriginPattern kApp{OriginPattern::Kind::kExact, "https", "app.example.com", 443};
const OriginPattern kBelow{OriginPattern::Kind::kSubdomains, "https", "example.com", 443};

config::Cors Allow(std::vector<OriginPattern> origins) {
  config::Cors cors;
  cors.allow_origins = std::move(origins);
  return cors;
}

http::Request RequestFrom(const std::vector<std::string>& origins) {
  http::Request request;
  request.method = "GET";
  for (const std::string& origin : origins) request.headers.Add("Origin", origin);
  return request;
}

SeenAs Gateway() {
  return {"https", "gate.example.net", 443, "192.0.2.1"};
}

Lines ToLines(const http::Headers& headers) {
  Lines lines;
  for (const auto& [name, value] : headers) lines.push_back(name + ": " + value);
  return lines;
}

OriginVerdict Judge(const std::string& origin, const config::Cors* cors) {
  return CheckOrigin(RequestFrom({origin}), Gateway(), cors, false);
}

TEST(JudgeOriginTest, TheOriginMayStandInAnotherField) {
  http::Request request = RequestFrom({"https://app.example.com"});
  request.headers.Add("Sec-WebSocket-Origin", "https://evil.example");
  const config::Cors cors = Allow({kApp});
  EXPECT_TRUE(CheckOrigin(request, Gateway(), &cors, true).allowed);
  EXPECT_FALSE(CheckOrigin(request, Gateway(), &cors, true, "Sec-WebSocket-Origin").allowed);
  EXPECT_FALSE(CheckOrigin(request, Gateway(), &cors, true, "Missing").allowed);
}

TEST(JudgeOriginTest, NoOriginPassesUnlessOneIsRequired) {
  const config::Cors cors = Allow({kApp});
  for (const config::Cors* policy : {static_cast<const config::Cors*>(nullptr), &cors}) {
    EXPECT_TRUE(CheckOrigin(RequestFrom({}), Gateway(), policy, false).allowed);
    EXPECT_TRUE(CheckOrigin(RequestFrom({}), Gateway(), policy, false).headers.empty());
    const auto refused = CheckOrigin(RequestFrom({}), Gateway(), policy, true);
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.reason, "an Origin header is required");
  }
}

TEST(JudgeOriginTest, AnswersOfARouteWithAPolicyVary) {
  const config::Cors cors = Allow({kApp});
  EXPECT_TRUE(CheckOrigin(RequestFrom({}), Gateway(), &cors, false).vary);
  EXPECT_TRUE(Judge("https://gate.example.net", &cors).vary);
  EXPECT_TRUE(Judge("https://app.example.com", &cors).vary);
  EXPECT_TRUE(Judge("https://other.example", &cors).vary);
  EXPECT_FALSE(CheckOrigin(RequestFrom({}), Gateway(), nullptr, false).vary);
}

struct SameCase {
  std::string scheme, host;
  std::uint16_t port;
  std::string origin;
  bool same;
};

class SameOrigin : public TestOfCase<SameCase> {};

TEST_EACH(SameOrigin, PassesWithoutFields) {
  const auto& [scheme, host, port, origin, same] = GetParam();
  const auto verdict = CheckOrigin(RequestFrom({origin}), {scheme, host, port, ""}, nullptr, true);
  EXPECT_EQ(verdict.allowed, same) << origin << " at " << scheme << "://" << host << ":" << port;
  EXPECT_EQ(verdict.reason.empty(), same);
  EXPECT_TRUE(verdict.headers.empty());
}

INSTANTIATE_CASES(Cases, SameOrigin, SameCase{"http", "a.example", 80, "http://a.example", true},
                  SameCase{"http", "a.example", 80, "http://a.example:80", true},
                  SameCase{"http", "a.example", 80, "HTTP://A.Example", true},
                  SameCase{"http", "a.example", 80, "ws://a.example", true},
                  SameCase{"http", "a.example", 80, "https://a.example", false},
                  SameCase{"http", "a.example", 80, "https://a.example:80", false},
                  SameCase{"http", "a.example", 80, "http://a.example:8080", false},
                  SameCase{"http", "a.example", 8080, "http://a.example:8080", true},
                  SameCase{"http", "a.example", 8080, "http://a.example", false},
                  SameCase{"https", "a.example", 443, "https://a.example", true},
                  SameCase{"https", "a.example", 443, "wss://a.example:443", true},
                  SameCase{"https", "a.example", 443, "http://a.example", false},
                  SameCase{"https", "a.example", 443, "http://a.example:443", false},
                  SameCase{"https", "a.example", 443, "https://b.a.example", false},
                  SameCase{"https", "a.example", 443, "https://a.example.", false},
                  SameCase{"http", "::1", 8080, "http://[::1]:8080", true},
                  SameCase{"http", "::1", 8080, "http://[0:0::0001]:8080", true},
                  SameCase{"http", "0:0:0:0:0:0:0:1", 80, "http://[::1]", true},
                  SameCase{"http", "127.0.0.1", 80, "http://127.0.0.1", true},
                  SameCase{"http", "127.0.0.1", 80, "http://[::ffff:127.0.0.1]", false},
                  SameCase{"http", "xn--bcher-kva.example", 80, "http://xn--bcher-kva.example",
                           true},
                  SameCase{"http", "", 80, "http://", false});

// Malformed origins, which nothing may match, not even "*".
class MalformedOrigin : public TestOfCase<std::string> {};

TEST_EACH(MalformedOrigin, IsRefusedUnlessNullIsListed) {
  config::Cors cors = Allow({kApp, kBelow, kAny});
  cors.allow_credentials = true;
  const auto refused = Judge(GetParam(), &cors);
  EXPECT_FALSE(refused.allowed);
  EXPECT_FALSE(refused.reason.empty());
  EXPECT_TRUE(refused.headers.empty());
  EXPECT_FALSE(Judge(GetParam(), nullptr).allowed);

  cors.allow_origins.push_back(kNull);
  const auto allowed = Judge(GetParam(), &cors);
  EXPECT_TRUE(allowed.allowed);
  EXPECT_EQ(ToLines(allowed.headers), Lines{"Access-Control-Allow-Origin: null"});
}

INSTANTIATE_CASES(Cases, MalformedOrigin, "null", "NULL", "", " ", "*", "app.example.com",
                  "//app.example.com", "https:", "https://", "https:/app.example.com",
                  "https//app.example.com", "://app.example.com", "https://app.example.com/",
                  "https://app.example.com/a", "https://app.example.com?a",
                  "https://app.example.com#a", "https://user@app.example.com",
                  "https://evil.example@app.example.com", "https://evil.example:1@app.example.com",
                  "https://app.example.com:", "https://app.example.com:0",
                  "https://app.example.com:65536", "https://app.example.com:44a",
                  "https://app.example.com:-1", "https://app.example.com:443:443",
                  "https://app.example.com:443/", "https://app.example.com https://evil.example",
                  "https://app.example.com,https://a.example",
                  "https://app.example.com\\evil.example", "https://app.example.com%2eevil.example",
                  "https://[::1", "https://::1", "https://[]", "https://[app.example.com]",
                  "https://[127.0.0.1]", "https://[::1]x", "https://[::1%25eth0]",
                  "1https://app.example.com", "ht tps://app.example.com", "https://*.example.com",
                  "https://app\x01.example.com", " https://app.example.com",
                  "https:// app.example.com", "file://");

TEST(JudgeOriginTest, RepeatedOriginsAreRefusedEvenWhenEachIsAllowed) {
  config::Cors cors = Allow({kApp, kAny});
  cors.allow_credentials = true;
  for (const auto& twice :
       {std::vector<std::string>{"https://app.example.com", "https://app.example.com"},
        {"https://gate.example.net", "https://gate.example.net"},
        {"https://gate.example.net", "https://evil.example"}}) {
    const auto verdict = CheckOrigin(RequestFrom(twice), Gateway(), &cors, false);
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.reason, "the Origin header is repeated");
    EXPECT_TRUE(verdict.headers.empty());
  }
}

TEST(JudgeOriginTest, ForeignOriginsAreRefusedWithoutAPolicy) {
  const auto verdict = Judge("https://evil.example", nullptr);
  EXPECT_FALSE(verdict.allowed);
  EXPECT_EQ(
      verdict.reason,
      "the origin 'https://evil.example' is not allowed; seen as https://gate.example.net; is "
      "a proxy missing in trusted_proxies?");
}

TEST(JudgeOriginTest, ReasonsHoldNothingThatBreaksALine) {
  const auto verdict = Judge("https://\xff'\xc3\xa9.example", nullptr);
  EXPECT_FALSE(verdict.allowed);
  for (const char c : verdict.reason) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_LT(Judge("https://" + std::string(60'000, 'a'), nullptr).reason.size(), 300U);
}

struct ListedCase {
  std::string origin;
  bool listed;
};

class ListedExactly : public TestOfCase<ListedCase> {};

TEST_EACH(ListedExactly, ComparesSchemeHostAndPort) {
  const config::Cors cors = Allow({kApp});
  const auto verdict = Judge(GetParam().origin, &cors);
  EXPECT_EQ(verdict.allowed, GetParam().listed);
  EXPECT_EQ(
      ToLines(verdict.headers),
      GetParam().listed ? Lines{"Access-Control-Allow-Origin: " + GetParam().origin} : Lines{});
}

INSTANTIATE_CASES(
    Cases, ListedExactly, ListedCase{"https://app.example.com", true},
    ListedCase{"https://app.example.com:443", true}, ListedCase{"HTTPS://App.Example.COM", true},
    ListedCase{"http://app.example.com", false}, ListedCase{"http://app.example.com:443", false},
    ListedCase{"https://app.example.com:8443", false}, ListedCase{"wss://app.example.com", false},
    ListedCase{"https://app.example.com.evil", false},
    ListedCase{"https://evilapp.example.com", false},
    ListedCase{"https://a.app.example.com", false}, ListedCase{"https://example.com", false});

class ListedBySubdomain : public TestOfCase<ListedCase> {};

TEST_EACH(ListedBySubdomain, TakesOneOrMoreLabels) {
  const config::Cors cors = Allow({kBelow});
  EXPECT_EQ(Judge(GetParam().origin, &cors).allowed, GetParam().listed);
}

INSTANTIATE_CASES(
    Cases, ListedBySubdomain, ListedCase{"https://a.example.com", true},
    ListedCase{"https://a.b.example.com", true}, ListedCase{"https://A.Example.Com:443", true},
    ListedCase{"https://example.com", false}, ListedCase{"https://.example.com", false},
    ListedCase{"https://evilexample.com", false}, ListedCase{"https://example.com.evil", false},
    ListedCase{"https://a.example.com.evil", false},
    ListedCase{"https://a.example.com:8443", false}, ListedCase{"http://a.example.com", false});

TEST(JudgeOriginTest, PatternsForOtherPortsAndAddresses) {
  const config::Cors cors = Allow({{OriginPattern::Kind::kSubdomains, "http", "example.com", 8080},
                                   {OriginPattern::Kind::kExact, "http", "::1", 80},
                                   {OriginPattern::Kind::kText, "", "app://local", 0}});
  EXPECT_TRUE(Judge("http://a.example.com:8080", &cors).allowed);
  EXPECT_FALSE(Judge("http://a.example.com", &cors).allowed);
  EXPECT_TRUE(Judge("http://[::1]", &cors).allowed);
  EXPECT_FALSE(Judge("http://[::2]", &cors).allowed);
  EXPECT_TRUE(Judge("app://local", &cors).allowed);
  EXPECT_FALSE(Judge("app://local:1", &cors).allowed);
}

TEST(JudgeOriginTest, AnybodyWithoutCredentials) {
  const config::Cors cors = Allow({kAny});
  EXPECT_EQ(ToLines(Judge("https://a.example", &cors).headers),
            Lines{"Access-Control-Allow-Origin: *"});
  EXPECT_EQ(ToLines(Judge("chrome-extension://abcdef", &cors).headers),
            Lines{"Access-Control-Allow-Origin: *"});
}

// Sent by clients other than browsers.
TEST(JudgeOriginTest, AnyIncludesMalformedOrigins) {
  config::Cors cors = Allow({kAny});
  for (const std::string origin :
       {"null", "file://", "file:///", "localhost:1234", "https://app.example.com/", "app://.",
        "https://a.example/page?x", "", "*", "app.example.com", "http://a..b", "HTTP://X",
        "\xff"}) {
    const auto verdict = Judge(origin, &cors);
    EXPECT_TRUE(verdict.allowed) << origin;
    EXPECT_EQ(ToLines(verdict.headers), Lines{"Access-Control-Allow-Origin: *"}) << origin;
  }
  // With credentials, all of them are refused.
  cors.allow_credentials = true;
  for (const std::string origin : {"null", "file://", "localhost:1234", "https://a.example/"})
    EXPECT_FALSE(Judge(origin, &cors).allowed) << origin;
}

TEST(JudgeOriginTest, OriginsOfOtherSchemesCompareAsText) {
  const auto text = [](const char* origin) {
    return OriginPattern{OriginPattern::Kind::kText, "", origin, 0};
  };
  config::Cors cors = Allow({text("app://."), text("file://"), text("chrome-extension://ab")});
  cors.allow_credentials = true;
  for (const std::string origin : {"app://.", "file://", "chrome-extension://ab"}) {
    EXPECT_EQ(ToLines(Judge(origin, &cors).headers),
              (Lines{"Access-Control-Allow-Origin: " + origin,
                     "Access-Control-Allow-Credentials: true"}));
  }
  for (const std::string origin :
       {"app://", "app://./", "APP://.", "app://.x", "file:///", "file:/", "chrome-extension://AB",
        "chrome-extension://abc", "null"}) {
    EXPECT_FALSE(Judge(origin, &cors).allowed) << origin;
  }
}

TEST(JudgeOriginTest, AnyPortOfAHost) {
  const config::Cors cors =
      Allow({{OriginPattern::Kind::kExact, "http", "localhost", 80, true},
             {OriginPattern::Kind::kSubdomains, "https", "b.example", 443, true}});
  for (const std::string origin :
       {"http://localhost", "http://localhost:80", "http://localhost:5173",
        "http://LOCALHOST:65535", "https://a.b.example:8443", "https://a.b.example"})
    EXPECT_TRUE(Judge(origin, &cors).allowed) << origin;
  for (const std::string origin :
       {"https://localhost:5173", "http://localhost.:5173", "http://localhost:0",
        "http://localhost:", "http://localhost.example:80", "http://a.localhost:80",
        "http://localhost:*", "https://b.example:8443"})
    EXPECT_FALSE(Judge(origin, &cors).allowed) << origin;
}

TEST(JudgeOriginTest, TheReasonSaysWhatTheGatewayTookItselfFor) {
  const auto reason = [](const SeenAs& seen) {
    return CheckOrigin(RequestFrom({"https://app.example.com"}), seen, nullptr, false).reason;
  };
  EXPECT_NE(
      reason({"https", "app.example.com", 8443, ""})
          .find("; seen as https://app.example.com:8443; is a proxy missing in trusted_proxies?"),
      std::string::npos);
  EXPECT_NE(reason({"http", "app.example.com", 80, ""}).find("seen as http://app.example.com;"),
            std::string::npos);
  EXPECT_NE(reason({"http", "::1", 81, ""}).find("seen as http://[::1]:81;"), std::string::npos);
}

TEST(JudgeOriginTest, AnybodyWithCredentialsIsNamed) {
  config::Cors cors = Allow({kAny});
  cors.allow_credentials = true;
  EXPECT_EQ(ToLines(Judge("https://a.example", &cors).headers),
            (Lines{"Access-Control-Allow-Origin: https://a.example",
                   "Access-Control-Allow-Credentials: true"}));
}

TEST(JudgeOriginTest, ListedOriginsAreEchoedEvenWithAny) {
  const config::Cors cors = Allow({kAny, kApp});
  EXPECT_EQ(ToLines(Judge("https://app.example.com", &cors).headers),
            Lines{"Access-Control-Allow-Origin: https://app.example.com"});
  EXPECT_EQ(ToLines(Judge("https://a.example", &cors).headers),
            Lines{"Access-Control-Allow-Origin: *"});
}

TEST(JudgeOriginTest, AllFieldsInOrder) {
  config::Cors cors = Allow({kApp});
  cors.allow_credentials = true;
  cors.allow_headers = {"content-type", "X-Token"};
  cors.expose_headers = {"X-Id", "ETag"};
  EXPECT_EQ(ToLines(Judge("https://app.example.com", &cors).headers),
            (Lines{"Access-Control-Allow-Origin: https://app.example.com",
                   "Access-Control-Allow-Credentials: true",
                   "Access-Control-Allow-Headers: content-type, X-Token",
                   "Access-Control-Expose-Headers: X-Id, ETag"}));
  EXPECT_TRUE(Judge("https://gate.example.net", &cors).headers.empty());
  EXPECT_TRUE(Judge("https://evil.example", &cors).headers.empty());
}

}  // namespace
}  // namespace upgate::route
