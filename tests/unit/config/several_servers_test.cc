// The keys of a backend that say how its servers are chosen, checked and given up.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

using namespace std::chrono_literals;

std::string Errors(std::string_view keys) {
  return ErrorsOfBackend("    servers: [ ws://a, ws://b ]\n" + std::string(keys));
}

Backend BackendWith(std::string_view keys) {
  return Parsed(
             "listeners: [ { address: a:1 } ]\nroutes: [ { path: /, backend: b } ]\n"
             "backends:\n  b:\n    servers: [ ws://a, ws://b ]\n" +
             std::string(keys) + "\n")
      ->backends.at("b");
}

TEST(SeveralServers, DefaultsAreRoundRobinWithEjection) {
  const Backend backend = BackendWith("");
  EXPECT_EQ(backend.balance, Balance::kRoundRobin);
  ASSERT_TRUE(backend.ejection);
  EXPECT_EQ(backend.ejection->failures, 3u);
  EXPECT_EQ(backend.ejection->time, 10s);
  EXPECT_EQ(backend.ejection->most, 50u);
  EXPECT_FALSE(backend.sticky);
  EXPECT_FALSE(backend.health);
  EXPECT_FALSE(backend.retry);
  EXPECT_FALSE(BackendWith("    ejection: false").ejection);
  EXPECT_TRUE(BackendWith("    ejection: true").ejection);
}

TEST(SeveralServers, NamesOfOtherProxiesAreExplained) {
  const auto error = [](std::string_view name) {
    return Errors("    balance: " + std::string(name));
  };
  const std::string form = " is not round_robin, least_sessions, random_two or hash";
  const std::string place = "4:14: backends.app.balance: ";
  EXPECT_EQ(error("leastconn"), place + "'leastconn'" + form + "; write least_sessions\n");
  EXPECT_EQ(error("roundrobin"), place + "'roundrobin'" + form + "; write round_robin\n");
  EXPECT_EQ(error("source"),
            place + "'source'" + form + "; write balance: hash and hash: client\n");
  EXPECT_EQ(error("least_session"),
            place + "'least_session'" + form + "; did you mean 'least_sessions'?\n");
  EXPECT_EQ(error("\"hash(path)\""),
            place + "'hash(path)'" + form + "; write balance: hash, and the key of it in hash\n");
  EXPECT_EQ(error("fastest"), place + "'fastest'" + form + "\n");
}

TEST(SeveralServers, AHashNeedsAKeyAndNothingElseHasOne) {
  EXPECT_EQ(Errors("    balance: hash"),
            "3:5: backends.app.hash: missing; balance: hash needs client, path, host, header NAME, "
            "cookie NAME or query NAME\n");
  EXPECT_EQ(Errors("    hash: client"),
            "4:11: backends.app.hash: has no effect without balance: hash\n");
  const auto error = [](std::string_view key) {
    return Errors("    balance: hash\n    hash: " + std::string(key));
  };
  EXPECT_EQ(error("header X-User"), "");
  EXPECT_EQ(error("query room id"), "");
  const std::string form = " is not client, path, host, header NAME, cookie NAME or query NAME; ";
  EXPECT_EQ(error("source"), "5:11: backends.app.hash: 'source'" + form + "write client\n");
  EXPECT_EQ(error("heder X"),
            "5:11: backends.app.hash: 'heder X'" + form + "did you mean 'header'?\n");
  EXPECT_EQ(error("header"), "5:11: backends.app.hash: 'header' has no name; write header NAME\n");
  EXPECT_EQ(error("header:X-User"),
            "5:11: backends.app.hash: 'header:X-User' is not written with a space; write header "
            "X-User\n");
  EXPECT_EQ(error("client X"), "5:11: backends.app.hash: 'client X' has a name; write client\n");
  EXPECT_EQ(error("cookie a=b"),
            "5:11: backends.app.hash: 'cookie a=b' has a character that such a name cannot have\n");
  EXPECT_EQ(Errors("    balance: hash\n    hash: client\n    slow_start: 30s"),
            "6:17: backends.app.slow_start: has no effect with balance: hash, where every key has "
            "its server\n");
}

TEST(SeveralServers, ServersHaveSharesAndPlaces) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ { url: ws://a, weight: 0, max_sessions: -1 } ]"),
            "3:39: backends.app.servers[0].weight: '0' is out of range; use 1 to 1000\n"
            "3:56: backends.app.servers[0].max_sessions: '-1' is out of range; use 0 to "
            "1000000000\n");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ { url: ws://a, backup: true } ]"),
            "3:14: backends.app.servers: has only backups; leave backup out for at least one "
            "server\n");
}

TEST(SeveralServers, EjectionIsChecked) {
  EXPECT_EQ(Errors("    ejection: { failures: 0, time: 6m, most: 50, for: 10s }"),
            "4:27: backends.app.ejection.failures: '0' is out of range; use 1 to 1000\n"
            "4:36: backends.app.ejection.time: '6m' is out of range; use 1ms to 5m\n"
            "4:46: backends.app.ejection.most: '50' has no unit; write 50%\n"
            "4:50: backends.app.ejection.for: unknown key; known here: failures, time, most\n");
  EXPECT_EQ(Errors("    ejection: { most: 0% }"),
            "4:23: backends.app.ejection.most: '0%' is not a valid percentage; use 1% to 100%\n");
}

TEST(SeveralServers, StickyIsChecked) {
  EXPECT_EQ(Errors("    sticky: true"), "");
  EXPECT_EQ(Errors("    sticky: { cookie: 'a b', path: app, max_age: 1500ms }"),
            "4:23: backends.app.sticky.cookie: 'a b' is not a token (letters, digits and "
            "!#$%&'*+-.^_`|~)\n"
            "4:36: backends.app.sticky.path: 'app' is not a path for a cookie; write a path such "
            "as / or /app\n"
            "4:50: backends.app.sticky.max_age: '1500ms' is not a whole number of seconds\n");
  EXPECT_EQ(Errors("    sticky: { path: '/; Domain=x' }"),
            "4:21: backends.app.sticky.path: '/; Domain=x' is not a path for a cookie; write a "
            "path such as / or /app\n");
  EXPECT_EQ(Errors("    sticky: { same_site: none, secure: false }"),
            "4:26: backends.app.sticky.same_site: browsers ignore such a cookie unless it is "
            "secure; write secure: true\n");
  EXPECT_EQ(Errors("    sticky: { secret_file: '' }"),
            "4:28: backends.app.sticky.secret_file: '' is empty\n");
}

TEST(SeveralServers, HealthIsChecked) {
  const HealthCheck check = *BackendWith("    health: { }").health;
  EXPECT_EQ(check.kind, HealthCheck::Kind::kTcp);
  EXPECT_EQ(check.interval, 5s);
  EXPECT_EQ(check.timeout, 2s);
  EXPECT_EQ(BackendWith("    health: { interval: 1s }").health->timeout, 1s);
  const HealthCheck http =
      *BackendWith("    health: { check: http, path: /up, status: [ 200, 300-302 ] }").health;
  ASSERT_EQ(http.statuses.size(), 2u);
  EXPECT_EQ(http.statuses[1].first, 300);
  EXPECT_EQ(http.statuses[1].last, 302);
  EXPECT_EQ(Errors("    health: { interval: 1s, timeout: 2s }"),
            "4:38: backends.app.health.timeout: is longer than the interval; a check has to end "
            "before the next one begins\n");
  EXPECT_EQ(Errors("    health: { path: /x, expect: OK, status: [ 200 ] }"),
            "4:21: backends.app.health.path: has no effect with check: tcp; it is for check: http "
            "and ws\n"
            "4:45: backends.app.health.status: has no effect with check: tcp; it is for check: "
            "http\n");
  EXPECT_EQ(Errors("    health: { check: http, send: x, status: [ 2xx, 600, 300-200, ok ] }"),
            "4:34: backends.app.health.send: has no effect with check: http; it is for check: "
            "tcp\n"
            "4:47: backends.app.health.status[0]: '2xx' is not a status or a range of them, such "
            "as 200 or 200-399; write 200-299\n"
            "4:52: backends.app.health.status[1]: '600' is not a range of statuses; use 100 to "
            "599\n"
            "4:57: backends.app.health.status[2]: '300-200' is not a range of statuses; use 100 to "
            "599\n"
            "4:66: backends.app.health.status[3]: 'ok' is not a status or a range of them, such as "
            "200 or 200-399\n");
  EXPECT_EQ(Errors("    health: { check: htpp, path: healthz }"),
            "4:22: backends.app.health.check: 'htpp' is not tcp, http or ws; did you mean "
            "'http'?\n"
            "4:34: backends.app.health.path: 'healthz' is not a path; write a path such as "
            "/healthz\n");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ unix:/a ]\n    health: { check: http }"),
            "4:22: backends.app.health.check: cannot be used with servers that are unix sockets; "
            "write check: tcp\n");
  EXPECT_EQ(Errors("    on_down: close"),
            "4:14: backends.app.on_down: has no effect without health, which finds out that a "
            "server is down\n");
}

TEST(SeveralServers, RetryIsChecked) {
  const Retry retry = *BackendWith("    retry: { on: [ timeout ] }").retry;
  EXPECT_EQ(retry.tries, 2u);
  EXPECT_TRUE(retry.timeout);
  EXPECT_FALSE(retry.connect);
  EXPECT_FALSE(retry.status);
  EXPECT_EQ(Errors("    retry: { tries: 0, on: [ statuses ] }"),
            "4:21: backends.app.retry.tries: '0' is out of range; use 1 to 100\n"
            "4:30: backends.app.retry.on[0]: 'statuses' is not connect, timeout or status; did you "
            "mean 'status'?\n");
  EXPECT_EQ(Errors("    retry: { on: [ ] }"),
            "4:18: backends.app.retry.on: is an empty list; needs at least one reason\n");
}

TEST(SeveralServers, KeysOfOtherProxiesAreExplained) {
  EXPECT_EQ(Errors("    max_fails: 3"),
            "4:5: backends.app.max_fails: unknown key; use ejection: { failures: 3, time: 10s } of "
            "a backend\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    balance: hash"),
            "5:5: routes[0].balance: unknown key; use balance: round_robin, least_sessions, "
            "random_two or hash of a backend\n");
}

// ---- names that stand for several servers

std::string ServerErrors(std::string_view servers, std::string_view keys = "") {
  return ErrorsOfBackend("    servers: [ " + std::string(servers) + " ]\n" + std::string(keys));
}

Backend BackendOf(std::string_view servers, std::string_view keys = "", std::string_view top = "") {
  return Parsed(std::string(top) +
                "\nlisteners: [ { address: a:1 } ]\nroutes: [ { path: /, backend: b } ]\n"
                "backends:\n  b:\n    servers: [ " +
                std::string(servers) + " ]\n" + std::string(keys) + "\n")
      ->backends.at("b");
}

TEST(SeveralServers, EachAddressOfANameCanBeAServer) {
  using Resolve = Server::Resolve;
  const std::string each = "{ url: \"ws://live.internal:9000\", resolve: each }";
  const Backend backend = BackendOf(each + ", ws://b");
  EXPECT_EQ(backend.servers[0].resolve, Resolve::kEach);
  EXPECT_EQ(backend.servers[1].resolve, Resolve::kAny);
  EXPECT_EQ(backend.resolve_interval, 30s);
  EXPECT_EQ(BackendOf(each, "", "resolve_interval: 5s").resolve_interval, 5s);
  EXPECT_EQ(BackendOf(each, "    resolve_interval: 7s", "resolve_interval: 5s").resolve_interval,
            7s);
  EXPECT_EQ(BackendOf("{ url: \"ws://a\", resolve: any }").servers[0].resolve, Resolve::kAny);
}

TEST(SeveralServers, ResolveNeedsAName) {
  const std::string no_name = ": has no effect: the URL has no name that could be looked up\n";
  EXPECT_EQ(ServerErrors("{ url: \"ws://10.0.0.1\", resolve: each }"),
            "3:49: backends.app.servers[0].resolve" + no_name);
  EXPECT_EQ(ServerErrors("{ url: \"unix:/a\", resolve: each }"),
            "3:43: backends.app.servers[0].resolve" + no_name);
  EXPECT_EQ(ServerErrors("ws://a", "    resolve_interval: 5s"),
            "4:23: backends.app.resolve_interval: has no effect: no server has resolve: each or an "
            "SRV name\n");
}

TEST(SeveralServers, SrvNamesGiveServersOfTheirScheme) {
  const Backend backend = BackendOf("srv+ws://_live._tcp.example.com, SRV+WSS://_tls._tcp.a");
  EXPECT_EQ(backend.servers[0].resolve, Server::Resolve::kSrv);
  EXPECT_EQ(backend.servers[0].scheme, ServerScheme::kWs);
  EXPECT_EQ(std::get<HostPort>(backend.servers[0].address).host, "_live._tcp.example.com");
  EXPECT_EQ(backend.servers[1].scheme, ServerScheme::kWss);
  EXPECT_EQ(backend.relay, Relay::kFrames);
}

TEST(SeveralServers, WhatIsNoSrvNameIsExplained) {
  const auto error = [](std::string_view url) { return ServerErrors(url); };
  EXPECT_THAT(error("srv+ws://_a._tcp.b:80"), testing::HasSubstr("leave it out"));
  EXPECT_THAT(error("srv+ws://live.example.com"), testing::HasSubstr("_live._tcp.example.com"));
  EXPECT_THAT(error("srv+unix:/a"), testing::HasSubstr("unknown scheme"));
  EXPECT_THAT(error("srv+ftp://_a._tcp.b"), testing::HasSubstr("use srv+tcp"));
  EXPECT_THAT(error("srv+ws://_a._tcp.b/c"), testing::HasSubstr("write srv+ws://_a._tcp.b"));
  EXPECT_THAT(error("{ url: \"srv+ws://_a._tcp.b\", resolve: each }"),
              testing::HasSubstr("each target of an SRV name is a server of its own"));
}

}  // namespace
}  // namespace upgate::config
