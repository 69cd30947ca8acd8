#include "gateway/config/write_config.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/mask_secrets.h"
#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

using testing::HasSubstr;
using testing::Not;

// Every key, none with its default, in the form and order of WriteConfig.
constexpr std::string_view kEveryKey = R"(listeners:
  - address: "0.0.0.0:8080"
    name: "plain"
    backlog: 16
    connections: 50
    connections_per_client: 5
    accept_rate:
      rate: 500/m
      burst: 50
    redirect_https: 8443
    dialects:
      - rfc6455
      - hybi08
      - hixie76
      - hixie75
    access:
      allow:
        - "10.0.0.0/8"
        - unix
      deny:
        - "10.1.2.3/32"
    trusted_proxies:
      - "127.0.0.0/8"
      - "fe80::/10"
      - "::ffff:1.2.3.4/90"
      - unix
    proxy_protocol: required
  - address: "[::1]:8443"
    backlog: 1024
    hsts:
      max_age: 8760h
      include_subdomains: true
      preload: false
    dialects:
      - rfc6455
    trusted_proxies: []
    proxy_protocol: off
    tls:
      certificates:
        - cert: "/etc/upgate/a b.crt"
          key: "/etc/upgate/a.key"
        - cert: "/etc/upgate/b.crt"
          key: "/etc/upgate/b.key"
      min_version: "1.3"
      client_auth: required
      client_ca: "/etc/upgate/ca.crt"
  - address: "unix:/run/up$${gate}.sock"
    backlog: 1024
    dialects:
      - rfc6455
    trusted_proxies: []
    proxy_protocol: off
admin:
  address: "[::]:9901"
  token_file: "/etc/upgate/tokens"
  hosts:
    - "upgate.example.com"
    - "*.internal.example"
  tls:
    certificates:
      - cert: "/etc/upgate/a.crt"
        key: "/etc/upgate/a.key"
    min_version: "1.2"
    client_auth: none
workers: 3
server_header: "a \"b\" \\c"
compression_memory: 1MiB
memory: 64MiB
overload:
  memory: 90%
  loop_lag: 250ms
shutdown:
  delay: 1s
  spread: 2s
  timeout: 1m
  code: 1012
drain_spread: 1500ms
resolve_interval: 10s
tls_watch: 0
watch_config: 1m
dns:
  servers:
    - "127.0.0.1:5353"
http:
  head_size: 16KiB
  headers: 50
  head_timeout: 2s
  idle_timeout: 90s
  body_rate: 0B
  request_id: true
  traceparent: true
  underscores: pass
errors:
  404: "/etc/upgate/404.html"
  5xx: "/etc/upgate/broken.html"
log:
  level: warn
  format: json
  requests: all
backends:
  app:
    servers:
      - url: "tls://[::1]:8883"
        weight: 3
        max_sessions: 100
      - url: "unix:/run/app.sock"
        backup: true
    connect_timeout: 500ms
    send_proxy: v2
    tls:
      verify: false
      ca: "/etc/upgate/ca.pem"
      server_name: "broker.example"
      certificate:
        cert: "/etc/upgate/me.crt"
        key: "/etc/upgate/me.key"
    balance: least_sessions
    slow_start: 30s
    sticky:
      cookie: "node"
      max_age: 1h
      path: "/app"
      secure: true
      same_site: none
      secret_file: "/etc/upgate/secret"
    ejection:
      failures: 5
      time: 1m
      most: 100%
    health:
      interval: 1s
      timeout: 500ms
      rise: 1
      fall: 2
      check: tcp
      send: "PING\x0d\x0a"
      expect: "+PONG"
    on_down: close
    retry:
      tries: 3
      "on":
        - connect
        - status
  site:
    servers:
      - url: "http://site"
    connect_timeout: 3s
    first_byte_timeout: 1m
    read_timeout: 0
    request_timeout: 1h
    pool_size: 0
    pool_idle: 1s
    send_proxy: off
    balance: hash
    hash: "header X-User"
    sticky: false
    ejection: false
    health:
      interval: 5s
      timeout: 2s
      rise: 2
      fall: 3
      check: http
      path: "/up"
      status:
        - 200
        - 300-302
    on_down: keep
  site2:
    servers:
      - url: "http://site2"
    connect_timeout: 3s
    first_byte_timeout: 2m
    read_timeout: 1m
    request_timeout: 0
    pool_size: 64
    pool_idle: 1m
    send_proxy: off
    balance: round_robin
    slow_start: 0
    sticky: false
    ejection:
      failures: 3
      time: 10s
      most: 50%
routes:
  - name: "the first"
    path: "/a/*"
    hosts:
      - "a.example"
      - "*.b.example"
      - "::1"
    backend: "app"
    subprotocols:
      - "mqtt"
    encoding: base64
    dialects:
      - rfc6455
    compression:
      level: 9
      threshold: 0B
      server_no_context_takeover: false
      client_no_context_takeover: false
      server_max_window_bits: 8
      client_max_window_bits: 9
    compress_http:
      level: 9
      min_size: 2KiB
      types:
        - "text/*"
    cors:
      allow_origins:
        - "https://a.example:443"
        - "https://*.b.example:8443"
        - "http://localhost:*"
        - "http://[::1]:80"
        - "app://."
        - "null"
      allow_methods:
        - "PUT"
      allow_headers:
        - "content-type"
      expose_headers:
        - "x-id"
      allow_credentials: true
      allow_private_network: true
      max_age: 10m
    require_origin: true
    access:
      deny:
        - "192.0.2.0/24"
        - "2001:db8::1/128"
    limits:
      message_size: 2MiB
      body_size: 10MiB
      sessions: 7
      by: address
      sessions_per_client: 3
      handshakes:
        rate: 5/s
        burst: 20
      requests:
        rate: 9/h
        burst: 2
      messages:
        rate: 100/s
        burst: 300
        over: close
        from: client
      bytes:
        rate: 1MiB/s
        burst: 1536KiB
        over: delay
        from: server
      queue_time: 20s
      idle: 1h
      ping_interval: 0
      max_age: 24h
      close_timeout: 1s
    on_change: keep
  - name: "the second"
    path: "~^/v[0-9]+\\.x\"$"
    backend: "site"
    subprotocols: []
    compression:
      level: 3
      threshold: 1KiB
      server_no_context_takeover: true
      client_no_context_takeover: true
      server_max_window_bits: 15
      client_max_window_bits: 12
    enforce: true
    server_compression:
      level: 1
      threshold: 2KiB
      server_no_context_takeover: false
      client_no_context_takeover: false
      server_max_window_bits: 9
      client_max_window_bits: 10
    preserve_host: false
    forwarded: false
    rewrite:
      location:
        from: "http://site/"
        to: "https://site.example/"
      cookie_domain:
        from: "site"
        to: ""
      cookie_path:
        from: "/a"
        to: "/"
    cors:
      allow_origins:
        - "*"
      allow_methods: []
      allow_headers: []
      expose_headers: []
      allow_credentials: false
      allow_private_network: false
    require_origin: false
    limits:
      message_size: 1MiB
      server_message_size: 16MiB
      sessions: 0
      idle: 0
      ping_interval: 30s
      max_age: 0
      close_timeout: 5s
    on_change: close
  - name: "the third"
    path: "~^/m/([a-z]+)/"
    match:
      methods:
        - "GET"
        - "PURGE"
      headers:
        X-A: "~^v[0-9]+$"
        X-B: "present"
      query:
        q: "=present"
      cookies:
        c: "yes"
      subprotocols:
        - "mqtt"
      clients:
        - "10.0.0.0/8"
        - "::1/128"
      listeners:
        - "[::1]:8443"
      tls:
        sni:
          - "a.example"
          - "*.b.example"
        version: "1.3"
    split:
      - backend: "site"
        weight: 95
      - backend: "site2"
        weight: 0
    subprotocols: []
    compression: false
    enforce: false
    forwarded: true
    rewrite_path:
      regex: "^/m/([a-z]+)$"
      to: "/n/{capture.1}"
    rewrite_host: "a.internal:81"
    rewrite_query:
      set:
        from: "{client}"
      remove:
        - "debug"
    request_headers:
      set:
        X-A: "{{ {capture.1}"
      add:
        X-B: "b"
      remove:
        - "X-C"
    response_headers:
      remove:
        - "X-D"
    upgrades:
      - "custom/2"
    require_origin: false
    limits:
      message_size: 1MiB
      server_message_size: 0B
      sessions: 0
      idle: 0
      ping_interval: 30s
      max_age: 0
      close_timeout: 5s
    on_change: drain
  - name: "the fourth"
    path: "/s/*"
    backend: "site"
    subprotocols: []
    compression: false
    enforce: false
    preserve_host: true
    forwarded: true
    strip_prefix: "/s"
    require_origin: false
    limits:
      message_size: 1MiB
      server_message_size: 0B
      sessions: 0
      idle: 0
      ping_interval: 30s
      max_age: 0
      close_timeout: 5s
    on_change: drain
  - name: "/plugin"
    path: "/plugin"
    plugin: "some"
    options:
      empty: {}
      none: null
      list:
        - 1
        - "true"
        - true
        -
          - a
          - []
        - deep: er
          "true": "line\x0abreak"
      "${X}": "a $${HOST} and ${HOST}"
    subprotocols: []
    encoding: binary
    compression: false
    require_origin: false
    limits:
      message_size: 1MiB
      sessions: 0
      idle: 0
      ping_interval: 30s
      max_age: 0
      close_timeout: 5s
    on_change: drain
)";

TEST(WriteConfigTest, WritesEveryKeyAsItWasRead) {
  EXPECT_EQ(WriteConfig(*Parsed(kEveryKey)), kEveryKey);
}

TEST(WriteConfigTest, FillsInDefaultsThatAreReadAgain) {
  const std::string written = WriteConfig(
      *Parsed("listeners: [ { address: 127.0.0.1:0 } ]\nroutes: [ { path: /é, plugin: p } ]\n"));
  EXPECT_EQ(WriteConfig(*Parsed(written)), written);
  EXPECT_THAT(written, HasSubstr("workers: auto\n"));
  EXPECT_THAT(written, HasSubstr("memory: 25%\n"));
  EXPECT_THAT(written, HasSubstr("    options: {}\n"));
  EXPECT_THAT(written, Not(HasSubstr("name:")));  // this one could not be given in a file
}

TEST(WriteConfigTest, KeepsDefaultNames) {
  const auto config = Parsed(
      "listeners: [ { address: 127.0.0.1:0 } ]\n"
      "routes: [ { path: /a, hosts: [ b ], plugin: p }, { path: /a b, plugin: p },\n"
      "  { name: /a b, path: /c, plugin: p } ]\n");
  const auto again = Parsed(WriteConfig(*config));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(again->routes[i].name, config->routes[i].name);
}

TEST(WriteConfigTest, PutsEnvironmentVariablesInButNotIntoOptions) {
  const std::string written =
      WriteConfig(*Parsed("listeners: [ { address: \"127.0.0.1:${PORT}\" } ]\n"
                          "routes: [ { path: /, plugin: p, options: { a: \"${HOST}\" } } ]\n"));
  EXPECT_THAT(written, HasSubstr("address: \"127.0.0.1:5432\""));
  EXPECT_THAT(written, HasSubstr("a: \"${HOST}\""));
}

TEST(WriteConfigTest, HidesWhatMayBeASecretInOptions) {
  const std::string written = WriteConfig(
      *Parsed("listeners: [ { address: 127.0.0.1:0 } ]\n"
              "routes: [ { path: /, plugin: p, options: { db_password: hunter2, "
              "tokens: [ hunter2, { a: \"${HOST:-hunter2}\" } ],\n"
              "  url: \"https://me:hunter2@a.example/p?to=http://you:hunter2@b.example\" } } ]\n"));
  EXPECT_THAT(written, Not(HasSubstr("hunter2")));
  EXPECT_THAT(written, HasSubstr("db_password: \"***\""));
  EXPECT_THAT(written, HasSubstr("\"https://***@a.example/p?to=http://***@b.example\""));
  EXPECT_EQ(WriteConfig(*Parsed(written)), written);
}

TEST(WriteConfigTest, HidesWhatMayBeASecretInConditionsAndHeaders) {
  const std::string written = WriteConfig(*Parsed(
      "listeners: [ { address: 127.0.0.1:0 } ]\nbackends: { b: { servers: [ \"http://a\" ] } }\n"
      "routes: [ { path: /, backend: b, match: { query: { token: hunter2 }, headers: { "
      "Authorization: hunter2 } }, request_headers: { set: { X-Api-Key: hunter2 } } } ]\n"));
  EXPECT_THAT(written, Not(HasSubstr("hunter2")));
}

TEST(MaskSecretsTest, KnowsTheNamesOfSecrets) {
  for (const auto* name : {"password", "DB_PASSWORD", "apiKey", "api-key", "key", "auth_token",
                           "clientSecret", "credentials", "passphrase"})
    EXPECT_TRUE(IsSecretName(name)) << name;
  for (const auto* name : {"root", "keyboard", "monkey_business", "author", "queue", "to", ""})
    EXPECT_FALSE(IsSecretName(name)) << name;
}

}  // namespace
}  // namespace upgate::config
