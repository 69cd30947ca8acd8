#include "gateway/app/demo/config.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::app {
namespace {

bool IsEverywhere(const DemoSettings& settings) {
  return settings.host == "0.0.0.0" || settings.host == "::";
}

// The origins of the demo's pages on both of its ports, each of which may open WebSockets on the
// other. Ports that the system chooses are not known yet.
std::string AllowOwnPages(const DemoSettings& settings) {
  std::string origins;
  for (const char* name : {"localhost", "127.0.0.1"}) {
    for (const auto& [scheme, port] :
         {std::pair("http", settings.port), std::pair("https", settings.tls_port)}) {
      if (port == 0) continue;
      if (!origins.empty()) origins += ", ";
      origins += fmt::format("\"{}://{}\"", scheme, HostPort{name, port}.ToString());
    }
  }
  return origins.empty() ? "" : fmt::format("\n    cors: {{ allow_origins: [ {} ] }}", origins);
}

// Quotes text for a shell.
std::string Quoted(const std::string& word) {
  const auto plain = [](char c) {
    return IsAlpha(c) || IsDigit(c) || std::string_view("/._-+").contains(c);
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += R"('\'')";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// Only uses what every system has: curl of Debian 12 cannot send WebSocket messages, but shows the
// response to a handshake.
std::string CommandsToTry(const std::string& program, const std::string& plain,
                          const std::string& secure) {
  const std::pair<std::string, std::string_view> commands[] = {
      {fmt::format("{} probe ws://{}/echo", program, plain), "handshake, ping, Close"},
      {fmt::format("{} probe --insecure wss://{}/service-echo", program, secure),
       "the same over TLS"},
      {fmt::format("curl http://{}/api/headers", plain), "what a server behind the gateway gets"},
      {fmt::format("curl --no-buffer http://{}/api/events", plain), "server-sent events"},
      {fmt::format("curl http://{}/stats", plain), "what passed through"},
  };
  std::size_t width = 0;
  for (const auto& [command, what] : commands) width = std::max(width, command.size());
  std::string text = "\n";
  for (const auto& [command, what] : commands)
    text += fmt::format("  {:<{}}   # {}\n", command, width, what);
  return text + fmt::format(R"(
The 101 that opens a WebSocket, as it is sent:

  curl --include --max-time 1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
    -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' \
    http://{}/echo
)",
                            plain);
}

}  // namespace

std::string DemoConfig(const DemoSettings& settings, const DemoAddresses& servers) {
  const std::string cors = AllowOwnPages(settings);
  const auto listen = [&](std::uint16_t port) { return HostPort{settings.host, port}.ToString(); };
  return fmt::format(
      R"(# Pages of the gateway's own origin may always connect{remark}.
listeners:
  - address: "{plain}"
    dialects: [ rfc6455, hybi08, hixie76, hixie75 ]   # old clients too
  - address: "{secure}"
    dialects: [ rfc6455, hybi08, hixie76, hixie75 ]
    tls:
      certificates:
        - {{ cert: {cert}, key: {key} }}
workers: 1
shutdown: {{ timeout: 2s }}

backends:
  bytes: {{ servers: [ "tcp://{tcp}" ] }}
  live: {{ servers: [ "ws://{websocket}" ] }}
  api: {{ servers: [ "http://{http}" ] }}

routes:
  - path: /echo
    backend: bytes{cors}
  - path: /live
    backend: live{cors}
  - path: /service-echo
    plugin: echo{cors}
  - path: /chat/*
    plugin: broadcast{cors}
  - path: /api/*
    backend: api
  - path: /stats
    plugin: stats
  - path: /old
    plugin: redirect
    options: {{ to: / }}
  - path: /*
    plugin: files
    options: {{ root: {site} }}
)",
      fmt::arg("plain", listen(settings.port)), fmt::arg("secure", listen(settings.tls_port)),
      fmt::arg("cert", kDemoCertificate), fmt::arg("key", kDemoKey), fmt::arg("site", kDemoSite),
      fmt::arg("tcp", ToString(servers.tcp)), fmt::arg("websocket", ToString(servers.websocket)),
      fmt::arg("http", ToString(servers.http)), fmt::arg("cors", cors),
      fmt::arg("remark", cors.empty() ? "" : "; under cors are those of its other port"));
}

std::string DemoGreeting(const DemoSettings& settings, std::uint16_t port, std::uint16_t tls_port) {
  const std::string name =
      IsEverywhere(settings) || settings.host == "127.0.0.1" ? "localhost" : settings.host;
  std::string greeting =
      fmt::format(R"(upgate demo: a gateway in front of a TCP, a WebSocket and an HTTP server

  Open http://{0}/ in a browser,
  or   https://{1}/ with a throw-away certificate that the browser will warn of.
)",
                  HostPort{name, port}.ToString(), HostPort{name, tls_port}.ToString());
  if (IsEverywhere(settings)) {
    greeting += fmt::format("  From other machines: http://ADDRESS-OF-THIS-ONE:{}/\n", port);
  }
  return greeting +
         CommandsToTry(Quoted(settings.program), HostPort{name, port}.ToString(),
                       HostPort{name, tls_port}.ToString()) +
         "\nPages from other origins are refused, as by default everywhere. Ctrl-C ends it.\n";
}

}  // namespace upgate::app
