#include "gateway/app/demo_config.h"

#include <fmt/format.h>

namespace upgate::app {
namespace {

bool IsEverywhere(const DemoSettings& settings) {
  return settings.host == "0.0.0.0" || settings.host == "::";
}

// The demo's own pages, on both of its ports: each may open sockets on the other. Ports that the
// system chooses are not known yet.
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
  return greeting + fmt::format(R"(
  websocat "ws://{0}/echo?encoding=text"     frames to TCP and back
  websocat -k "wss://{1}/service-echo"       the same inside the gateway, over TLS
  curl http://{0}/api/headers                what a server behind the gateway gets
  curl -N http://{0}/api/events              server-sent events
  curl http://{0}/stats                      what passed through

Pages from other origins are refused, as by default everywhere. Ctrl-C ends it.
)",
                                HostPort{name, port}.ToString(),
                                HostPort{name, tls_port}.ToString());
}

}  // namespace upgate::app
