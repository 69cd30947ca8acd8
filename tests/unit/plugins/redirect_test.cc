#include <string>
#include <tuple>
#include <vector>

#include <gmock/gmock.h>

#include "tests/unit/plugins/plugin_fixture.h"

namespace upgate::plugins {
namespace {

using testing::HasSubstr;

class RedirectTest : public PluginsTest {
 protected:
  void Route(config::PathPattern::Kind kind, const std::string& text) {
    route_.path = {kind, text, text};
  }

  http::Response Ask(const std::string& to, const std::string& raw_path,
                     const std::string& query = "", const std::string& host = "a.example",
                     std::uint16_t port = 0) {
    const auto instance = Start("redirect", "{ to: \"" + to + "\" }");
    if (!instance) return {.status = 0, .reason = Errors(), .headers = {}, .body = {}};
    FakeExchange exchange("GET", raw_path, query);
    exchange.editable_request().target.host = host;
    exchange.editable_request().target.port = port;
    EXPECT_EQ(instance->OnRequest(exchange), nullptr);
    return *exchange.response;
  }
  std::string To(const std::string& to, const std::string& raw_path,
                 const std::string& query = "") {
    return ValueOf(Ask(to, raw_path, query), "location");
  }
};

TEST_F(RedirectTest, PlaceholdersStandForTheRequest) {
  EXPECT_EQ(To("https://{host}{uri}", "/a%20b/c", "x=1&y=%2F"),
            "https://a.example/a%20b/c?x=1&y=%2F");
  EXPECT_EQ(To("https://{host}{uri}", "/"), "https://a.example/");
  EXPECT_EQ(To("{scheme}://www.{host}:{port}{path}", "/a", "x"), "http://www.a.example:80/a");
  EXPECT_EQ(To("https://b.example/find?from={path}&{query}", "/a", "x=1"),
            "https://b.example/find?from=/a&x=1");
  EXPECT_EQ(To("/new?{query}", "/old", "x"), "/new?x");
  EXPECT_EQ(To("/new?{query}", "/old"), "/new");
  EXPECT_EQ(To("/new?a=b&{query}", "/old"), "/new?a=b&");
  EXPECT_EQ(To("/new", "/old", "x"), "/new");
  EXPECT_EQ(ValueOf(Ask("https://{host}:{port}{uri}", "/", "", "::1", 8080), "location"),
            "https://[::1]:8080/");
  EXPECT_EQ(ValueOf(Ask("https://{host}{uri}", "/", "", "b.example."), "location"),
            "https://b.example/");
  EXPECT_EQ(To("https://{host}{path}", "*"), "https://a.example/") << "of OPTIONS *";
}

TEST_F(RedirectTest, TheRestIsWhatFollowsThePrefix) {
  Route(config::PathPattern::Kind::kPrefix, "/old/x y");
  EXPECT_EQ(To("/new{rest}", "/old/x%20y/a%2Fb/c"), "/new/a%2Fb/c");
  EXPECT_EQ(To("/new{rest}", "/old/x%20y"), "/new/");
  EXPECT_EQ(To("https://b.example{rest}?{query}", "/%6Fld/x%20y/a", "q"), "https://b.example/a?q");
  Route(config::PathPattern::Kind::kPrefix, "");
  EXPECT_EQ(To("/new{rest}", "/a/b"), "/new/a/b");
}

TEST_F(RedirectTest, CapturesAreGroupsOfThePath) {
  Route(config::PathPattern::Kind::kRegex, "^/u/([^/]+)(?:/(.*))?$");
  route_.path.captures = 2;
  EXPECT_EQ(To("https://b.example/users/{capture.1}?f={capture.2}", "/u/ab/c%2Fd", "x"),
            "https://b.example/users/ab?f=c%2Fd");
  EXPECT_EQ(To("/{capture.1}/{capture.2}", "/u/a"), "/a/");
  EXPECT_EQ(To("/{capture.2}", "/u/a//evil.example"), "/evil.example");
  EXPECT_THAT(Ask("https://b.example{capture.1}", "/u/.evil.example").reason,
              HasSubstr("{capture.1} in place of the host"));
  EXPECT_THAT(Ask("/{capture.3}", "/u/a").reason,
              HasSubstr("has {capture.3}, but the path of this route has 2 groups"));
  Route(config::PathPattern::Kind::kPrefix, "/u");
  EXPECT_THAT(Ask("/{capture.1}", "/u/a").reason,
              HasSubstr("the path of this route is no regular expression"));
}

TEST_F(RedirectTest, NoRequestLeadsToAHostThatTheTextDoesNotName) {
  Route(config::PathPattern::Kind::kPrefix, "/old");
  EXPECT_EQ(To("{rest}", "/old//evil.example/"), "/evil.example/");
  EXPECT_EQ(To("{path}", "//evil.example"), "/evil.example");
  EXPECT_EQ(To("{uri}", "///evil.example", "x"), "/evil.example?x");
  EXPECT_EQ(To("/{rest}", "/old/evil.example"), "/evil.example");
  EXPECT_EQ(To("{path}", "///"), "/");
  EXPECT_EQ(To("https://b.example{rest}", "/old"), "https://b.example/");
  EXPECT_EQ(To("https://b.example{uri}", "//evil.example"), "https://b.example//evil.example");
  EXPECT_THAT(Ask("https://b.example{query}", "/", "@evil.example").reason,
              HasSubstr("{query} in place of the host"));
}

TEST_F(RedirectTest, ARequestWithoutAHostCannotBeSentToIt) {
  EXPECT_EQ(Ask("https://{host}{uri}", "/", "", "").status, 400);
  EXPECT_EQ(Ask("https://b.example{uri}", "/", "", "").status, 308);
}

TEST_F(RedirectTest, TheStatusIs308UnlessAnotherIsChosen) {
  EXPECT_EQ(Ask("/new", "/old").status, 308);
  for (const int status : {301, 302, 303, 307, 308}) {
    const auto instance = Start("redirect", "{ to: /new, status: " + std::to_string(status) + " }");
    ASSERT_NE(instance, nullptr);
    for (const std::string method : {"GET", "POST", "OPTIONS"}) {
      FakeExchange exchange(method, "/");
      instance->OnRequest(exchange);
      EXPECT_EQ(exchange.response->status, status);
      EXPECT_EQ(ValueOf(*exchange.response, "cache-control"), "(none)");
      EXPECT_EQ(exchange.response->body, "this is at /new\n");
    }
  }
}

TEST_F(RedirectTest, WrongOptionsAreNamedWithWhatWouldBeRight) {
  Route(config::PathPattern::Kind::kExact, "/old");
  const std::vector<std::pair<std::string, std::string>> cases{
      {"{}", "options.to: missing; needs where to send clients"},
      {"{ to: \"\" }", "options.to: '' is neither a URL nor a path"},
      {"{ to: www.example.com }",
       "is neither a URL nor a path; begin it with https://, http://, {scheme}:// or /"},
      {"{ to: \"//b.example{uri}\" }", "is neither a URL nor a path"},
      {"{ to: \"javascript:alert(1)\" }", "is neither a URL nor a path"},
      {"{ to: \"{host}/x\" }", "is neither a URL nor a path"},
      {"{ to: \"{query}\" }", "is neither a URL nor a path"},
      {"{ to: \"https://{hots}{uri}\" }",
       "has the unknown placeholder {hots}; did you mean {host}?"},
      {"{ to: \"https://{host}{request_method}\" }",
       "there are {scheme}, {host}, {port}, {path}, {query}, {uri}, {rest}"},
      {"{ to: \"https://{host\" }", "has a '{' without '}'"},
      {"{ to: \"https://host}/\" }", "has a character that is not allowed in a URL"},
      {"{ to: \"https://a.example/a b\" }", "has a character that is not allowed in a URL"},
      {"{ to: \"https://a.example/\\r\\nX: y\" }", "has a character that is not allowed in a URL"},
      {"{ to: \"/a\\\\b\" }", "has a character that is not allowed in a URL"},
      {"{ to: \"https://{uri}\" }", "names no host"},
      {"{ to: \"https:///x\" }", "names no host"},
      {"{ to: \"https://{host}{scheme}/x\" }", "has {scheme} in place of the host"},
      {"{ to: \"/new{rest}\" }",
       "has {rest}, which is what follows the prefix of a route such as /old/*"},
      {"{ to: /new, status: 200 }", "options.status: '200' is not 301, 302, 303, 307 or 308"},
      {"{ to: /new, code: 301 }", "options.code: unknown key"},
  };
  for (const auto& [options, error] : cases) {
    errors_.clear();
    EXPECT_EQ(Make("redirect", options), nullptr) << options;
    EXPECT_THAT(Errors(), HasSubstr(error)) << options;
    EXPECT_EQ(errors_.size(), 1u) << Errors();
  }
}

}  // namespace
}  // namespace upgate::plugins
