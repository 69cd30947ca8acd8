#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

constexpr std::string_view kAlso =
    "listeners: [ { address: a:1 } ]\nbackends: { app: { servers: [ tcp://a:1 ] } }\n";

std::string ErrorsOfRoutes(std::string_view routes) {
  return ErrorsOf(std::string(routes) + "\n" + std::string(kAlso));
}

TEST(RoutesTest, ARouteNeedsAPathAndATarget) {
  EXPECT_EQ(ErrorsOfRoute("    backend: app"),
            "3:5: routes[0].path: missing; needs a path such as /mqtt, /live/* or ~^/v[0-9]+/\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /"),
            "3:5: routes[0]: goes nowhere; give it a backend, a plugin or a resolver\n");
  EXPECT_EQ(ErrorsOfRoute("    path: x?y\n    backend: app"),
            "3:11: routes[0].path: 'x?y' does not begin with '/' or '~'; write /exact, /prefix/* "
            "or ~regex\n");
  // Suggestions contain user input, too, which must be escaped for terminals.
  EXPECT_EQ(ErrorsOfRoute("    path: \"x\\ty\"\n    backend: app"),
            "3:11: routes[0].path: 'x\\x09y' does not begin with '/' or '~'; write /exact, "
            "/prefix/* or ~regex\n");
}

TEST(RoutesTest, AListOfRoutesIsNeeded) {
  EXPECT_EQ(ErrorsOfRoutes("routes: [ ]"),
            "1:9: routes: is an empty list; needs at least one route\n");
  EXPECT_EQ(ErrorsOfRoutes("routes: { path: /, backend: app }"),
            "1:9: routes: is a map; needs a list\n");
  EXPECT_EQ(
      ErrorsOfRoutes("routes: [ / ]"),
      "1:11: routes[0]: is text; needs a map with the keys path, hosts, match, backend, plugin, "
      "split, resolver, options, subprotocols, encoding, dialects, enforce, compression, "
      "server_compression, preserve_host, forwarded, rewrite, upgrades, compress_http, cors, "
      "strip_prefix, rewrite_path, rewrite_host, rewrite_query, request_headers, "
      "client_cert_headers, response_headers, require_origin, auth, access, limits, name, "
      "on_change\n");
}

TEST(RoutesTest, HttpPolicyIsForHttpServers) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    preserve_host: false"),
            "5:20: routes[0].preserve_host: has no effect: nothing behind this route speaks "
            "HTTP; remove it\n");
}

TEST(RoutesTest, BackendsAreKnown) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: ap"),
            "4:14: routes[0].backend: 'ap' is not a backend in this file; did you mean 'app'?\n");
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n    backend: elsewhere"),
      "4:14: routes[0].backend: 'elsewhere' is not a backend in this file; add it to backends\n");
}

TEST(RoutesTest, ABackendThatIsWrongIsKnownNevertheless) {
  EXPECT_EQ(ErrorsOfBackend("    servers: [ ]"),
            "3:14: backends.app.servers: is an empty list; needs at least one server\n");
}

TEST(RoutesTest, BackendOrPluginButNotBoth) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo"), "");
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n    plugin: echo\n    backend: app"),
      "5:14: routes[0].backend: a route has either a backend or a plugin; remove one of them\n");
  EXPECT_EQ(
      ErrorsOfRoutes("routes: [ { path: /, backend: app, plugin: echo } ]"),
      "1:44: routes[0].plugin: a route has either a backend or a plugin; remove one of them\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: ''"), "4:13: routes[0].plugin: '' is empty\n");
}

TEST(RoutesTest, OptionsAreForPlugins) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    options: { any: [ thing ] }"), "");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    options: { a: 1 }"),
            "5:14: routes[0].options: has no effect without a plugin or a resolver; "
            "remove it\n");
}

TEST(RoutesTest, EncodingIsForBackends) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    encoding: base64"), "");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    encoding: auto"), "");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    plugin: echo\n    encoding: text"),
            "5:15: routes[0].encoding: 'text' is for byte-stream backends; plugins get messages "
            "unchanged; remove it\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    encoding: base46"),
            "5:15: routes[0].encoding: 'base46' is not auto, binary, text or base64; did you mean "
            "'base64'?\n");
  EXPECT_EQ(ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ ws://a:1 ] } }\n"
                     "routes: [ { path: /, backend: b, encoding: text } ]"),
            "3:44: routes[0].encoding: has no effect: the servers behind this route get messages "
            "as they are; remove it\n");
}

TEST(RoutesTest, NothingIsSaidOfARouteThatGoesNowhere) {
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n    backend: app\n    plugin: echo\n    encoding: text"),
      "5:13: routes[0].plugin: a route has either a backend or a plugin; remove one of them\n");
  EXPECT_EQ(ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ wss//a:1 ] } }\n"
                     "routes: [ { path: /, backend: b, encoding: text, enforce: true, "
                     "preserve_host: false } ]"),
            "2:29: backends.b.servers[0]: 'wss//a:1' has no '://' after its scheme; write "
            "wss://a:1\n");
  EXPECT_EQ(ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ ws://a:1 ] } }\n"
                     "routes: [ { path: /, backend: b, encoding: bas64 } ]"),
            "3:44: routes[0].encoding: 'bas64' is not auto, binary, text or base64; did you mean "
            "'base64'?\n");
  EXPECT_EQ(
      ErrorsOf("listeners: [ { address: a:1 } ]\nbackends: { b: { servers: [ http://a:1 ] } }\n"
               "routes: [ { path: /, backend: b, encoding: binary, dialects: [ hixie76 ] } ]"),
      "3:44: routes[0].encoding: has no effect: the servers behind this route get messages as they "
      "are; remove it\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: ap\n    encoding: text\n    preserve_host: "
                          "false\n    enforce: true"),
            "4:14: routes[0].backend: 'ap' is not a backend in this file; did you mean 'app'?\n");
}

TEST(RoutesTest, HostsAreNamesWithoutPorts) {
  EXPECT_EQ(
      ErrorsOfRoute(
          "    path: /\n    backend: app\n    hosts: [ a.example, A.example, 'b:80', \"*\" ]"),
      "5:25: routes[0].hosts[1]: 'A.example' is listed twice\n"
      "5:36: routes[0].hosts[2]: 'b:80' has a port; write b; hosts match on every port\n"
      "5:44: routes[0].hosts[3]: '*' matches any host; remove the others\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    hosts: [ \"*\" ]"), "");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    hosts: []"),
            "5:12: routes[0].hosts: is an empty list; leave hosts out to match any\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    hosts: a.example"),
            "5:12: routes[0].hosts: is text; needs a list: write [ a.example ]\n");
}

TEST(RoutesTest, SubprotocolsAreTokensAndUnique) {
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n    backend: app\n    subprotocols: [ mqtt, 'a b', mqtt, MQTT ]"),
      "5:27: routes[0].subprotocols[1]: 'a b' is not a token (letters, digits and "
      "!#$%&'*+-.^_`|~)\n"
      "5:34: routes[0].subprotocols[2]: 'mqtt' is listed twice\n");
}

TEST(RoutesTest, CorsNeedsOrigins) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    cors: { max_age: 1h }"),
            "5:11: routes[0].cors.allow_origins: missing; needs a list with at least one origin\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    cors: { allow_origins: [] }"),
            "5:28: routes[0].cors.allow_origins: is an empty list; needs at least one origin\n");
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    cors:"),
            "5:5: routes[0].cors: is empty; needs a map with the keys allow_origins, "
            "allow_methods, allow_headers, "
            "expose_headers, allow_credentials, allow_private_network, max_age\n");
}

TEST(RoutesTest, CorsIsChecked) {
  EXPECT_EQ(
      ErrorsOfRoute("    path: /\n"
                    "    backend: app\n"
                    "    cors:\n"
                    "      allow_origins: [ a.example, 'https://a/b', ~ ]\n"
                    "      allow_methods: [ get, GET, PURGE ]\n"
                    "      allow_headers: [ 'a:' ]\n"
                    "      expose_headers: x-a\n"
                    "      allow_credentials: yes\n"
                    "      allow_private_network: 1\n"
                    "      max_age: 600\n"
                    "      allow_origin: x\n"),
      "6:24: routes[0].cors.allow_origins[0]: 'a.example' has no scheme; write https://a.example\n"
      "6:35: routes[0].cors.allow_origins[1]: 'https://a/b' has something after the host; write "
      "https://a\n"
      "6:50: routes[0].cors.allow_origins[2]: is empty; needs an origin such as "
      "https://app.example.com, "
      "https://*.example.com, \"*\" or \"null\"\n"
      "7:24: routes[0].cors.allow_methods[0]: 'get' is not a method; did you mean GET?\n"
      "8:24: routes[0].cors.allow_headers[0]: 'a:' is not a token (letters, digits and "
      "!#$%&'*+-.^_`|~)\n"
      "9:23: routes[0].cors.expose_headers: is text; needs a list: write [ x-a ]\n"
      "10:26: routes[0].cors.allow_credentials: 'yes' is not true or false; did you mean true?\n"
      "11:30: routes[0].cors.allow_private_network: '1' is not true or false; did you mean true?\n"
      "12:16: routes[0].cors.max_age: '600' has no unit; write 600s, or 600ms, 600m or 600h\n"
      "13:7: routes[0].cors.allow_origin: unknown key; did you mean 'allow_origins'?\n");
}

TEST(RoutesTest, CredentialsAreNotForEverybody) {
  for (const char* origins : {"[ '*' ]", "[ 'https://a.example', '*' ]", "[ '*', 'null' ]"}) {
    EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    cors:\n      allow_origins: " +
                            std::string(origins) + "\n      allow_credentials: true"),
              "7:26: routes[0].cors.allow_credentials: cannot be combined with allow_origins: "
              "\"*\": every page could then act on behalf of its visitors; list the origins by "
              "name, or remove it\n");
  }
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n    cors: { allow_origins: [ '*' ], "
                          "allow_credentials: false }"),
            "");
}

TEST(RoutesTest, OnlyWebSocketServersHaveALimitOfTheirOwn) {
  constexpr std::string_view kLimit = "    limits: { server_message_size: 4MiB }\n";
  EXPECT_EQ(ErrorsOfRoute("    path: /\n    backend: app\n" + std::string(kLimit)),
            "5:36: routes[0].limits.server_message_size: has no effect: this route has no "
            "WebSocket server\n");
  EXPECT_EQ(
      ErrorsOf("listeners: [ { address: a:1 } ]\n"
               "backends: { live: { servers: [ ws://a:1 ] } }\n"
               "routes: [ { path: /, backend: live, limits: { server_message_size: 0 } } ]\n"),
      "");
  EXPECT_GT(MostOfServer({}), std::uint64_t{1} << 60);
  RouteLimits limits;
  limits.server_message_size = 5;
  EXPECT_EQ(MostOfServer(limits), 5u);
}

TEST(RoutesTest, LimitsHaveRanges) {
  EXPECT_EQ(ErrorsOfRoute("    path: /\n"
                          "    backend: app\n"
                          "    require_origin: maybe\n"
                          "    limits:\n"
                          "      message_size: 2GiB\n"
                          "      sessions: -1\n"
                          "      idle: 721h\n"
                          "      ping_interval: 25h\n"
                          "      close_timeout: 0\n"
                          "      sesions: 1\n"),
            "5:21: routes[0].require_origin: 'maybe' is not true or false\n"
            "7:21: routes[0].limits.message_size: '2GiB' is out of range; use 1B to 1GiB\n"
            "8:17: routes[0].limits.sessions: '-1' is out of range; use 0 to 1000000000\n"
            "9:13: routes[0].limits.idle: '721h' is out of range; use 0 to 720h\n"
            "10:22: routes[0].limits.ping_interval: '25h' is out of range; use 0 to 24h\n"
            "11:22: routes[0].limits.close_timeout: '0' is out of range; use 1ms to 1h\n"
            "12:7: routes[0].limits.sesions: unknown key; did you mean 'sessions'?\n");
}

TEST(RoutesTest, RegularExpressionsAreBoundedTogether) {
  std::string routes = "routes:\n";
  for (int i = 0; i < 100; ++i)
    routes += fmt::format("  - {{ path: \"~^/[a-z]{{3}}/{}/\", backend: app }}\n", i);
  EXPECT_EQ(ErrorsOfRoutes(routes), "") << "many small ones are accepted";
  routes = "routes:\n";
  for (int i = 0; i < 300; ++i)
    routes += fmt::format("  - {{ path: \"~^/[\\\\pL]{{20}}/{}\", backend: app }}\n", i);
  const std::string errors = ErrorsOfRoutes(routes);
  EXPECT_NE(errors.find("12:13: routes[10].path: the regular expressions up to here are too large "
                        "together; make them smaller, or use exact paths and prefixes\n"),
            std::string::npos)
      << errors;
  EXPECT_EQ(std::ranges::count(errors, '\n'), 1) << "the rest is not checked";
}

TEST(RoutesTest, ATooLargeRegularExpressionIsNamed) {
  EXPECT_EQ(ErrorsOfRoutes("routes:\n"
                           "  - { path: /a, backend: app }\n"
                           "  - { path: '~^/[\\pL]{100}', backend: app }\n"),
            "3:13: routes[1].path: '~^/[\\x5cpL]{100}' is too large: it takes more than 1 MiB when "
            "compiled; a class such as [\\pL] counts as often as it is repeated\n");
}

TEST(RoutesTest, AHostAndPathGoesToOneRoute) {
  EXPECT_EQ(
      ErrorsOfRoutes("routes:\n"
                     "  - { path: /a, backend: app }\n"
                     "  - { path: /a, hosts: [ x.example ], backend: app }\n"
                     "  - { path: /a/*, backend: app }\n"
                     "  - { path: /a, hosts: [ \"*.x.example\", y.example ], backend: app }\n"),
      "");
  EXPECT_EQ(ErrorsOfRoutes("routes:\n"
                           "  - { path: /a, backend: app }\n"
                           "  - { path: /b, hosts: [ x.example, y.example ], backend: app }\n"
                           "  - { path: /a, plugin: echo }\n"
                           "  - { path: /b, hosts: [ Y.example, x.example ], plugin: echo }\n"
                           "  - { path: ~^/c, backend: app }\n"
                           "  - { path: ~^/c, backend: app }\n"),
            "4:13: routes[2].path: '/a' on any host is already routed in line 2\n"
            "5:13: routes[3].path: '/b' on y.example is already routed in line 3\n"
            "7:13: routes[5].path: '~^/c' on any host is already routed in line 6\n");
  EXPECT_EQ(ErrorsOfRoutes("routes: [ { path: /a, backend: app }, { path: /a, backend: app } ]"),
            "1:47: routes[1].path: '/a' on any host is already routed in line 1\n");
  EXPECT_EQ(ErrorsOfRoutes("routes:\n"
                           "  - { path: /a, backend: app, hosts: [ \"*\" ] }\n"
                           "  - { path: /a, backend: app, match: { } }\n"
                           "  - { path: /a, backend: app, match: { methods: [ GET ] } }\n"
                           "  - { path: /a, backend: app, match: { methods: [ PUT ] } }\n"
                           "  - { path: /a, backend: app, match: { \"methods\": [ GET ] } }\n"),
            "3:13: routes[1].path: '/a' on any host is already routed in line 2\n"
            "6:13: routes[4].path: '/a' on any host with this match is already routed in line 4\n");
}

}  // namespace
}  // namespace upgate::config
