#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config::rewriting_test {
namespace {

constexpr std::string_view kAround =
    "listeners: [ { address: a:1 } ]\n"
    "backends:\n"
    "  site: { servers: [ http://a:1 ] }\n"
    "  next: { servers: [ https://a:2 ] }\n"
    "  live: { servers: [ ws://a:3 ] }\n"
    "  mqtt: { servers: [ tcp://a:4 ] }\n"
    "routes:\n";

// Of a route in line 8; without the place.
std::string ErrorOf(std::string_view route) {
  const std::string errors =
      ErrorsOf(std::string(kAround) + "  - { " + std::string(route) + " }\n");
  const std::size_t key = errors.find("routes[0]");
  return key == std::string::npos ? errors : errors.substr(key);
}

Route RouteOf(std::string_view route) {
  return Parsed(std::string(kAround) + "  - { " + std::string(route) + " }\n")->routes.at(0);
}

TEST(RewritingTest, EveryKeyIsRead) {
  const Route route = RouteOf(
      "path: '~^/m/([a-z]+)/(.*)$', backend: site, "
      "rewrite_path: { to: '/app/{capture.2}' }, rewrite_host: 'app.internal:8080', "
      "rewrite_query: { set: { from: gateway, who: \"{client}\" }, remove: [ debug ] }, "
      "request_headers: { set: { X-Client: \"{client}:{client_port}\" }, "
      "add: { X-Tag: \"a{{b}\" }, remove: [ X-Debug ] }, "
      "response_headers: { set: { X-Route: \"{route} {capture.1}\" } }, "
      "upgrades: [ Tailscale-Control-Protocol, foo/2 ]");
  using Variable = Template::Variable;
  const Rewriting& rewriting = route.rewriting;
  ASSERT_TRUE(rewriting.path);
  EXPECT_FALSE(rewriting.path->regex);
  ASSERT_EQ(rewriting.path->to.parts.size(), 2u);
  EXPECT_EQ(rewriting.path->to.parts[0].text, "/app/");
  EXPECT_EQ(rewriting.path->to.parts[1].variable, Variable::kCapture);
  EXPECT_EQ(rewriting.path->to.parts[1].capture, 2u);
  EXPECT_EQ(rewriting.host, "app.internal:8080");
  EXPECT_EQ(rewriting.query.set.size(), 2u);
  EXPECT_EQ(rewriting.query.remove, std::vector<std::string>{"debug"});
  const Template& client = rewriting.request_headers.set.at(0).value;
  ASSERT_EQ(client.parts.size(), 3u);
  EXPECT_EQ(client.parts[0].variable, Variable::kClient);
  EXPECT_EQ(client.parts[1].text, ":");
  EXPECT_EQ(client.parts[2].variable, Variable::kClientPort);
  EXPECT_EQ(rewriting.request_headers.add.at(0).value.parts.at(0).text, "a{b}");
  EXPECT_EQ(rewriting.request_headers.remove, std::vector<std::string>{"X-Debug"});
  EXPECT_EQ(rewriting.response_headers.set.size(), 1u);
  EXPECT_EQ(route.upgrades, (std::vector<std::string>{"tailscale-control-protocol", "foo/2"}));
}

TEST(RewritingTest, StripPrefixIsAFolderOfTheRoute) {
  EXPECT_EQ(RouteOf("path: /m/*, backend: site, strip_prefix: /m").rewriting.strip_prefix, "/m");
  EXPECT_EQ(ErrorOf("path: /m/x, backend: site, strip_prefix: /m"), "");
  EXPECT_EQ(ErrorOf("path: /m, backend: site, strip_prefix: /m"), "");
  EXPECT_EQ(ErrorOf("path: '~^/m/[0-9]', backend: site, strip_prefix: /m"), "");
  EXPECT_EQ(ErrorOf("path: '~x$', backend: site, strip_prefix: /m"), "");
  EXPECT_EQ(ErrorOf("path: /m/*, backend: site, strip_prefix: /n"),
            "routes[0].strip_prefix: '/n' begins no path of this route, which has /m/*\n");
  EXPECT_EQ(ErrorOf("path: /mm/*, backend: site, strip_prefix: /m"),
            "routes[0].strip_prefix: '/m' begins no path of this route, which has /mm/*\n");
  EXPECT_EQ(ErrorOf("path: '~^/mm', backend: site, strip_prefix: /m"),
            "routes[0].strip_prefix: '/m' begins no path of this route, which has ~^/mm\n");
  EXPECT_EQ(ErrorOf("path: /m/*, backend: site, strip_prefix: /m/*"),
            "routes[0].strip_prefix: '/m/*' does not end with the name of a folder; write /m\n");
  EXPECT_EQ(ErrorOf("path: /*, backend: site, strip_prefix: /"),
            "routes[0].strip_prefix: '/' does not end with the name of a folder; remove it: there "
            "is nothing to strip\n");
  EXPECT_EQ(ErrorOf("path: /m/*, backend: site, strip_prefix: m"),
            "routes[0].strip_prefix: 'm' does not begin with '/' or '~'; write /m\n");
  EXPECT_EQ(
      ErrorOf("path: /m/*, backend: site, strip_prefix: /m, rewrite_path: { regex: a, to: b }"),
      "routes[0].strip_prefix: a route has either strip_prefix or rewrite_path; remove one of "
      "them\n");
}

TEST(RewritingTest, RewritePathNeedsAnExpressionAndItsGroups) {
  EXPECT_EQ(
      ErrorOf("path: /*, backend: site, rewrite_path: { regex: '^/a/(.*)', to: '/b/{capture.1}' }"),
      "");
  EXPECT_EQ(ErrorOf("path: /*, backend: site, rewrite_path: { regex: '\\.htm$', to: '.html' }"),
            "");
  EXPECT_EQ(ErrorOf("path: /*, backend: site, rewrite_path: { to: /b }"),
            "routes[0].rewrite_path.regex: missing; needs a regular expression such as ^/old/, "
            "because the path of this route is none\n");
  EXPECT_EQ(ErrorOf("path: /*, backend: site, rewrite_path: { regex: '(', to: /b }"),
            "routes[0].rewrite_path.regex: '(' is not a regular expression; missing ): (\n");
  EXPECT_EQ(ErrorOf("path: /*, backend: site, rewrite_path: { regex: '^/a', to: '/{capture.1}' }"),
            "routes[0].rewrite_path.to: '/{capture.1}' has {capture.1}, but regex has 0 groups; "
            "parentheses make groups\n");
  EXPECT_EQ(ErrorOf("path: '~^/(a)', backend: site, rewrite_path: { to: '/{capture.2}' }"),
            "routes[0].rewrite_path.to: '/{capture.2}' has {capture.2}, but the path of this route "
            "has 1 group; parentheses make groups\n");
  for (const auto& [to, fault] : std::vector<std::pair<std::string, std::string>>{
           {"b", "does not begin with '/'; write /b"},
           {"/b?c", "has a query; use rewrite_query"},
           {"/../b", "has a segment '.' or '..'; write the path without it"},
           {"/b/..", "has a segment '.' or '..'; write the path without it"},
           {"//b", "has two slashes in a row; write one"},
           {"/b c", "has a character that is not allowed in a path; percent-encode it"},
           {"/b%2", "has a '%' without two hexadecimal digits; a percent sign is written %25"},
           {"/{client}", "has a variable that is no part of the path; use {capture.1}"},
           {"/{captur.1}", "has the unknown variable {captur.1}; did you mean {capture.1}?"}}) {
    EXPECT_EQ(ErrorOf("path: /*, backend: site, rewrite_path: { regex: '^/a', to: '" + to + "' }"),
              "routes[0].rewrite_path.to: '" + to + "' " + fault + "\n");
  }
}

TEST(RewritingTest, RewriteHostIsAHost) {
  EXPECT_EQ(ErrorOf("path: /, backend: site, rewrite_host: 'a b'"),
            "routes[0].rewrite_host: 'a b' is not host:port: a character that is not allowed in "
            "host names\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, rewrite_host: a.example, preserve_host: false"),
            "routes[0].rewrite_host: sets the Host in any case; remove preserve_host\n");
}

TEST(RewritingTest, VariablesAreKnown) {
  const auto error = [](const std::string& value) {
    return ErrorOf("path: /, backend: site, request_headers: { set: { X: " + value + " } }");
  };
  const std::string key = "routes[0].request_headers.set.X: ";
  EXPECT_EQ(error("\"{client} {client_port} {host} {path} {route} {session} {user} {tls.sni}\""),
            "");
  EXPECT_EQ(error("\"{clint}\""),
            key + "'{clint}' has the unknown variable {clint}; did you mean {client}?\n");
  EXPECT_EQ(error("\"{sni}\""),
            key +
                "'{sni}' has the unknown variable {sni}; there are {client}, "
                "{client_port}, {host}, {path}, {route}, {session}, {user}, "
                "{tls.sni}, {capture.1}, {claim.NAME}; a brace is written {{\n");
  EXPECT_EQ(error("\"{client\""), key + "'{client' has a '{' without '}'; a brace is written {{\n");
  EXPECT_EQ(
      error("\"{capture.0}\""),
      key + "'{capture.0}' has the unknown variable {capture.0}; did you mean {capture.1}?\n");
  EXPECT_EQ(error("\"{capture.1}\""),
            key +
                "'{capture.1}' has {capture.1}, but the path of this route is no regular "
                "expression; write a path such as ~^/v([0-9]+)/\n");
  EXPECT_EQ(error("{client}"), key +
                                   "is a map; needs text, in quotes where it has variables: "
                                   "\"{client}\"\n");
  EXPECT_EQ(error("''"), key + "'' is empty; to remove it, use remove\n");
  EXPECT_EQ(error("\"a\\r\\nb\""), key + "'a\\x0d\\x0ab' has a control character in it\n");
}

TEST(RewritingTest, FieldsOfTheGatewayAreNotChanged) {
  for (const std::string name :
       {"Content-Length", "transfer-encoding", "Connection", "Upgrade", "Sec-WebSocket-Key",
        "Sec-WebSocket-Protocol", "Sec_WebSocket_Accept", "TE", "Keep-Alive", "Content_Length",
        "Trailer", "Expect", "WebSocket-Location", "HTTP2-Settings"}) {
    for (const std::string of : {"request_headers", "response_headers"}) {
      EXPECT_EQ(ErrorOf("path: /, backend: site, " + of + ": { set: { " + name + ": a } }"),
                "routes[0]." + of + ".set." + name +
                    ": cannot be changed: the gateway writes it itself, for each connection\n");
      EXPECT_EQ(ErrorOf("path: /, backend: site, " + of + ": { remove: [ " + name + " ] }"),
                "routes[0]." + of + ".remove[0]: '" + name +
                    "' cannot be changed: the gateway writes it itself, for each connection\n");
    }
  }
  EXPECT_EQ(ErrorOf("path: /, backend: site, request_headers: { set: { Host: a } }"),
            "routes[0].request_headers.set.Host: cannot be changed here; use rewrite_host\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, request_headers: { add: { 'a b': a } }"),
            "routes[0].request_headers.add.a b: is not the name of a header\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, request_headers: { set: { X-A: a, x_a: b } }"),
            "routes[0].request_headers.set.x_a: is listed twice\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, cors: { allow_origins: [ \"*\" ] }, "
                    "response_headers: { set: { Access-Control-Allow-Origin: a } }"),
            "routes[0].response_headers.set.Access-Control-Allow-Origin: cannot be changed: the "
            "cors block of this route sets it\n");
}

TEST(RewritingTest, OnlyWhereServersSpeakHttp) {
  for (const std::string setting :
       {"strip_prefix: /m", "rewrite_path: { regex: '^/m', to: /n }", "rewrite_host: a",
        "rewrite_query: { remove: [ a ] }", "request_headers: { remove: [ a ] }"}) {
    const std::string key = setting.substr(0, setting.find(':'));
    EXPECT_EQ(ErrorOf("path: /m/*, backend: live, " + setting), "") << setting;
    for (const std::string target : {"backend: mqtt", "plugin: echo"}) {
      EXPECT_EQ(ErrorOf("path: /m/*, " + target + ", " + setting),
                "routes[0]." + key +
                    ": has no effect: nothing behind this route speaks HTTP; remove it\n");
    }
  }
  EXPECT_EQ(ErrorOf("path: /, backend: mqtt, response_headers: { remove: [ a ] }"), "");
  EXPECT_EQ(ErrorOf("path: /, plugin: echo, response_headers: { set: { a: b } }"), "");
}

TEST(RewritingTest, SplitIsForBackendsOfOneKind) {
  const Route route =
      RouteOf("path: /, split: [ { backend: site, weight: 95 }, { backend: next, weight: 5 } ]");
  ASSERT_EQ(route.split.size(), 2u);
  EXPECT_EQ(route.backend, "site");
  EXPECT_EQ(route.split[1].backend, "next");
  EXPECT_EQ(route.split[1].weight, 5u);
  const std::string both = "{ backend: site }, { backend: next }";
  EXPECT_EQ(ErrorOf("path: /, split: [ " + both + " ], preserve_host: false"), "");
  EXPECT_EQ(
      ErrorOf("path: /, split: [ " + both + " ], backend: site"),
      "routes[0].split: a route has either a split, a backend or a plugin; remove the others\n");
  EXPECT_EQ(ErrorOf("path: /, split: [ { backend: site } ]"),
            "routes[0].split: needs at least two backends; for one, use backend\n");
  EXPECT_EQ(ErrorOf("path: /, split: [ ]"),
            "routes[0].split: needs at least two backends; for one, use backend\n");
  EXPECT_EQ(
      ErrorOf("path: /, split: [ { backend: site, weight: 0 }, { backend: next, weight: 0 } ]"),
      "routes[0].split: has no weight above 0, so no client would go anywhere\n");
  EXPECT_EQ(ErrorOf("path: /, split: [ { backend: site }, { backend: mqtt } ]"),
            "routes[0].split[1].backend: 'mqtt' is of a different kind than the first backend; all "
            "of them must carry bytes, frames or HTTP\n");
  EXPECT_EQ(
      ErrorOf("path: /, split: [ { backend: site }, { backend: nex } ]"),
      "routes[0].split[1].backend: 'nex' is not a backend in this file; did you mean 'next'?\n");
  EXPECT_EQ(ErrorOf("path: /, split: [ { backend: site }, { backend: site } ]"),
            "routes[0].split[1].backend: 'site' is listed twice\n");
  EXPECT_EQ(ErrorOf("path: /, split: [ { backend: site, weigth: 1 }, { backend: next } ]"),
            "routes[0].split[0].weigth: unknown key; did you mean 'weight'?\n");
}

TEST(RewritingTest, UpgradesAreNeverToHttp) {
  EXPECT_EQ(ErrorOf("path: /, backend: site, upgrades: [ h2c ]"),
            "routes[0].upgrades[0]: 'h2c' is never passed on: requests inside it would bypass all "
            "routes; remove it\n");
  for (const std::string protocol : {"H2C", "h2", "HTTP/2.0", "TLS/1.0"})
    EXPECT_NE(ErrorOf("path: /, backend: site, upgrades: [ " + protocol + " ]"), "") << protocol;
  EXPECT_EQ(ErrorOf("path: /, backend: site, upgrades: [ WebSocket ]"),
            "routes[0].upgrades[0]: 'WebSocket' needs no entry: WebSockets are always relayed; "
            "remove it\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, upgrades: [ a/b/c ]"),
            "routes[0].upgrades[0]: 'a/b/c' is not the name of a protocol; write it as in the "
            "Upgrade header\n");
  EXPECT_EQ(ErrorOf("path: /, backend: site, upgrades: [ x, X ]"),
            "routes[0].upgrades[1]: 'X' is listed twice\n");
  for (const std::string target : {"backend: live", "backend: mqtt", "plugin: echo"}) {
    EXPECT_EQ(ErrorOf("path: /, " + target + ", upgrades: [ x ]"),
              "routes[0].upgrades: has no effect: only http and https servers switch protocols; "
              "remove it\n");
  }
}

}  // namespace
}  // namespace upgate::config::rewriting_test
