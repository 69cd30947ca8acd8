#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

TEST(BackendsTest, ABackendNeedsServers) {
  EXPECT_EQ(ErrorsOfBackend("    connect_timeout: 1s"),
            "3:5: backends.app.servers: missing; needs a list with at least one server\n");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ ]"),
            "3:14: backends.app.servers: is an empty list; needs at least one server\n");
  EXPECT_EQ(ErrorsOfBackend("    servers: tcp://a:1"),
            "3:14: backends.app.servers: is text; needs a list: write [ tcp://a:1 ]\n");
  EXPECT_EQ(ErrorsOfBackend("    [ tcp://a:1 ]"),
            "3:5: backends.app: is a list; needs a map with the keys servers, connect_timeout, "
            "first_byte_timeout, read_timeout, request_timeout, pool_size, pool_idle, "
            "send_proxy, tls, balance, hash, slow_start, sticky, ejection, health, on_down, "
            "retry, resolve_interval\n");
}

TEST(BackendsTest, ServersAreUrlsOrMaps) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1, { url: tls://b:2 }, unix:/c ]"), "");
  EXPECT_EQ(
      ErrorsOfBackend(
          "    servers: [ a:1, { url: mq://b }, { uri: x }, [ ], { url: unix:/c, share: 2 } ]"),
      "3:16: backends.app.servers[0]: 'a:1' has no scheme; write tcp://a:1 or tls://a:1\n"
      "3:28: backends.app.servers[1].url: 'mq://b' has an unknown scheme; use tcp, tls, unix, ws, "
      "wss, http or https\n"
      "3:38: backends.app.servers[2].url: missing; needs the URL of a server (tcp, tls, unix, ws, "
      "wss, http or https)\n"
      "3:40: backends.app.servers[2].uri: unknown key; did you mean 'url'?\n"
      "3:50: backends.app.servers[3]: is a list; needs the URL of a server (tcp, tls, unix, ws, "
      "wss, http or https)\n"
      "3:71: backends.app.servers[4].share: unknown key; known here: url, resolve, weight, backup, "
      "max_sessions\n");
}

TEST(BackendsTest, PasswordsAreNotRepeated) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://user:secret@a:1 ]"),
            "3:16: backends.app.servers[0]: it has a user name or password in it; leave out what "
            "is before '@'\n");
}

TEST(BackendsTest, ConnectTimeoutHasARange) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1 ]\n    connect_timeout: 0"),
            "4:22: backends.app.connect_timeout: '0' is out of range; use 1ms to 10m\n");
}

TEST(BackendsTest, SendProxyHasTwoVersions) {
  for (const char* version : {"off", "v1", "v2"})
    EXPECT_EQ(
        ErrorsOfBackend("    servers: [ tcp://a:1 ]\n    send_proxy: " + std::string(version)), "");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1 ]\n    send_proxy: true"),
            "4:17: backends.app.send_proxy: 'true' is not off, v1 or v2\n");
  EXPECT_EQ(
      ErrorsOfBackend("    servers: [ http://a:1 ]\n    send_proxy: v1\n    pool_size: 5"),
      "5:16: backends.app.pool_size: has no effect with send_proxy: a connection that says whose "
      "it is belongs to one client and is not kept; remove it\n");
}

TEST(BackendsTest, TlsIsForTlsServers) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1, tls://b:1 ]\n    tls: { verify: false }"),
            "");
  EXPECT_EQ(
      ErrorsOfBackend("    servers: [ tcp://a:1 ]\n    tls: { verify: true }"),
      "4:10: backends.app.tls: has no effect: no server of this backend begins with tls://, wss:// "
      "or https://\n");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ ws://a, wss://b ]\n    tls: { verify: false }"), "");
}

TEST(BackendsTest, OneBackendHasOneKindOfRelay) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1, unix:/b, tls://c:1 ]"), "");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ http://a, https://b:8443 ]"), "");
  EXPECT_EQ(
      ErrorsOfBackend("    servers: [ ws://a, http://b ]"),
      "3:24: backends.app.servers[1]: is of a different kind than the first server: tcp, tls and "
      "unix carry bytes, ws and wss frames, http and https HTTP; put it into a separate backend\n");
}

TEST(BackendsTest, HttpSettingsAreForHttpServers) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ http://a ]\n    read_timeout: 5s\n    pool_size: 0"),
            "");
  EXPECT_EQ(ErrorsOfBackend("    servers: [ tcp://a:1 ]\n    pool_idle: 5s"),
            "4:16: backends.app.pool_idle: has no effect: the servers of this backend do not speak "
            "HTTP\n");
}

TEST(BackendsTest, TlsSettingsAreChecked) {
  EXPECT_EQ(
      ErrorsOfBackend("    servers: [ tls://a:1 ]\n"
                      "    tls:\n"
                      "      verify: no\n"
                      "      ca: ''\n"
                      "      server_name: a:443\n"
                      "      certificate: { cert: c }\n"
                      "      insecure: true\n"),
      "5:15: backends.app.tls.verify: 'no' is not true or false; did you mean false?\n"
      "6:11: backends.app.tls.ca: '' is empty\n"
      "7:20: backends.app.tls.server_name: 'a:443' has a port or scheme; write the name alone\n"
      "8:20: backends.app.tls.certificate.key: missing; needs the path of a file\n"
      "9:7: backends.app.tls.insecure: unknown key; known here: verify, ca, server_name, "
      "certificate\n");
}

TEST(BackendsTest, NamesAreForLabels) {
  constexpr std::string_view kRest =
      "listeners: [ { address: a:1 } ]\nroutes: [ { path: /, plugin: echo } ]\n";
  const auto errors = [&](std::string_view text) {
    return ErrorsOf(std::string(text) + "\n" + std::string(kRest));
  };
  EXPECT_EQ(errors("backends: { A-z_0.9: { servers: [ tcp://a:1 ] } }"), "");
  EXPECT_EQ(
      errors("backends: { a b: { servers: [ tcp://a:1 ] } }"),
      "1:13: backends.a b: is not a valid backend name; use 1 to 64 letters, digits, '-', '_' "
      "and '.'\n");
  EXPECT_EQ(errors("backends: { }"), "");
  EXPECT_EQ(errors("backends: [ ]"), "1:11: backends: is a list; needs a map of names\n");
  EXPECT_EQ(errors("backends:"), "1:1: backends: is empty; needs a map of names\n");
}

}  // namespace
}  // namespace upgate::config
