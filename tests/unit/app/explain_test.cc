#include "gateway/app/explain.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/prepare.h"
#include "gateway/app/redirects.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"
#include "tests/support/temp_folder.h"

namespace upgate::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kConfig = R"(listeners:
  - { address: "0.0.0.0:8080", trusted_proxies: [ 10.0.0.0/8 ] }
  - { address: "127.0.0.1:8081", dialects: [ rfc6455, hybi08, hixie76, hixie75 ], access: { deny: [ 192.0.2.0/24 ] } }
backends:
  mqtt: { servers: [ "tcp://127.0.0.1:1883", "tcp://127.0.0.1:1884" ] }
  live: { servers: [ "ws://127.0.0.1:9000" ] }
  site: { servers: [ "http://127.0.0.1:3000" ] }
  rooms: { servers: [ { url: "ws://127.0.0.1:9001", weight: 3 }, { url: "ws://127.0.0.1:9002", max_sessions: 5 }, { url: "ws://127.0.0.1:9003", backup: true } ], balance: hash, hash: query room, sticky: true, health: { check: ws }, retry: { on: [ timeout ] } }
routes:
  - { path: /mqtt, hosts: [ app.test ], backend: mqtt, subprotocols: [ mqtt ], cors: { allow_origins: [ "https://page.test" ] } }
  - { path: /live/*, backend: live }
  - { path: ~^/m, backend: mqtt, limits: { idle: 0 } }
  - { path: /echo, plugin: echo, compression: { level: 5, server_no_context_takeover: false } }
  - { path: /*, hosts: [ app.test ], backend: site, require_origin: true }
  - { path: /strict, hosts: [ strict.test ], backend: live, enforce: true, compression: true, server_compression: { level: 1 } }
  - { path: /old/*, plugin: redirect, options: { to: / } }
  - { path: /rooms, backend: rooms }
  - { path: /vm, resolver: redis, options: { server: "127.0.0.1:6379", password: hush, from: [ "query:t", host ], allow: [ "10.0.0.0/8:1-9" ], target: { send_proxy: v2 } } }
  - { path: /limited, plugin: echo, compress_http: { types: [ "text/*" ] }, limits: { body_size: 1MiB, sessions_per_client: 3, handshakes: { rate: 5/m }, requests: { rate: 9/s, burst: 20 }, messages: { rate: 100/s, over: close, from: client }, bytes: { rate: 1MiB/s, burst: 4MiB }, queue_time: 30s } }
  - { path: /inside, plugin: echo, access: { allow: [ 10.0.0.0/8, unix ], deny: [ 10.6.0.0/16 ] } }
  - { path: /sso, plugin: echo, auth: [ id, sso ] }
  - { path: /id, plugin: echo, auth: { use: id, expired_code: 4001 } }
  - { path: /any, plugin: echo, auth: { use: id, optional: true } }
  - { path: /own, plugin: echo, auth: own, subprotocols: [ mqtt ] }
auth:
  sso: { forward: { url: "http://127.0.0.1:4180/oauth2/auth?key=hush" } }
  id: { jwt: { keys: "http://127.0.0.1:4181/jwks?key=hush", from: [ header, "cookie:t" ] } }
  own: { token: { file: TOKENS, from: [ header, "subprotocol:bearer." ] } }
)";

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    plugins::RegisterBuiltins(plugins_);
    folder_.Write("tokens", "ci: 0123456789abcdef\n");
    std::string text(kConfig);
    text.replace(text.find("TOKENS"), 6, folder_.At("tokens"));
    auto config = config::Parse(text, "u.yaml", [](const char*) -> const char* { return nullptr; });
    generation_ = Prepare(std::move(config.value()), plugins_).value();
  }

  Explanation Ask(const std::string& url, std::vector<std::string> headers = {},
                  const std::string& method = "GET", const std::string& from = "127.0.0.1",
                  const std::string& dialect = "rfc6455") {
    const auto question = ReadQuestion({.config_file = "",
                                        .url = url,
                                        .headers = std::move(headers),
                                        .method = method,
                                        .from = from,
                                        .dialect = dialect});
    if (!question) {
      ADD_FAILURE() << question.error().message;
      return {};
    }
    return Explain(*generation_, *question);
  }

  test::TempFolder folder_;
  plugin::Registry plugins_;
  std::shared_ptr<const upgrade::Generation> generation_;
};

TEST_F(ExplainTest, NamesTheRouteItsPlaceAndThoseItGoesBefore) {
  const auto [route, text, location] =
      Ask("ws://app.test:8080/mqtt", {"Sec-WebSocket-Protocol: v5, mqtt"});
  EXPECT_NE(route, nullptr);
  EXPECT_THAT(text, HasSubstr("routes[0] /mqtt (u.yaml:10)"));
  EXPECT_THAT(text, HasSubstr("the host app.test is listed; the path is exactly this one"));
  EXPECT_THAT(text, HasSubstr("routes[4] /* (u.yaml:14): its path is less specific"));
  EXPECT_THAT(text, HasSubstr("routes[2] ~^/m (u.yaml:12): any host is less specific"));
  EXPECT_THAT(text, AllOf(HasSubstr("backend mqtt"), HasSubstr("tcp://127.0.0.1:1883"),
                          HasSubstr("tcp://127.0.0.1:1884")));
  EXPECT_THAT(text,
              AllOf(HasSubstr("101 once a server is connected"), HasSubstr("subprotocol mqtt\n")));
}

TEST_F(ExplainTest, TellsHowAServerIsChosenAndWhichOneTheRequestGets) {
  const std::string text = Ask("ws://other.test:8080/rooms?room=1").text;
  EXPECT_THAT(text, HasSubstr("ws://127.0.0.1:9001, weight 3\n"));
  EXPECT_THAT(text, HasSubstr("ws://127.0.0.1:9002, at most 5 sessions\n"));
  EXPECT_THAT(text, HasSubstr("ws://127.0.0.1:9003, backup\n"));
  EXPECT_THAT(text, HasSubstr("  balance     hash of query room\n"));
  EXPECT_THAT(text, testing::ContainsRegex("  server +ws://127.0.0.1:900[12], as long as"));
  EXPECT_EQ(text, Ask("ws://other.test:8080/rooms?room=1").text);
  EXPECT_THAT(text, HasSubstr("  sticky      by the cookie upgate, which the response sets\n"));
  EXPECT_THAT(text, HasSubstr("  health      ws /healthz every 5s; down after 3 failures"));
  EXPECT_THAT(text, HasSubstr("  retry       up to 2 servers for one request, on timeout\n"));
  EXPECT_THAT(Ask("ws://other.test:8080/rooms").text,
              HasSubstr("in turn: the request has no query room"));
}

TEST_F(ExplainTest, TellsWhatThePoliciesAnswer) {
  EXPECT_THAT(
      Ask("ws://app.test:8080/mqtt", {"Origin: https://evil.test"}).text,
      HasSubstr("answer        403 Forbidden: the origin 'https://evil.test' is not allowed"));
  EXPECT_THAT(Ask("ws://app.test:8080/mqtt", {"Origin: https://page.test"}).text,
              AllOf(HasSubstr("is allowed by cors.allow_origins"),
                    HasSubstr("Access-Control-Allow-Origin: https://page.test\n")));
  EXPECT_THAT(Ask("ws://app.test:8080/mqtt", {"Sec-WebSocket-Protocol: other"}).text,
              HasSubstr("400 Bad Request: none of the"));
  EXPECT_THAT(Ask("ws://app.test:8080/mqtt?encoding=rot13").text,
              HasSubstr("400 Bad Request: unknown encoding"));
  EXPECT_THAT(Ask("ws://app.test:8080/mqtt", {"Sec-WebSocket-Version: 7"}).text,
              HasSubstr("Sec-WebSocket-Version: 13"));
  EXPECT_THAT(Ask("ws://app.test:8080/mqtt", {}, "POST").text, HasSubstr("405 Method Not Allowed"));
  EXPECT_THAT(Ask("http://app.test:8080/mqtt").text,
              AllOf(HasSubstr("426 Upgrade Required"), HasSubstr("a ws:// or wss:// URL")));
  EXPECT_THAT(Ask("http://app.test:8080/site").text,
              HasSubstr("403 Forbidden: an Origin header is required"));
}

TEST_F(ExplainTest, ReportsCompression) {
  const std::string text =
      Ask("ws://other.test:8080/echo", {"Sec-WebSocket-Extensions: permessage-deflate"}).text;
  EXPECT_THAT(text,
              HasSubstr("compression   with clients: level 5, for messages of 1KiB and more\n"));
  EXPECT_THAT(text,
              HasSubstr("what a server sends: window bits up to 15, with context takeover\n"));
  EXPECT_THAT(text,
              HasSubstr("what a client sends: window bits up to 12, without context takeover\n"));
  EXPECT_THAT(text, HasSubstr("extensions permessage-deflate; client_no_context_takeover\n"));
  EXPECT_THAT(Ask("ws://other.test:8080/echo", {"Sec-WebSocket-Extensions: ;"}).text,
              HasSubstr("400 Bad Request: Sec-WebSocket-Ext"));
}

TEST_F(ExplainTest, ReportsEnforcement) {
  const std::string text =
      Ask("ws://strict.test:8080/strict", {"Sec-WebSocket-Extensions: permessage-deflate"}).text;
  EXPECT_THAT(text, HasSubstr("enforce       WebSocket rules are enforced on both sides"));
  EXPECT_THAT(text, AllOf(HasSubstr("compression   with clients: level 3"),
                          HasSubstr("compression   with servers: level 1")));
  EXPECT_THAT(
      text,
      HasSubstr(
          "answer        the server's own: 101 with its choice of subprotocol, or its refusal\n"));
  EXPECT_THAT(text, HasSubstr("extensions permessage-deflate; server_no_context_takeover"));
}

TEST_F(ExplainTest, AnswersPreflights) {
  const std::string text =
      Ask("http://app.test:8080/mqtt",
          {"Origin: https://page.test", "Access-Control-Request-Method: POST"}, "OPTIONS")
          .text;
  EXPECT_THAT(text, AllOf(HasSubstr("204 No Content"),
                          HasSubstr("Access-Control-Allow-Methods: GET, HEAD, POST")));
}

TEST_F(ExplainTest, LeavesDecisionsOfServersAndPluginsOpen) {
  EXPECT_THAT(Ask("ws://any.test:8080/live/1").text,
              HasSubstr("the server's own: 101 with its choice of subprotocol"));
  EXPECT_THAT(
      Ask("http://app.test:8080/", {"Origin: http://app.test:8080"}).text,
      AllOf(HasSubstr("is the gateway's own"), HasSubstr("answer        the server's own")));
  EXPECT_THAT(Ask("ws://any.test:8080/echo").text,
              AllOf(HasSubstr("plugin echo"), HasSubstr("101, then a session with the plugin")));
  EXPECT_THAT(Ask("ws://any.test:8080/old/x").text,
              AllOf(HasSubstr("the plugin's own"), HasSubstr("redirect does not serve WebSocket")));
  EXPECT_THAT(Ask("http://any.test:8080/old/x", {"Connection: upgrade", "Upgrade: websocket"}).text,
              HasSubstr("the Upgrade is ignored"));
}

TEST_F(ExplainTest, ListsSimilarRoutes) {
  const auto [route, text, location] = Ask("http://other.test:8080/ehco");
  EXPECT_EQ(route, nullptr);
  EXPECT_THAT(
      text,
      HasSubstr("routes[4] /* (u.yaml:14): the path fits, the host does not: it is for app.test"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "routes[3] /echo (u.yaml:13): the host fits, the path does not; did you mean this one?"));
  EXPECT_THAT(text, HasSubstr("answer        404"));
}

TEST_F(ExplainTest, ShowsEachWayToReadAPath) {
  const auto [route, text, location] = Ask("http://any.test:8080/live%2Fx;a");
  EXPECT_EQ(route, nullptr);
  EXPECT_THAT(text, HasSubstr("readings      /live%2Fx;a: no route\n"));
  EXPECT_THAT(text, HasSubstr("              /live/x: routes[1] /live/* (u.yaml:11)\n"));
  EXPECT_THAT(text,
              HasSubstr("answer        400 Bad Request: servers read this path in different"));
  EXPECT_THAT(
      Ask("ws://any.test:8080/live//x").text,
      AllOf(HasSubstr("readings      /live//x: routes[1]"),
            HasSubstr("              /live/x: routes[1]"), HasSubstr("route         routes[1]")));
  EXPECT_THAT(Ask("ws://any.test:8080/live/x").text, Not(HasSubstr("readings")));
  EXPECT_THAT(Ask("/nowhere//x", {"Host: any.test"}).text, HasSubstr("answer        404"));
}

TEST_F(ExplainTest, BelievesATrustedProxyOnly) {
  const std::vector<std::string> forwarded{"X-Forwarded-Host: app.test", "X-Forwarded-Proto: https",
                                           "X-Forwarded-For: 192.0.2.7"};
  EXPECT_THAT(Ask("http://inner.test:8080/mqtt", forwarded, "GET", "10.1.2.3").text,
              AllOf(HasSubstr("192.0.2.7; the peer is a trusted proxy"),
                    HasSubstr("https://app.test, path /mqtt"), HasSubstr("routes[0]")));
  EXPECT_THAT(
      Ask("http://inner.test:8080/mqtt", forwarded, "GET", "11.1.2.3").text,
      AllOf(HasSubstr("http://inner.test:8080, path /mqtt"), HasSubstr("route         routes[2]")));
  // The other listener has no trusted proxies.
  EXPECT_THAT(Ask("http://inner.test:8081/mqtt", forwarded, "GET", "10.1.2.3").text,
              HasSubstr("http://inner.test:8081"));
}

TEST_F(ExplainTest, SaysWhenNoListenerIsAsTheUrlSays) {
  EXPECT_THAT(Ask("wss://app.test/mqtt").text, HasSubstr("no listener has TLS"));
  EXPECT_THAT(Ask("ws://app.test/mqtt").text, HasSubstr("no such listener is on port 80"));
  EXPECT_THAT(Ask("ws://app.test:8081/mqtt").text, Not(HasSubstr("no such listener")));
  EXPECT_THAT(Ask("/mqtt", {"Host: app.test"}).text,
              AllOf(HasSubstr("0.0.0.0:8080\n"), HasSubstr("routes[0]")));
}

TEST_F(ExplainTest, TellsHowFastClientsMayCome) {
  EXPECT_THAT(
      Ask("ws://other.test:8080/limited").text,
      AllOf(HasSubstr("gzip          of responses of 1KiB and more: text/*\n"),
            HasSubstr("body_size 1MiB, then 413\n"), HasSubstr("sessions_per_client 3, then 429\n"),
            HasSubstr("handshakes of a client 5/m, burst 1, then 429\n"),
            HasSubstr("requests of a client 9/s, burst 20, then 429\n"),
            HasSubstr("messages 100/s, burst 100 from the client, then Close 1008\n"),
            HasSubstr("bytes 1MiB/s, burst 4MiB from each peer, then it has to wait\n"),
            HasSubstr("queue_time 30s, then Close 1013\n")));
}

TEST_F(ExplainTest, TellsWhoMayCome) {
  const auto from = [&](const std::string& address) {
    return Ask("ws://other.test:8080/inside", {}, "GET", address).text;
  };
  EXPECT_THAT(from("10.1.2.3"), AllOf(HasSubstr("access        only for 10.0.0.0/8, unix\n"),
                                      HasSubstr("              not for 10.6.0.0/16\n"),
                                      HasSubstr("answer        101")));
  EXPECT_THAT(from("10.6.2.3"), HasSubstr("answer        403 Forbidden: by access of the route"));
  const auto [route, text, location] = Ask("ws://other.test:8081/inside", {}, "GET", "192.0.2.1");
  EXPECT_EQ(route, nullptr);
  EXPECT_THAT(text, HasSubstr("answer        none: access of the listener closes the connection"));
}

TEST_F(ExplainTest, TellsWhichDialectsAreSpoken) {
  const auto ask = [&](const std::string& port, const std::string& dialect,
                       std::vector<std::string> headers = {}) {
    return Ask("ws://app.test:" + port + "/mqtt", std::move(headers), "GET", "127.0.0.1", dialect)
        .text;
  };
  EXPECT_THAT(ask("8080", "hixie76"),
              AllOf(HasSubstr("dialects      rfc6455\n"), HasSubstr("426 Upgrade Required")));
  for (const std::string dialect : {"rfc6455", "hybi08", "hixie76", "hixie75"}) {
    EXPECT_THAT(
        ask("8081", dialect),
        AllOf(HasSubstr("dialects      rfc6455, hybi08, hixie76, hixie75\n"),
              HasSubstr("dialect       " + dialect + "\n"), HasSubstr("101 once a server")));
  }
  EXPECT_THAT(ask("8081", "hixie75"), HasSubstr("encoding text"));
  EXPECT_THAT(ask("8081", "hybi08", {"Sec-WebSocket-Origin: https://page.test"}),
              HasSubstr("https://page.test is allowed by cors.allow_origins"));
}

TEST_F(ExplainTest, PrintsNothingThatCouldSteerATerminal) {
  const std::string text = Ask("/%1b[31m", {"Origin: \x9b"
                                            "31m"})
                               .text;
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\x9b")));
}

TEST(ReadQuestion, RefusesWhatNoClientCouldSend) {
  const auto refuses = [](const ExplainSettings& settings) {
    return !ReadQuestion(settings).has_value();
  };
  for (const std::string url : {"", "mqtt", "ftp://a/", "ws://", "ws://a b/", "ws://a/%zz",
                                "ws://a/#f", "ws://a:70000/", "*"}) {
    EXPECT_TRUE(refuses({.config_file = "", .url = url, .headers = {}})) << url;
  }
  for (const std::string header :
       {"", "no colon", ": x", "a b: c", "A: b\r\nC: d", "Host: a b", "Content-Length: x"}) {
    EXPECT_TRUE(refuses({.config_file = "", .url = "/", .headers = {header}})) << header;
  }
  EXPECT_TRUE(refuses({.config_file = "", .url = "/", .headers = {"Host: a", "Host: b"}}));
  EXPECT_FALSE(refuses({.config_file = "",
                        .url = "ws://a/",
                        .headers = {"Host: b"}}));  // the URL only selects the listener
  for (const std::string method : {"", "G T", "CONNECT", "GET\r\n"}) {
    EXPECT_TRUE(refuses({.config_file = "", .url = "/", .headers = {}, .method = method}))
        << method;
  }
  EXPECT_TRUE(refuses({.config_file = "", .url = "/", .headers = {}, .from = "localhost"}));
  EXPECT_TRUE(refuses({.config_file = "", .url = "/", .headers = {}, .dialect = "hixie77"}));
}

TEST_F(ExplainTest, ChecksACredentialWhereThatNeedsNobodyElse) {
  const std::string url = "ws://other.test:8080/own";
  EXPECT_THAT(Ask(url).text,
              AllOf(HasSubstr("answer        401 Unauthorized: there is no credential in the "),
                    Not(HasSubstr("101"))));
  EXPECT_THAT(Ask(url, {"Authorization: Bearer wrong"}).text,
              HasSubstr("answer        401 Unauthorized: own: the token is unknown"));
  EXPECT_THAT(
      Ask(url, {"Authorization: Bearer 0123456789abcdef"}).text,
      AllOf(HasSubstr("credential    own lets it in as ci\n"), HasSubstr("answer        101")));
  EXPECT_THAT(Ask(url, {"Sec-WebSocket-Protocol: mqtt, bearer.0123456789abcdef"}).text,
              AllOf(HasSubstr("lets it in as ci"), HasSubstr("subprotocol mqtt\n")));
  EXPECT_THAT(Ask("http://other.test:8080/own").text, HasSubstr("answer        401"));
}

TEST_F(ExplainTest, SaysWhoIsAskedAtRunTime) {
  EXPECT_THAT(Ask("ws://other.test:8080/id").text, HasSubstr("answer        401"));
  EXPECT_THAT(Ask("ws://other.test:8080/id", {"Authorization: Bearer a.b.c"}).text,
              HasSubstr("answer        401 Unauthorized: id: the token"))
      << "malformed whatever the keys are";
  EXPECT_THAT(
      Ask("ws://other.test:8080/sso").text,
      AllOf(HasSubstr("credential    sso is asked at run time"), HasSubstr("answer        101")));
  EXPECT_THAT(
      Ask("ws://other.test:8080/any").text,
      AllOf(HasSubstr("credential    none: the client is let in as nobody"), HasSubstr("101")));
}

// ---- redirects

std::string SelfRedirectsOf(const std::string& routes, bool tls, int port = 0) {
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  const tls::SelfSigned own = tls::MakeSelfSigned({"a.test"});
  const test::TempFolder folder;
  folder.Write("a.crt", own.cert_pem);
  folder.Write("a.key", own.key_pem);
  if (port == 0) port = tls ? 443 : 80;
  const std::string listener =
      "{ address: \"127.0.0.1:" + std::to_string(port) + "\"" +
      (tls ? ", tls: { certificates: [ { cert: a.crt, key: a.key } ] } }" : " }");
  auto config = config::Parse("listeners: [ " + listener + " ]\nroutes:\n" + routes,
                              (folder.path() / "u.yaml").string(),
                              [](const char*) -> const char* { return nullptr; });
  const auto generation = Prepare(std::move(config.value()), plugins).value();
  std::string keys;
  for (const auto& warning : SelfRedirects(*generation)) keys += warning.key + " ";
  return keys;
}

TEST(SelfRedirectsTest, AreThoseThatLeadToTheSameUrl) {
  const std::string to_https =
      "  - { path: /*, plugin: redirect, options: { to: \"https://{host}{uri}\" } }\n";
  EXPECT_EQ(SelfRedirectsOf(to_https, false), "");
  EXPECT_EQ(SelfRedirectsOf(to_https, true), "routes[0] ");
  EXPECT_EQ(SelfRedirectsOf("  - { path: /a, plugin: redirect, options: { to: /a } }\n", false),
            "routes[0] ");
  EXPECT_EQ(SelfRedirectsOf("  - { path: /a, plugin: redirect, options: { to: /b } }\n", false),
            "");
  EXPECT_EQ(SelfRedirectsOf("  - { path: /a/*, hosts: [ a.test ], plugin: redirect, options: { to: "
                            "\"http://a.test{path}\" } }\n",
                            false),
            "routes[0] ");
}

// `fields`: of a route.
std::string Redirecting(const std::string& fields, const std::string& to) {
  return "  - { " + fields + ", plugin: redirect, options: { to: \"" + to + "\" } }\n";
}

TEST(SelfRedirectsTest, AreFoundWhateverTheWay) {
  const std::string own = "routes[0] ";
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*", "/login"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /k/*", "/k/fixed"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: \"~^/y/\"", "{uri}"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /r", "/r#part"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /q", "/q?x=1"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /s", "/./x/../s"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /u", "/%75"), false), own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /n", "http://n.example:8080/n"), false, 8080), "");
  EXPECT_EQ(
      SelfRedirectsOf(Redirecting("path: /n, hosts: [ n.example ]", "http://n.example:8080/n"),
                      false, 8080),
      own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*", "https://{host}:8443{uri}"), true, 8443), own);
  EXPECT_EQ(
      SelfRedirectsOf(
          Redirecting("path: /w, hosts: [ w.example, v.example ]", "http://v.example/w"), false),
      own);
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /h", "/i") + Redirecting("path: /i", "/h"), false),
            "routes[0] routes[1] ");
  EXPECT_EQ(SelfRedirectsOf(
                Redirecting("path: /*, hosts: [ old.example ]", "{scheme}://new.example{uri}") +
                    Redirecting("path: /*, hosts: [ new.example ]", "{scheme}://old.example/"),
                false),
            "routes[0] routes[1] ");
}

TEST(SelfRedirectsTest, AreNotThoseThatEnd) {
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*", "https://{host}{uri}"), false), "");
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*", "http://www.example.org{uri}"), false), "");
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*", "http://example.com:9000/"), false), "");
  EXPECT_EQ(SelfRedirectsOf(
                Redirecting("path: /*", "/app/") + "  - { path: /app/*, plugin: echo }\n", false),
            "");
  EXPECT_EQ(SelfRedirectsOf(Redirecting("path: /*, hosts: [ a.example ]", "http://b.example{uri}") +
                                "  - { path: /*, hosts: [ b.example ], plugin: echo }\n",
                            false),
            "");
}

TEST_F(ExplainTest, SaysWhereARedirectLeads) {
  const Explanation explanation = Ask("http://other.test:8080/old/x");
  EXPECT_THAT(explanation.text, HasSubstr("308 with Location: /"));
  EXPECT_EQ(explanation.location, "/");
}

TEST_F(ExplainTest, ShowsTheAuthenticatorsOfARoute) {
  const std::string id = Ask("ws://other.test:8080/id").text;
  EXPECT_THAT(
      id,
      AllOf(HasSubstr("id: jwt: keys of http://127.0.0.1:4181"), HasSubstr("from header, cookie:t"),
            HasSubstr("a client without a credential gets 401"), HasSubstr("is closed with 4001")));
  EXPECT_THAT(Ask("ws://other.test:8080/any").text, HasSubstr("let in as nobody"));
  const std::string sso = Ask("ws://other.test:8080/sso").text;
  EXPECT_THAT(sso, AllOf(HasSubstr("sso: forward: asks http://127.0.0.1:4180"),
                         HasSubstr("every request is asked about")));
  EXPECT_THAT(id + sso, Not(HasSubstr("hush")));
  EXPECT_THAT(Ask("ws://other.test:8080/echo").text, Not(HasSubstr("credential")));
}

TEST_F(ExplainTest, ShowsTheResolverAndWhatItMayAnswerButNoToken) {
  const auto [route, text, location] = Ask("ws://other.test:8080/vm?t=secret7");
  EXPECT_NE(route, nullptr);
  EXPECT_THAT(text, HasSubstr("the server that the resolver redis finds"));
  EXPECT_THAT(text, HasSubstr("redis at 127.0.0.1:6379, key {token}"));
  EXPECT_THAT(text, HasSubstr("by the token in query:t, or host"));
  EXPECT_THAT(text, HasSubstr("allowed are 10.0.0.0/8:1-9"));
  EXPECT_THAT(text, HasSubstr("begins with a PROXY header of version 2"));
  EXPECT_THAT(text, HasSubstr("101 once a server is connected"));
  EXPECT_THAT(text, Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace upgate::app
