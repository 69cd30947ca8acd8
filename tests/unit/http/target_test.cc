#include "gateway/http/target.h"

#include <gtest/gtest.h>

namespace upgate::http {
namespace {

Target Parsed(std::string_view text, std::string_view method = "GET") {
  auto target = ParseTarget(method, text);
  EXPECT_TRUE(target) << text << ": " << (target ? "" : target.error().reason);
  return target.value_or(Target{});
}

std::string RefusedBecause(std::string_view text, std::string_view method = "GET") {
  const auto target = ParseTarget(method, text);
  EXPECT_FALSE(target) << text;
  if (target) return {};
  EXPECT_EQ(target.error().status, 400);
  return target.error().reason;
}

TEST(TargetTest, OriginForm) {
  const Target target = Parsed("/a/b?x=1?&y");
  EXPECT_EQ(target.path, "/a/b");
  EXPECT_EQ(target.raw_path, "/a/b");
  EXPECT_EQ(target.query, "x=1?&y");
  EXPECT_TRUE(target.has_query);
  EXPECT_EQ(target.scheme, "");
  EXPECT_FALSE(Parsed("/").has_query);
  EXPECT_TRUE(Parsed("/?").has_query);
}

TEST(TargetTest, AbsoluteForm) {
  const Target target = Parsed("WS://Echo.Example.org:8080/a?b");
  EXPECT_EQ(target.scheme, "ws");
  EXPECT_EQ(target.host, "echo.example.org");
  EXPECT_EQ(target.port, 8080);
  EXPECT_EQ(target.authority, "Echo.Example.org:8080");
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b");
  EXPECT_EQ(Parsed("http://a").path, "/");
  EXPECT_EQ(Parsed("http://a?q").query, "q");
  EXPECT_EQ(Parsed("https://[2001:DB8::1]:1/").host, "2001:db8::1");
  EXPECT_EQ(Parsed("http://a:/").port, 0);
}

TEST(TargetTest, AsteriskIsForOptions) {
  EXPECT_EQ(Parsed("*", "OPTIONS").path, "*");
  EXPECT_EQ(Parsed("http://a", "OPTIONS").path, "*");
  EXPECT_EQ(Parsed("http://a/", "OPTIONS").path, "/");
  EXPECT_NE(RefusedBecause("*").find("OPTIONS"), std::string::npos);
}

TEST(TargetTest, Refused) {
  EXPECT_NE(RefusedBecause("/a\\b").find("backslash"), std::string::npos);
  EXPECT_NE(RefusedBecause("/a#b").find("fragment"), std::string::npos);
  EXPECT_NE(RefusedBecause("/a\x01").find("control"), std::string::npos);
  EXPECT_NE(RefusedBecause("/a\x7f").find("control"), std::string::npos);
  EXPECT_NE(RefusedBecause("/\xc3\xa9").find("non-ASCII"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4g/x").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4/1").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("host:80").find("neither"), std::string::npos);
  EXPECT_NE(RefusedBecause("ftp://a/").find("scheme"), std::string::npos);
  for (const char* bad :
       {"http:///x", "http://u@h/", "http://h:0/", "http://h:65536/", "http://h:8a/",
        "http://[::1/", "http://[1.2.3.4]/", "http://[::1]x/", "http://a,b/", "http://%41/"}) {
    EXPECT_NE(RefusedBecause(bad).find("authority"), std::string::npos) << bad;
  }
}

struct PathCase {
  const char* in;
  const char* path;
  const char* raw;
};
class TargetPathTest : public testing::TestWithParam<PathCase> {};

TEST_P(TargetPathTest, IsDecodedAndFreeOfDotSegments) {
  const Target target = Parsed(GetParam().in);
  EXPECT_EQ(target.path, GetParam().path);
  EXPECT_EQ(target.raw_path, GetParam().raw);
}

INSTANTIATE_TEST_SUITE_P(
    Paths, TargetPathTest,
    testing::Values(PathCase{"/%61%2Fb", "/a%2Fb", "/%61%2Fb"},
                    PathCase{"/a%2fb", "/a%2fb", "/a%2fb"}, PathCase{"/a%00b", "/a%00b", "/a%00b"},
                    PathCase{"/a%20b", "/a b", "/a%20b"}, PathCase{"/a/./b", "/a/b", "/a/b"},
                    PathCase{"/a/../b", "/b", "/b"}, PathCase{"/a/b/..", "/a/", "/a/"},
                    PathCase{"/a/.", "/a/", "/a/"}, PathCase{"/..", "/", "/"},
                    PathCase{"/../../x", "/x", "/x"}, PathCase{"/a/%2e%2E/b", "/b", "/b"},
                    PathCase{"/a/.%2e/b", "/b", "/b"}, PathCase{"/%2e", "/", "/"},
                    PathCase{"/a//b", "/a//b", "/a//b"}, PathCase{"/a//../b", "/a/b", "/a/b"},
                    PathCase{"/...", "/...", "/..."},
                    PathCase{"/x/..%2Fy", "/x/..%2Fy", "/x/..%2Fy"},
                    PathCase{"/%41%42/%43/../d", "/AB/d", "/%41%42/d"},
                    PathCase{"/a%3Fb?c", "/a?b", "/a%3Fb"}, PathCase{"/%252F", "/%2F", "/%252F"}));

std::string HostRefusal(std::string_view target_text, const Headers& headers,
                        Version version = Version::kHttp11) {
  Target target = Parsed(target_text);
  const auto result = ApplyHost(target, headers, version);
  EXPECT_FALSE(result);
  return result ? std::string() : result.error().reason;
}

TEST(HostTest, FillsInTheOriginForm) {
  Target target = Parsed("/");
  ASSERT_TRUE(ApplyHost(target, {{"host", "EXAMPLE.com:81"}}, Version::kHttp11));
  EXPECT_EQ(target.host, "example.com");
  EXPECT_EQ(target.port, 81);
  EXPECT_EQ(target.authority, "EXAMPLE.com:81");
  Target literal = Parsed("/");
  ASSERT_TRUE(ApplyHost(literal, {{"Host", "[::1]"}}, Version::kHttp11));
  EXPECT_EQ(literal.host, "::1");
}

TEST(HostTest, MissingRepeatedEmptyMalformed) {
  EXPECT_EQ(HostRefusal("/", {}), "Host header is missing");
  EXPECT_EQ(HostRefusal("http://a/", {}), "Host header is missing");
  EXPECT_EQ(HostRefusal("/", {{"Host", "a"}, {"host", "a"}}), "Host header is repeated");
  EXPECT_EQ(HostRefusal("/", {{"Host", ""}}), "Host header is empty");
  EXPECT_EQ(HostRefusal("/", {{"Host", ""}}, Version::kHttp10), "Host header is empty");
  for (const char* bad :
       {"a b", "a/b", "u@a", "a:b", "a:1:2", ":80", "a,b", "[::1", "::1", "a:99999", "\xc3\xa9"}) {
    EXPECT_EQ(HostRefusal("/", {{"Host", bad}}), "Host header is malformed") << bad;
  }
}

TEST(HostTest, Http10NeedsNone) {
  Target target = Parsed("/");
  EXPECT_TRUE(ApplyHost(target, {}, Version::kHttp10));
  EXPECT_EQ(target.host, "");
  Target absolute = Parsed("http://a/");
  EXPECT_TRUE(ApplyHost(absolute, {}, Version::kHttp10));
  EXPECT_EQ(absolute.host, "a");
}

TEST(HostTest, MustAgreeWithAnAbsoluteForm) {
  const auto agree = [](std::string_view text, std::string_view host) {
    Target target = Parsed(text);
    return ApplyHost(target, {{"Host", std::string(host)}}, Version::kHttp11).has_value();
  };
  EXPECT_TRUE(agree("ws://Example.com/", "example.COM"));
  EXPECT_TRUE(agree("ws://a:80/", "a"));
  EXPECT_TRUE(agree("wss://a/", "a:443"));
  EXPECT_TRUE(agree("http://a:8080/", "a:8080"));
  EXPECT_FALSE(agree("wss://a/", "a:80"));
  EXPECT_FALSE(agree("http://a/", "b"));
  EXPECT_FALSE(agree("http://a:1/", "a"));
  EXPECT_FALSE(agree("http://a/", "a.b"));
}

}  // namespace
}  // namespace upgate::http
