#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config::match_test {
namespace {

constexpr std::string_view kListeners =
    "listeners:\n"
    "  - { address: \"0.0.0.0:8080\", name: plain }\n"
    "  - { address: \"[::0]:8443\", name: public, tls: { certificates: [ { cert: a, key: b } ] } "
    "}\n"
    "  - { address: \"unix:/run/gate.sock\" }\n";

// Of the only route's `match`, which begins in line 5, column 34.
std::string ErrorsOfMatch(std::string_view match) {
  return ErrorsOf(std::string(kListeners) +
                  "routes: [ { path: /, plugin: e, match: " + std::string(match) + " } ]\n");
}

Conditions MatchOf(std::string_view match) {
  return Parsed(std::string(kListeners) +
                "routes: [ { path: /, plugin: e, match: " + std::string(match) + " } ]\n")
      ->routes.at(0)
      .match;
}

std::string ErrorOf(std::string_view match) {
  std::string errors = ErrorsOfMatch(match);
  const std::size_t key = errors.find("routes[0].match");
  return key == std::string::npos ? errors : errors.substr(key);
}

TEST(MatchTest, EveryKeyIsRead) {
  using Kind = ValueCondition::Kind;
  const Conditions match = MatchOf(
      "{ methods: [ GET, PURGE ], headers: { X-A: value, X-B: \"~^v[0-9]+$\", X-C: present }, "
      "query: { q: \"=present\", r: \"=\" }, cookies: { c: \"==x\" }, subprotocols: [ mqtt ], "
      "clients: [ 10.0.0.0/8, \"::1\" ], listeners: [ plain, \"[::0]:8443\" ], "
      "tls: { sni: [ A.example., \"*.b.example\" ], version: \"1.3\" } }");
  EXPECT_EQ(match.methods, (std::vector<std::string>{"GET", "PURGE"}));
  ASSERT_EQ(match.headers.size(), 3u);
  EXPECT_EQ(match.headers[0].name, "X-A");
  EXPECT_EQ(match.headers[0].kind, Kind::kExact);
  EXPECT_EQ(match.headers[0].text, "value");
  EXPECT_EQ(match.headers[1].kind, Kind::kRegex);
  EXPECT_EQ(match.headers[1].text, "^v[0-9]+$");
  EXPECT_EQ(match.headers[2].kind, Kind::kPresent);
  ASSERT_EQ(match.query.size(), 2u);
  EXPECT_EQ(match.query[0].kind, Kind::kExact);
  EXPECT_EQ(match.query[0].text, "present");
  EXPECT_EQ(match.query[1].text, "");
  EXPECT_EQ(match.cookies.at(0).text, "=x");
  EXPECT_EQ(match.clients.size(), 2u);
  EXPECT_EQ(match.listeners, (std::vector<std::string>{"plain", "public"}));
  ASSERT_EQ(match.sni.size(), 2u);
  EXPECT_EQ(match.sni[0].host, "a.example");
  EXPECT_TRUE(match.sni[1].wildcard);
  EXPECT_EQ(match.tls_version, TlsVersion::kTls13);
  EXPECT_EQ(match.count(), 12u);
}

TEST(MatchTest, NothingIsRequiredByDefault) {
  EXPECT_TRUE(MatchOf("{ }").empty());
  EXPECT_EQ(MatchOf("{ clients: [ 10.0.0.0/8, 11.0.0.0/8 ] }").count(), 1u);
}

TEST(MatchTest, MistakesSayWhatWouldBeRight) {
  EXPECT_EQ(ErrorsOfMatch("{ method: [ GET ] }"),
            "5:42: routes[0].match.method: unknown key; did you mean 'methods'?\n");
  EXPECT_EQ(ErrorOf("{ methods: [ get ] }"),
            "routes[0].match.methods[0]: 'get' is not a method; did you mean GET?\n");
  EXPECT_EQ(ErrorOf("{ methods: GET }"),
            "routes[0].match.methods: is text; needs a list: write [ GET ]\n");
  for (const char* key : {"methods", "subprotocols", "clients", "listeners"}) {
    EXPECT_EQ(
        ErrorOf("{ " + std::string(key) + ": [] }"),
        "routes[0].match." + std::string(key) + ": is an empty list; leave it out to match any\n");
  }
  EXPECT_EQ(ErrorOf("{ headers: [ X-A ] }"),
            "routes[0].match.headers: is a list; needs a map of names\n");
  EXPECT_EQ(ErrorOf("{ headers: { X-A: } }"),
            "routes[0].match.headers.X-A: is empty; needs a value, a regular expression such as "
            "~^v[0-9]+$, or present\n");
  EXPECT_EQ(ErrorOf("{ headers: { X-A: '' } }"),
            "routes[0].match.headers.X-A: '' is empty; write present for any value, or \"=\" for "
            "an empty one\n");
  EXPECT_EQ(ErrorOf("{ headers: { X-A: '~(' } }"),
            "routes[0].match.headers.X-A: '~(' is not a regular expression; missing ): (\n");
  EXPECT_EQ(ErrorOf("{ headers: { X-A: '~' } }"),
            "routes[0].match.headers.X-A: '~' has no regular expression after '~'; write for "
            "example ~^v[0-9]+$\n");
  EXPECT_EQ(ErrorOf("{ headers: { X A: b } }"),
            "routes[0].match.headers.X A: is not the name of a header\n");
  EXPECT_EQ(ErrorOf("{ headers: { Host: b } }"),
            "routes[0].match.headers.Host: cannot be matched here; use hosts of the route\n");
  EXPECT_EQ(ErrorOf("{ headers: { Transfer-Encoding: b } }"),
            "routes[0].match.headers.Transfer-Encoding: cannot be matched: it belongs to the "
            "connection, not to the request\n");
  EXPECT_EQ(ErrorOf("{ headers: { X-A: b, x-a: c } }"),
            "routes[0].match.headers.x-a: is listed twice\n");
  EXPECT_EQ(ErrorOf("{ cookies: { 'a b': c } }"),
            "routes[0].match.cookies.a b: is not the name of a cookie\n");
  EXPECT_EQ(
      ErrorOf("{ clients: [ 10.0.0.0/33 ] }"),
      "routes[0].match.clients[0]: '10.0.0.0/33' has a wrong number of bits after '/'; 0 to 32 "
      "for IPv4, 0 to 128 for IPv6\n");
}

TEST(MatchTest, ListenersAreThoseOfTheFile) {
  EXPECT_EQ(MatchOf("{ listeners: [ \"unix:/run/gate.sock\", public ] }").listeners,
            (std::vector<std::string>{"unix:/run/gate.sock", "public"}));
  EXPECT_EQ(ErrorOf("{ listeners: [ plane ] }"),
            "routes[0].match.listeners[0]: 'plane' is neither the name nor the address of a "
            "listener in this file; did you mean 'plain'?\n");
  EXPECT_EQ(ErrorOf("{ listeners: [ \"0.0.0.0:8081\" ] }"),
            "routes[0].match.listeners[0]: '0.0.0.0:8081' is neither the name nor the address of a "
            "listener in this file; did you mean '0.0.0.0:8080'?\n");
}

TEST(MatchTest, TlsNeedsAListenerThatHasIt) {
  EXPECT_EQ(ErrorOf("{ tls: { version: \"1.3\" }, listeners: [ plain ] }"),
            "routes[0].match.tls: never matches: the listeners have no tls\n");
  EXPECT_EQ(ErrorOf("{ tls: { version: \"1.3\" }, listeners: [ plain, public ] }"), "");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    match: { tls: { sni: [ a ] } }"),
            "5:19: routes[0].match.tls: never matches: the listeners have no tls\n");
  EXPECT_EQ(ErrorOf("{ tls: { sni: [ 10.0.0.1 ] } }"),
            "routes[0].match.tls.sni[0]: '10.0.0.1' is an address; clients ask for names in TLS, "
            "never for addresses\n");
  EXPECT_EQ(ErrorOf("{ tls: { version: \"1.4\" } }"),
            "routes[0].match.tls.version: '1.4' is not 1.2 or 1.3; did you mean '1.2'?\n");
}

TEST(MatchTest, NamesOfListenersAreUnique) {
  EXPECT_EQ(ErrorsOfTop("http: { }"), "");
  const std::string routes = "routes: [ { path: /, plugin: e } ]\n";
  EXPECT_EQ(ErrorsOf("listeners:\n  - { address: \"a:1\", name: x }\n"
                     "  - { address: \"a:2\", name: x }\n" +
                     routes),
            "3:29: listeners[1].name: 'x' is already the name of the listener in line 2\n");
  EXPECT_EQ(ErrorsOf("listeners:\n  - { address: \"a:1\", name: \"a:2\" }\n"
                     "  - { address: \"a:2\" }\n" +
                     routes),
            "2:29: listeners[0].name: 'a:2' is already the address of the listener in line 3\n");
  EXPECT_EQ(ErrorsOf("listeners: [ { address: \"a:1\", name: \"\\t\" } ]\n" + routes),
            "1:38: listeners[0].name: '\\x09' is not a valid name; use printable ASCII\n");
}

TEST(MatchTest, AllRegularExpressionsTogetherAreBounded) {
  std::string headers;
  for (int i = 0; i < 60; ++i) headers += "X-" + std::to_string(i) + ": '~[\\pL]{30}', ";
  const std::string errors = ErrorsOfMatch("{ headers: { " + headers + " } }");
  EXPECT_NE(errors.find("the regular expressions up to here are too large together"),
            std::string::npos)
      << errors;
}

}  // namespace
}  // namespace upgate::config::match_test
