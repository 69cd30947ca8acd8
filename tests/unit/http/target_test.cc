#include "gateway/http/target.h"

#include <gtest/gtest.h>

#include "tests/support/cases.h"

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
  EXPECT_NE(RefusedBecause("http://a/b\\c?d").find("backslash"), std::string::npos);
  EXPECT_NE(RefusedBecause("/\xc3%4\xa9").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4g/x").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("/%4/1").find("percent"), std::string::npos);
  EXPECT_NE(RefusedBecause("host:80").find("neither"), std::string::npos);
  EXPECT_NE(RefusedBecause("ftp://a/").find("scheme"), std::string::npos);
  for (const char* bad :
       {"http:///x", "http://u@h/", "http://h:0/", "http://h:65536/", "http://h:8a/",
        "http://[::1/", "http://[1.2.3.4]/", "http://[::1]x/", "http://a,b/", "http://%41/",
        "http://u:p@h/", "http://@h/", "http://a\\b/", "http://\xc3\xa9/", "http://a../",
        "http://.a/", "http://a..b/", "http://./"}) {
    EXPECT_NE(RefusedBecause(bad).find("authority"), std::string::npos) << bad;
  }
}

// Characters that browsers and other clients do not encode (WHATWG URL, "query percent-encode
// set").
TEST(TargetTest, QueriesPassAsTheyCame) {
  for (const char* query : {"file=C:\\a", "\\", "a=\\\\server\\share", "{|}^\"`", "<a>", "[0]=1",
                            "'", "a=%zz&b=100%", "x=../..", "//", ";a;b", "next=http://b/?c"}) {
    const Target target = Parsed("/ws?" + std::string(query));
    EXPECT_EQ(target.query, query);
    EXPECT_EQ(target.path, "/ws");
  }
  EXPECT_EQ(Parsed("http://a?b=c\\d").query, "b=c\\d");
}

TEST(TargetTest, BytesBeyondAsciiArePercentEncoded) {
  const Target utf8 = Parsed("/caf\xc3\xa9/\xe2\x82\xac?n=\xc3\xa4&m=%C3%A4");
  EXPECT_EQ(utf8.raw_path, "/caf%C3%A9/%E2%82%AC");
  EXPECT_EQ(utf8.path, "/caf\xc3\xa9/\xe2\x82\xac");
  EXPECT_EQ(utf8.query, "n=%C3%A4&m=%C3%A4");
  EXPECT_EQ(QueryValue(utf8.query, "n"), "\xc3\xa4");
  // In any encoding: NEL, a no-break space and an overlong slash are bytes like others.
  EXPECT_EQ(Parsed("/\x80\x85\xa0\xff").raw_path, "/%80%85%A0%FF");
  EXPECT_EQ(Parsed("/a\xc0\xaf"
                   "b")
                .raw_path,
            "/a%C0%AFb");
  EXPECT_EQ(Parsed("/a/\xc3\xa9/../b").raw_path, "/a/b");
  EXPECT_EQ(Parsed("http://a/\xe9").raw_path, "/%E9");
}

struct PathCase {
  const char* in;
  const char* path;
  const char* raw;
};
class TargetPathTest : public TestOfCase<PathCase> {};

TEST_EACH(TargetPathTest, IsDecodedAndFreeOfDotSegments) {
  const Target target = Parsed(GetParam().in);
  EXPECT_EQ(target.path, GetParam().path);
  EXPECT_EQ(target.raw_path, GetParam().raw);
}

INSTANTIATE_CASES(Paths, TargetPathTest, PathCase{"/%61%2Fb", "/a%2Fb", "/%61%2Fb"},
                  PathCase{"/a%2fb", "/a%2fb", "/a%2fb"}, PathCase{"/a%00b", "/a%00b", "/a%00b"},
                  PathCase{"/a%20b", "/a b", "/a%20b"}, PathCase{"/a/./b", "/a/b", "/a/b"},
                  PathCase{"/a/../b", "/b", "/b"}, PathCase{"/a/b/..", "/a/", "/a/"},
                  PathCase{"/a/.", "/a/", "/a/"}, PathCase{"/..", "/", "/"},
                  PathCase{"/../../x", "/x", "/x"}, PathCase{"/a/%2e%2E/b", "/b", "/b"},
                  PathCase{"/a/.%2e/b", "/b", "/b"}, PathCase{"/%2e", "/", "/"},
                  PathCase{"/a//b", "/a//b", "/a//b"}, PathCase{"/a//../b", "/a/b", "/a/b"},
                  PathCase{"/...", "/...", "/..."}, PathCase{"/x/..%2Fy", "/x/..%2Fy", "/x/..%2Fy"},
                  PathCase{"/%41%42/%43/../d", "/AB/d", "/%41%42/d"},
                  PathCase{"/a%3Fb?c", "/a?b", "/a%3Fb"}, PathCase{"/%252F", "/%2F", "/%252F"});

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

// RFC 9112, section 3.2.2.
TEST(HostTest, IsIgnoredWithAnAbsoluteForm) {
  for (const char* scheme : {"http", "https", "ws", "wss", "HTTP", "wSs"}) {
    for (const char* host :
         {"a.example", "A.EXAMPLE:8080", "b", "a.example:1", "[::1]", "a.example."}) {
      Target target = Parsed(std::string(scheme) + "://a.example:8080/x");
      ASSERT_TRUE(ApplyHost(target, {{"Host", host}}, Version::kHttp11)) << host;
      EXPECT_EQ(target.host, "a.example");
      EXPECT_EQ(target.port, 8080);
      EXPECT_EQ(target.authority, "a.example:8080");
    }
  }
  Target bare = Parsed("https://A.example");
  ASSERT_TRUE(ApplyHost(bare, {{"Host", "b:81"}}, Version::kHttp11));
  EXPECT_EQ(bare.authority, "A.example");
  EXPECT_EQ(bare.port, 0);
}

TEST(HostTest, IsCheckedEvenWithAnAbsoluteForm) {
  EXPECT_EQ(HostRefusal("http://a/", {{"Host", "a"}, {"host", "a"}}), "Host header is repeated");
  EXPECT_EQ(HostRefusal("http://a/", {{"Host", ""}}), "Host header is empty");
  EXPECT_EQ(HostRefusal("http://a/", {{"Host", "u@a"}}), "Host header is malformed");
}

TEST(HostTest, MayEndInTheDotOfTheRoot) {
  for (const char* good : {"a.example.", "a.example.:81", "localhost.", "127.0.0.1."}) {
    Target target = Parsed("/");
    EXPECT_TRUE(ApplyHost(target, {{"Host", good}}, Version::kHttp11)) << good;
    EXPECT_EQ(target.authority, good);
  }
  for (const char* bad : {".", "..", ".a", "a..", "a..b", "a..:81", ".:81", "[::1]."}) {
    EXPECT_EQ(HostRefusal("/", {{"Host", bad}}), "Host header is malformed") << bad;
  }
}

}  // namespace
}  // namespace upgate::http
