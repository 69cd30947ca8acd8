#include "gateway/config/config.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gateway/base/fd.h"
#include "gateway/config/parse.h"
#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

using namespace std::literals;

constexpr std::string_view kMinimal =
    "listeners: [ { address: 127.0.0.1:0 } ]\nroutes: [ { path: /echo, plugin: echo } ]\n";

constexpr std::string_view kComplete = R"(# every key once
listeners:
  - address: 0.0.0.0:8080
  - address: "[::]:8443"
    backlog: 16
    trusted_proxies: [ 127.0.0.0/8, "::1" ]
    tls:
      certificates:
        - { cert: tls/site.crt, key: /keys/site.key }
        - { cert: ../b.crt, key: ./b.key }
      min_version: "1.3"
      client_auth: optional
      client_ca: tls/ca.crt
  - address: unix:/run/upgate.sock
admin: { address: 127.0.0.1:9901 }
workers: 4
server_header: "up/1"
http: { head_size: 16KiB, headers: 50, head_timeout: 2s, idle_timeout: 90s, body_rate: 1KiB, underscores: pass }
memory: 512MiB
compression_memory: 64MiB
shutdown: { delay: 1s, spread: 2s, timeout: 1m, code: 1012 }
tls_watch: 5m
watch_config: 2s
dns: { servers: [ 127.0.0.1, "[::1]:5353" ] }
log: { level: debug, format: json, requests: all }
backends:
  mqtt:
    servers: [ "tcp://${HOST}:${PORT}", { url: "tls://[::1]:8883" } ]
    connect_timeout: 500ms
    tls:
      verify: false
      ca: ca.pem
      server_name: broker.example
      certificate: { cert: me.crt, key: me.key }
  local: { servers: [ unix:/run/app.sock ] }
routes:
  - path: /mqtt
    hosts: [ App.example, "*.example.org" ]
    backend: mqtt
    subprotocols: [ mqtt, v10.stomp ]
    encoding: base64
    require_origin: true
    cors:
      allow_origins: [ "https://App.example", "https://*.example.org:8443", null, "app://." ]
      allow_methods: [ GET, PURGE ]
      allow_headers: [ content-type ]
      expose_headers: [ x-id ]
      allow_credentials: true
      allow_private_network: true
      max_age: 10m
    limits: { message_size: 2MiB, sessions: 7, idle: 0, ping_interval: 0s, close_timeout: 1s }
  - { path: /live/*, backend: local }
  - { path: "~^/v[0-9]+/", plugin: echo, options: { delay: 5ms, "true": [ 1 ] } }
)";

TEST(ConfigTest, DefaultsAreThoseOfTheStructs) {
  const auto config = Parsed(kMinimal);
  const Config defaults;
  EXPECT_EQ(config->file, "/etc/upgate/upgate.yaml");
  EXPECT_FALSE(config->admin);
  EXPECT_EQ(config->workers, 0u);
  EXPECT_EQ(config->server_header, "upgate");
  EXPECT_EQ(config->http.head_size, defaults.http.head_size);
  EXPECT_EQ(config->http.headers, defaults.http.headers);
  EXPECT_EQ(config->http.head_timeout, defaults.http.head_timeout);
  EXPECT_EQ(config->http.idle_timeout, defaults.http.idle_timeout);
  EXPECT_EQ(config->shutdown.timeout, defaults.shutdown.timeout);
  EXPECT_EQ(config->tls_watch, Millis{30'000});
  EXPECT_TRUE(config->dns_servers.empty());
  EXPECT_EQ(config->watch_config, Millis{0});
  EXPECT_EQ(config->log.level, LogLevel::kInfo);
  EXPECT_EQ(config->log.format, LogFormat::kText);
  EXPECT_EQ(config->log.requests, LogRequests::kErrors);
  EXPECT_TRUE(config->backends.empty());
  EXPECT_EQ(config->server_count, 0u);

  const Listener& listener = config->listeners.at(0);
  EXPECT_FALSE(listener.tls);
  EXPECT_TRUE(listener.trusted_proxies.blocks.empty());
  EXPECT_EQ(listener.backlog, 1024);

  const Route& route = config->routes.at(0);
  EXPECT_TRUE(route.hosts.empty());
  EXPECT_FALSE(route.backend);
  EXPECT_EQ(route.plugin, "echo");
  EXPECT_EQ(route.options.kind, Value::Kind::kMap);
  EXPECT_TRUE(route.options.members.empty());
  EXPECT_TRUE(route.subprotocols.empty());
  EXPECT_EQ(route.encoding, Encoding::kAuto);
  EXPECT_FALSE(route.cors);
  EXPECT_FALSE(route.require_origin);
  EXPECT_EQ(route.limits.message_size, RouteLimits{}.message_size);
  EXPECT_EQ(route.limits.sessions, 0u);
  EXPECT_EQ(route.limits.idle, RouteLimits{}.idle);
  EXPECT_EQ(route.limits.ping_interval, RouteLimits{}.ping_interval);
  EXPECT_EQ(route.limits.close_timeout, RouteLimits{}.close_timeout);
}

TEST(ConfigTest, GlobalSettingsAreRead) {
  const auto config = Parsed(kComplete);
  EXPECT_EQ(config->admin->address.ToString(), "127.0.0.1:9901");
  EXPECT_EQ(config->admin->address.key, "admin.address");
  EXPECT_EQ(config->workers, 4u);
  EXPECT_EQ(config->server_header, "up/1");
  EXPECT_EQ(config->http.head_size, 16u * 1024);
  EXPECT_EQ(config->http.headers, 50u);
  EXPECT_EQ(config->http.head_timeout, Millis{2000});
  EXPECT_EQ(config->http.idle_timeout, Millis{90'000});
  EXPECT_EQ(config->http.body_rate, 1024u);
  EXPECT_TRUE(config->http.underscores);
  EXPECT_EQ(config->memory.bytes, 512u << 20);
  EXPECT_EQ(config->compression_memory, 64u << 20);
  EXPECT_EQ(config->shutdown.delay, Millis{1'000});
  EXPECT_EQ(config->shutdown.spread, Millis{2'000});
  EXPECT_EQ(config->shutdown.timeout, Millis{60'000});
  EXPECT_EQ(config->shutdown.code, 1012);
  EXPECT_EQ(config->tls_watch, Millis{300'000});
  EXPECT_EQ(config->dns_servers, (std::vector<std::string>{"127.0.0.1:53", "[::1]:5353"}));
  EXPECT_EQ(config->watch_config, Millis{2000});
  EXPECT_EQ(config->log.level, LogLevel::kDebug);
  EXPECT_EQ(config->log.format, LogFormat::kJson);
  EXPECT_EQ(config->log.requests, LogRequests::kAll);
}

TEST(ConfigTest, ListenersAreRead) {
  const auto config = Parsed(kComplete);
  ASSERT_EQ(config->listeners.size(), 3u);
  EXPECT_EQ(config->listeners[0].address.ToString(), "0.0.0.0:8080");
  EXPECT_EQ(config->listeners[1].address.ToString(), "[::]:8443");
  EXPECT_EQ(config->listeners[1].address.mark.line, 4);
  EXPECT_EQ(config->listeners[1].address.mark.column, 14);
  EXPECT_EQ(config->listeners[1].address.key, "listeners[1].address");
  EXPECT_EQ(config->listeners[1].backlog, 16);
  ASSERT_EQ(config->listeners[1].trusted_proxies.blocks.size(), 2u);
  EXPECT_EQ(config->listeners[1].trusted_proxies.blocks[0].bits, 104);
  EXPECT_EQ(config->listeners[2].address.ToString(), "unix:/run/upgate.sock");

  const ListenerTls& tls = *config->listeners[1].tls;
  ASSERT_EQ(tls.certificates.size(), 2u);
  EXPECT_EQ(tls.min_version, TlsVersion::kTls13);
  EXPECT_EQ(tls.client_auth, ClientAuth::kOptional);
  EXPECT_EQ(tls.client_ca->path, "/etc/upgate/tls/ca.crt");
}

TEST(ConfigTest, PathsOfFilesStartFromTheFolderOfTheFile) {
  const auto config = Parsed(kComplete);
  const auto& certificates = config->listeners.at(1).tls->certificates;
  EXPECT_EQ(certificates[0].cert.path, "/etc/upgate/tls/site.crt");
  EXPECT_EQ(certificates[0].cert.key, "listeners[1].tls.certificates[0].cert");
  EXPECT_EQ(certificates[0].cert.mark.line, 9);
  EXPECT_EQ(certificates[0].cert.mark.column, 19);
  EXPECT_EQ(certificates[0].key.path, "/keys/site.key");
  EXPECT_EQ(certificates[1].cert.path, "/etc/b.crt");
  EXPECT_EQ(certificates[1].key.path, "/etc/upgate/b.key");
}

TEST(ConfigTest, BackendsAreRead) {
  const auto config = Parsed(kComplete);
  EXPECT_EQ(config->server_count, 3u);
  const Backend& mqtt = config->backends.at("mqtt");
  EXPECT_EQ(mqtt.name, "mqtt");
  EXPECT_EQ(mqtt.mark.line, 27);
  EXPECT_EQ(mqtt.connect_timeout, Millis{500});
  ASSERT_EQ(mqtt.servers.size(), 2u);
  EXPECT_EQ(mqtt.servers[0].scheme, ServerScheme::kTcp);
  EXPECT_EQ(std::get<HostPort>(mqtt.servers[0].address), (HostPort{"db.example", 5432}));
  EXPECT_EQ(mqtt.servers[0].url, "tcp://db.example:5432");
  EXPECT_EQ(mqtt.servers[0].index, 0u);
  EXPECT_EQ(mqtt.servers[1].scheme, ServerScheme::kTls);
  EXPECT_EQ(std::get<HostPort>(mqtt.servers[1].address), (HostPort{"::1", 8883}));
  EXPECT_EQ(mqtt.servers[1].url, "tls://[::1]:8883");
  EXPECT_EQ(mqtt.servers[1].index, 1u);
  EXPECT_FALSE(mqtt.tls.verify);
  EXPECT_EQ(mqtt.tls.ca->path, "/etc/upgate/ca.pem");
  EXPECT_EQ(mqtt.tls.server_name, "broker.example");
  EXPECT_EQ(mqtt.tls.certificate->cert.path, "/etc/upgate/me.crt");

  const Backend& local = config->backends.at("local");
  EXPECT_EQ(std::get<UnixPath>(local.servers.at(0).address).path, "/run/app.sock");
  EXPECT_EQ(local.servers.at(0).index, 2u);
  EXPECT_TRUE(local.tls.verify);
  EXPECT_EQ(local.connect_timeout, Millis{3000});
}

TEST(ConfigTest, RoutesAreRead) {
  const auto config = Parsed(kComplete);
  ASSERT_EQ(config->routes.size(), 3u);
  const Route& route = config->routes[0];
  EXPECT_EQ(route.path.kind, PathPattern::Kind::kExact);
  EXPECT_EQ(route.path.text, "/mqtt");
  ASSERT_EQ(route.hosts.size(), 2u);
  EXPECT_EQ(route.hosts[0].host, "app.example");
  EXPECT_TRUE(route.hosts[1].wildcard);
  EXPECT_EQ(route.backend, "mqtt");
  EXPECT_FALSE(route.plugin);
  EXPECT_EQ(route.subprotocols, (std::vector<std::string>{"mqtt", "v10.stomp"}));
  EXPECT_EQ(route.encoding, Encoding::kBase64);
  EXPECT_TRUE(route.require_origin);
  EXPECT_EQ(route.limits.message_size, 2u * 1024 * 1024);
  EXPECT_EQ(route.limits.sessions, 7u);
  EXPECT_EQ(route.limits.idle, Millis{0});
  EXPECT_EQ(route.limits.ping_interval, Millis{0});
  EXPECT_EQ(route.limits.close_timeout, Millis{1000});
  EXPECT_EQ(route.mark.line, 37);

  EXPECT_EQ(config->routes[1].path.kind, PathPattern::Kind::kPrefix);
  EXPECT_EQ(config->routes[1].path.text, "/live");
  EXPECT_EQ(config->routes[1].index, 1u);
  EXPECT_EQ(config->routes[2].path.kind, PathPattern::Kind::kRegex);
  EXPECT_EQ(config->routes[2].path.text, "^/v[0-9]+/");
  EXPECT_EQ(config->routes[2].plugin, "echo");
  const Value& options = config->routes[2].options;
  ASSERT_EQ(options.members.size(), 2u);
  EXPECT_EQ(options.members[0].value.scalar, "5ms");
  EXPECT_TRUE(options.members[1].key.quoted);
}

TEST(ConfigTest, CorsIsRead) {
  const auto config = Parsed(kComplete);
  const Cors& cors = *config->routes.at(0).cors;
  ASSERT_EQ(cors.allow_origins.size(), 4u);
  EXPECT_EQ(cors.allow_origins[0].kind, OriginPattern::Kind::kExact);
  EXPECT_EQ(cors.allow_origins[0].host, "app.example");
  EXPECT_EQ(cors.allow_origins[0].port, 443);
  EXPECT_EQ(cors.allow_origins[1].kind, OriginPattern::Kind::kSubdomains);
  EXPECT_EQ(cors.allow_origins[1].host, "example.org");
  EXPECT_EQ(cors.allow_origins[1].port, 8443);
  EXPECT_EQ(cors.allow_origins[2].kind, OriginPattern::Kind::kNull);
  EXPECT_EQ(cors.allow_origins[3].kind, OriginPattern::Kind::kText);
  EXPECT_EQ(cors.allow_methods, (std::vector<std::string>{"GET", "PURGE"}));
  EXPECT_EQ(cors.allow_headers, std::vector<std::string>{"content-type"});
  EXPECT_EQ(cors.expose_headers, std::vector<std::string>{"x-id"});
  EXPECT_TRUE(cors.allow_credentials);
  EXPECT_TRUE(cors.allow_private_network);
  EXPECT_EQ(cors.max_age, Millis{600'000});
}

TEST(ConfigTest, TheServerHeaderCanBeRemoved) {
  EXPECT_EQ(Parsed("server_header: ''\n" + std::string(kMinimal))->server_header, "");
}

TEST(ConfigTest, GlobalSettingsAreChecked) {
  EXPECT_EQ(ErrorsOfTop("workers: 0"),
            "1:10: workers: '0' is not auto or a number from 1 to 256\n");
  EXPECT_EQ(ErrorsOfTop("workers: [ 1 ]"),
            "1:10: workers: is a list; needs auto or a number from 1 to 256\n");
  EXPECT_EQ(ErrorsOfTop("server_header: \"a\\r\\nb\""),
            "1:16: server_header: 'a\\x0d\\x0ab' has a character that the header cannot carry; use "
            "printable ASCII\n");
  EXPECT_EQ(ErrorsOfTop("server_header: \" a\""),
            "1:16: server_header: ' a' begins or ends with a space\n");
  EXPECT_NE(ErrorsOfTop("server_header: " + std::string(257, 'a'))
                .find("is longer than 256 characters\n"),
            std::string::npos);
  EXPECT_EQ(ErrorsOfTop("server_header:"), "1:1: server_header: is empty; needs text\n");
  EXPECT_EQ(ErrorsOfTop("shutdown: { timeout: 2h }"),
            "1:22: shutdown.timeout: '2h' is out of range; use 0 to 1h\n");
  EXPECT_EQ(ErrorsOfTop("shutdown: { delay: 8s, spread: 8s }"),
            "1:11: shutdown: timeout counts from the signal, so it has to be at least delay and "
            "spread together\n");
  EXPECT_EQ(ErrorsOfTop("shutdown: { code: 1005 }"),
            "1:19: shutdown.code: '1005' cannot be sent; use 1000, 1001, 1011, 1012, 1013 or 3000 "
            "to 4999\n");
  EXPECT_EQ(ErrorsOfTop("shutdown_timeout: 5s"),
            "1:1: shutdown_timeout: unknown key; use shutdown: { timeout: 10s }\n");
  EXPECT_EQ(ErrorsOfTop("dns: { servers: [ ns.example ] }"),
            "1:19: dns.servers[0]: 'ns.example' is not the address of a name server; use an IP "
            "address, with a port if it is not 53: \"127.0.0.1:5353\"\n");
  EXPECT_EQ(ErrorsOfTop("tls_watch: 25h"),
            "1:12: tls_watch: '25h' is out of range; use 0 to 24h\n");
  EXPECT_EQ(ErrorsOfTop("tls_watch: 999ms"),
            "1:12: tls_watch: '999ms' is too short; use 1s or more, or 0 for never\n");
  EXPECT_EQ(ErrorsOfTop("watch_config: yes"),
            "1:15: watch_config: 'yes' is not a duration such as 30s (ms, s, m or h)\n");
  EXPECT_EQ(ErrorsOfTop("watch_config: 5ms"),
            "1:15: watch_config: '5ms' is too short; use 1s or more, or 0 for never\n");
  EXPECT_EQ(ErrorsOfTop("admin: 127.0.0.1:1"),
            "1:8: admin: is text; needs a map with the keys address, token_file, hosts, tls\n");
  EXPECT_EQ(ErrorsOfTop("admin: { }"),
            "1:8: admin.address: missing; needs host:port, \"[v6]:port\" or unix:/path\n");
  EXPECT_EQ(
      ErrorsOfTop(
          "http: { head_size: 1000, headers: 1001, head_timeout: 0, idle_timeout: 25h, x: 1 }"),
      "1:20: http.head_size: '1000' is out of range; use 1KiB to 1MiB\n"
      "1:35: http.headers: '1001' is out of range; use 1 to 1000\n"
      "1:55: http.head_timeout: '0' is out of range; use 1ms to 1h\n"
      "1:72: http.idle_timeout: '25h' is out of range; use 1ms to 24h\n"
      "1:77: http.x: unknown key; known here: head_size, headers, head_timeout, body_rate, "
      "underscores, request_id, traceparent, idle_timeout\n");
  EXPECT_EQ(ErrorsOfTop("log: { level: warning, format: xml, requests: yes }"),
            "1:15: log.level: 'warning' is not debug, info, warn or error; did you mean 'warn'?\n"
            "1:32: log.format: 'xml' is not text or json\n"
            "1:47: log.requests: 'yes' is not off, errors or all\n");
}

TEST(ConfigTest, EachMissingKeyIsOneError) {
  constexpr std::string_view kBoth =
      "1:1: listeners: missing; needs a list with at least one listener\n"
      "1:1: routes: missing; needs a list with at least one route\n";
  EXPECT_EQ(ErrorsOf(""), kBoth);
  EXPECT_EQ(ErrorsOf("# nothing\n"), kBoth);
  EXPECT_EQ(ErrorsOf("{ }"), kBoth);
}

TEST(ConfigTest, MemoryIsASizeOrAPartOfWhatThereIs) {
  constexpr std::string_view kRest =
      "listeners: [{address: \"h:1\"}]\nroutes: [{path: /, plugin: echo}]\n";
  EXPECT_EQ(Parsed(kRest)->memory.bytes, 0u);
  EXPECT_EQ(Parsed(kRest)->memory.percent, 25u);
  EXPECT_EQ(Parsed(std::string(kRest) + "memory: 100%")->memory.percent, 100u);
  EXPECT_EQ(Parsed(std::string(kRest) + "memory: 16MiB")->memory.bytes, 16u << 20);
  for (const char* little : {"0", "16383KiB", "512"}) {
    EXPECT_EQ(ErrorsOfTop(std::string("memory: ") + little),
              std::string("1:9: memory: '") + little +
                  "' is not enough to serve any client; use 16MiB or more\n");
  }
  for (const char* part : {"0%", "101%", "-1%"}) {
    EXPECT_EQ(
        ErrorsOfTop(std::string("memory: ") + part),
        std::string("1:9: memory: '") + part + "' is not a valid percentage; use 1% to 100%\n");
  }
  EXPECT_EQ(ErrorsOfTop("memory: much"),
            "1:9: memory: 'much' is not a size of at least 16MiB such as 512MiB, or a percentage "
            "of the memory such as 25%\n");
  EXPECT_EQ(ErrorsOfTop("memory: 1.5%"),
            "1:9: memory: '1.5%' is not a size of at least 16MiB such as 512MiB, or a percentage "
            "of the memory such as 25%\n");
  EXPECT_EQ(ErrorsOfTop("memory: 512MB"),
            "1:9: memory: '512MB' has an unknown unit; did you mean 512MiB?\n");
}

TEST(ConfigTest, StandardInputCannotBeWatched) {
  const auto parse = [](const char* watch, const char* file) {
    return Parse(std::string(kMinimal) + "watch_config: " + watch + "\n", file, TestEnvironment);
  };
  EXPECT_TRUE(parse("5s", "upgate.yaml"));
  EXPECT_TRUE(parse("0", "-"));
  const auto errors = parse("5s", "-");
  ASSERT_FALSE(errors);
  EXPECT_EQ(Written(errors.error()),
            "3:15: watch_config: a configuration from standard input cannot be watched; name a "
            "file with --config, or remove this key\n");
}

TEST(ConfigTest, AFileThatIsNotAMapIsOneError) {
  EXPECT_EQ(ErrorsOf("- a\n"),
            "1:1: is a list; needs a map with the keys listeners, admin, workers, server_header, "
            "http, compression_memory, memory, overload, shutdown, drain_spread, tls_watch, "
            "watch_config, dns, errors, log, resolve_interval, backends, auth, routes\n");
}

TEST(ConfigTest, EveryErrorComesAtOnceInTheOrderOfTheFile) {
  EXPECT_EQ(ErrorsOf(R"(routes:
  - { path: mqtt, backend: mqqt }
  - { path: /a, backend: mqtt, backend: mqtt, limits: { idle: 30 } }
listeners:
  - adress: 0.0.0.0:8080
backends:
  mqtt: { servers: [ "tcp://${NONE}:1" ], connect_timeout: 1d }
workers: many
)"),
            "2:13: routes[0].path: 'mqtt' does not begin with '/' or '~'; write /mqtt\n"
            "2:28: routes[0].backend: 'mqqt' is not a backend in this file; did you mean 'mqtt'?\n"
            "3:32: routes[1].backend: repeated key; first given in line 3\n"
            "3:63: routes[1].limits.idle: '30' has no unit; write 30s, or 30ms, 30m or 30h\n"
            "5:5: listeners[0].address: missing; needs host:port, \"[v6]:port\" or unix:/path\n"
            "5:5: listeners[0].adress: unknown key; did you mean 'address'?\n"
            "7:22: backends.mqtt.servers[0]: the environment variable NONE is not set; set it, or "
            "give a default with "
            "${NONE:-value}\n"
            "7:60: backends.mqtt.connect_timeout: '1d' has an unknown unit; write days as hours: "
            "24h is one day\n"
            "8:10: workers: 'many' is not auto or a number from 1 to 256\n");
}

TEST(ConfigTest, AtMostAHundredErrorsAreReported) {
  std::string text(kMinimal);
  for (int i = 0; i < 200; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  const std::string errors = ErrorsOf(text);
  EXPECT_EQ(std::ranges::count(errors, '\n'), 101);
  EXPECT_NE(errors.find("100 more errors"), std::string::npos);
  EXPECT_EQ(errors.substr(0, 4), "3:1:");
}

TEST(ConfigTest, EnvironmentIsUsedEverywhere) {
  const auto config = Parsed(
      "listeners: [ { address: \"0.0.0.0:${PORT}\", backlog: \"${NONE:-7}\" } ]\n"
      "routes: [ { path: /, plugin: echo, require_origin: \"${NONE:-true}\" } ]\n");
  EXPECT_EQ(config->listeners.at(0).address.ToString(), "0.0.0.0:5432");
  EXPECT_EQ(config->listeners.at(0).backlog, 7);
  EXPECT_TRUE(config->routes.at(0).require_origin);
}

TEST(ConfigTest, EnvironmentCannotChangeTheStructure) {
  EXPECT_EQ(ErrorsOfTop("admin: ${YAML}"),
            "1:8: admin: is text; needs a map with the keys address, token_file, hosts, tls\n");
}

TEST(ConfigTest, AMegabyteOfCommentsIsFine) {
  std::string text;
  while (text.size() < 1'000'000) text += "# " + std::string(98, 'x') + "\n";
  EXPECT_EQ(ErrorsOf(text + std::string(kMinimal)), "");
}

TEST(ConfigTest, EveryTruncationIsAnErrorOrAConfiguration) {
  for (std::size_t length = 0; length < kComplete.size(); ++length) {
    const auto config = Parse(kComplete.substr(0, length), "upgate.yaml", TestEnvironment);
    if (config) {
      EXPECT_FALSE((*config)->routes.empty()) << length;
    } else {
      EXPECT_FALSE(config.error().empty()) << length;
    }
  }
}

TEST(ConfigTest, AnOctetChangedIsAnErrorOrAConfiguration) {
  std::string text(kComplete);
  for (std::size_t i = 0; i < text.size(); i += 5) {
    const char kept = std::exchange(text[i], "\0\n\t[{'*&\x80"[i % 9]);
    const auto config = Parse(text, "upgate.yaml", TestEnvironment);
    EXPECT_TRUE(config || !config.error().empty()) << i;
    text[i] = kept;
  }
}

class LoadTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(testing::TempDir()) / ("upgate_load_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(LoadTest, ReadsAFileAndKnowsItsFolder) {
  std::ofstream(folder_ / "upgate.yaml")
      << kMinimal << "backends: { a: { servers: [ tls://a:1 ], tls: { ca: ca.pem } } }\n";
  const auto config = Load(folder_ / "upgate.yaml");
  ASSERT_TRUE(config) << Written(config.error());
  EXPECT_EQ((*config)->backends.at("a").tls.ca->path, (folder_ / "ca.pem").string());
  EXPECT_EQ((*config)->file, (folder_ / "upgate.yaml").string());
}

TEST_F(LoadTest, AFileThatCannotBeReadIsOneErrorWithoutAPlace) {
  const auto config = Load(folder_ / "none.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(Written(config.error()), "cannot be read: No such file or directory\n");
  const auto folder = Load(folder_);
  ASSERT_FALSE(folder);
  EXPECT_EQ(Written(folder.error()),
            "cannot be read: is a folder; write the path of a regular file, or - for standard "
            "input\n");
}

TEST_F(LoadTest, OtherThanRegularFilesAreNotOpened) {
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_symlink("fifo", folder_ / "link");
  const std::string at = folder_ / "socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(at, address.sun_path);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const std::pair<std::string, std::string> cases[] = {
      {fifo, "a FIFO"}, {folder_ / "link", "a FIFO"}, {at, "a socket"}, {"/dev/zero", "a device"}};
  for (const auto& [file, kind] : cases) {
    const auto config = Load(file);
    ASSERT_FALSE(config) << file;
    EXPECT_EQ(Written(config.error()), "cannot be read: is " + kind +
                                           "; write the path of a regular file, or - for "
                                           "standard input\n");
  }
}

TEST_F(LoadTest, AFileIsReadAtTheEndOfALink) {
  std::ofstream(folder_ / "real.yaml") << kMinimal;
  std::filesystem::create_symlink("real.yaml", folder_ / "link.yaml");
  EXPECT_TRUE(Load(folder_ / "link.yaml"));
}

TEST_F(LoadTest, ATooLargeFileIsRefused) {
  std::ofstream(folder_ / "large.yaml").close();
  std::filesystem::resize_file(folder_ / "large.yaml", std::uintmax_t{1} << 34);
  const auto config = Load(folder_ / "large.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(Written(config.error()), "larger than 4 MiB\n");
}

// Replaces standard input until the end of the block.
class StandardInput {
 public:
  explicit StandardInput(const std::string& file)
      : before_(::dup(STDIN_FILENO)), now_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    ::dup2(now_.get(), STDIN_FILENO);
  }
  ~StandardInput() { ::dup2(before_.get(), STDIN_FILENO); }

 private:
  const UniqueFd before_;
  const UniqueFd now_;
};

TEST_F(LoadTest, StandardInputIsReadWhenItIsAskedFor) {
  std::ofstream(folder_ / "upgate.yaml") << kMinimal;
  const StandardInput input(folder_ / "upgate.yaml");
  const auto config = Load("-");
  ASSERT_TRUE(config) << Written(config.error());
  EXPECT_EQ((*config)->folder, std::filesystem::current_path().string());
}

TEST(ConfigTest, ADraftKeepsWhatIsRightUntilItsErrorsAreCutShort) {
  const auto draft_with = [](int wrong) {
    std::string text =
        "listeners: [ { address: \"127.0.0.1:8080\" } ]\nroutes:\n  - { path: /x, plugin: echo }\n";
    for (int i = 0; i < wrong; ++i)
      text += fmt::format("  - {{ path: wrong{}, plugin: echo }}\n", i);
    return ParseDraft(text, "upgate.yaml", TestEnvironment);
  };
  const Draft draft = draft_with(100);
  EXPECT_EQ(draft.errors.size(), 100u);
  ASSERT_TRUE(draft.config);
  EXPECT_EQ(draft.config->routes.size(), 101u);
  EXPECT_EQ(draft.config->routes[0].path.written, "/x");
  EXPECT_FALSE(HasErrorIn(draft.errors, "routes[0]"));
  EXPECT_TRUE(HasErrorIn(draft.errors, "routes[1]"));
  EXPECT_FALSE(HasErrorIn(draft.errors, "route"));
  const Draft too_wrong = draft_with(101);
  ASSERT_EQ(too_wrong.errors.size(), 101u);
  EXPECT_EQ(too_wrong.errors.back().message, "here and below are 1 more errors");
  EXPECT_FALSE(too_wrong.config);
}

// After the last backslash, yaml-cpp reports an invented character for the end of the text, and
// counts it.
TEST(ConfigTest, QuotesInErrorsContainNoControlCharacters) {
  const std::string errors = ErrorsOf("routes: [ \"x\\");
  EXPECT_TRUE(errors.starts_with("1:14: not YAML: unknown escape character: \\x")) << errors;
  EXPECT_EQ(errors.find_first_of("\x04\x00"s), std::string::npos) << errors;
}

// ---- keys of other programs

std::string UnknownKey(const std::string& top) {
  const std::string errors = ErrorsOfTop(top);
  const std::size_t at = errors.find("unknown key; ");
  return at == std::string::npos ? errors : errors.substr(at, errors.find('\n', at) - at);
}

TEST(ForeignKeysTest, AreAnsweredWithWhatTheyAreCalledHere) {
  for (const char* top :
       {"proxy_pass: http://a", "server_name: a", "ssl_certificate: a.pem", "bind: \"*:80\"",
        "target: a:1", "web: /srv", "location: /x", "proxy_set_header: x", "listen: 80"}) {
    EXPECT_TRUE(UnknownKey(top).starts_with("unknown key; ")) << UnknownKey(top);
    EXPECT_EQ(UnknownKey(top).find("known here"), std::string::npos) << UnknownKey(top);
    EXPECT_EQ(UnknownKey(top).find("did you mean"), std::string::npos) << UnknownKey(top);
  }
  EXPECT_EQ(UnknownKey("Workers: 2"), "unknown key; did you mean 'workers'?");
  EXPECT_EQ(UnknownKey("drain-spread: 2s"), "unknown key; did you mean 'drain_spread'?");
}

TEST(ForeignKeysTest, OwnKeysAreSaidWhereTheyBelong) {
  EXPECT_EQ(UnknownKey("trusted_proxies: [ ::1 ]"),
            "unknown key; 'trusted_proxies' is a key of a listener");
  EXPECT_EQ(
      UnknownKey("compression: true"),
      "unknown key; 'compression' is a key of a route; or did you mean 'compression_memory'?");
  EXPECT_EQ(UnknownKey("http: { message_size: 1MiB }"),
            "unknown key; 'message_size' is a key of a route's limits");
}

TEST(ForeignKeysTest, OneLetterIsATypingErrorFirst) {
  EXPECT_EQ(UnknownKey("route: []"), "unknown key; did you mean 'routes'?");
}

TEST(ForeignKeysTest, FiltersOfAddressesAreAccessAndNoCondition) {
  for (const char* top : {"allow: [ 10.0.0.0/8 ]", "deny: [ 10.0.0.0/8 ]", "ipAllowList: x"})
    EXPECT_NE(UnknownKey(top).find("access: { allow:"), std::string::npos) << UnknownKey(top);
}

TEST(ForeignKeysTest, CertificatesOfServersAreNoList) {
  EXPECT_NE(
      ErrorsOfTop("backends: { x: { servers: [ \"tls://127.0.0.1:1\" ], tls: { cert: a, key: "
                  "b } } }")
          .find("tls.cert: unknown key; write tls: { certificate: { cert: FILE, key: FILE } }"),
      std::string::npos);
}

TEST(ForeignKeysTest, CertificatesOfAListenerStandInAList) {
  const std::string errors = ErrorsOf(
      "listeners: [ { address: \"0.0.0.0:1\", tls: { cert: a.pem, key: a.key } } ]\n"
      "routes: [ { path: /a, plugin: echo } ]\n");
  EXPECT_NE(errors.find("tls.cert: unknown key; write tls: { certificates: [ { cert: FILE, key: "
                        "FILE } ] }"),
            std::string::npos)
      << errors;
}

TEST(ForeignKeysTest, OnlySimilarKeysAreSuggested) {
  const std::string errors = ErrorsOf(
      "listeners: [ { address: \"0.0.0.0:1\" } ]\n"
      "routes: [ { path: /a, plugin: echo, auth: x, cert: y } ]\n");
  EXPECT_EQ(errors.find("did you mean"), std::string::npos) << errors;
}

}  // namespace
}  // namespace upgate::config
