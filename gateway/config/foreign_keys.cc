#include "gateway/config/foreign_keys.h"

#include <algorithm>
#include <iterator>

namespace upgate::config {
namespace {

struct Foreign {
  std::string_view key;
  std::string_view hint;
};

constexpr std::string_view kListen = "here that is listeners: [ { address: \"0.0.0.0:8080\" } ]";
constexpr std::string_view kBackend =
    "here a route names a backend, and backends: { NAME: { servers: [ tcp://HOST:PORT ] } } has "
    "its "
    "servers";
constexpr std::string_view kCertificate =
    "here that is tls: { certificates: [ { cert: FILE, key: FILE } ] } of a listener";
constexpr std::string_view kHosts = "here that is hosts: [ NAME ] of a route";
constexpr std::string_view kPath = "here that is path of a route: /exact, /prefix/* or ~regex";
constexpr std::string_view kFolder =
    "here that is a route with plugin: files and options: { root: DIRECTORY }";
constexpr std::string_view kRedirect =
    "here that is a route with plugin: redirect and options: { to: URL }";
constexpr std::string_view kTimeout =
    "here these are connect_timeout and first_byte_timeout of a backend, and idle of a route's "
    "limits";
constexpr std::string_view kAdmin = "here that is admin: { address: \"127.0.0.1:9901\" }";
constexpr std::string_view kHeaders =
    "there is no such thing here; Host, X-Forwarded-* and Forwarded are set by themselves "
    "(preserve_host and forwarded of a route)";
constexpr std::string_view kCors =
    "here that is cors: { allow_origins: [ \"https://app.example.com\" ] } of a route";
constexpr std::string_view kBalance = "there is no such thing here; servers are taken in turn";
constexpr std::string_view kLog =
    "here that is log: { level: info, format: text }; lines go to standard error";
constexpr std::string_view kWorkers = "here that is workers: NUMBER, by default one for each core";
constexpr std::string_view kAuth =
    "there is no such thing here; cors and require_origin of a route say which pages may connect, "
    "client_auth of a listener's tls which certificates";
constexpr std::string_view kAddressFilter =
    "there is no such thing here; leave it to a firewall or a proxy in front";
constexpr std::string_view kPlace = "there is no such thing here; leave it to the service manager";

// In the order of the alphabet.
constexpr Foreign kForeign[] = {
    {"access_log", kLog},
    {"acl", kPath},
    {"add_header", kCors},
    {"admin_port", kAdmin},
    {"alias", kFolder},
    {"allow", kAddressFilter},
    {"allowed_origins", kCors},
    {"auth", kAuth},
    {"auth_basic", kAuth},
    {"auth_plugin", kAuth},
    {"auth_request", kAuth},
    {"authentication", kAuth},
    {"authorization", kAuth},
    {"balance", kBalance},
    {"bind", kListen},
    {"cert", kCertificate},
    {"cert_file", kCertificate},
    {"certfile", kCertificate},
    {"client_max_body_size",
     "there is no such thing here; bodies stream, http.body_rate bounds their time"},
    {"cluster", kBackend},
    {"clusters", kBackend},
    {"crt", kCertificate},
    {"daemon", kPlace},
    {"default_backend", "here that is a route with path: /*"},
    {"deny", kAddressFilter},
    {"docroot", kFolder},
    {"domains", kHosts},
    {"error_log", kLog},
    {"filter_chains", kListen},
    {"frontend", kListen},
    {"frontends", kListen},
    {"heartbeat", "here that is ping_interval of a route's limits"},
    {"keepalive", "here that is pool_size of a backend"},
    {"key", kCertificate},
    {"key_file", kCertificate},
    {"keyfile", kCertificate},
    {"listen", kListen},
    {"listen_host", kListen},
    {"listen_port", kListen},
    {"listener", kListen},
    {"load_balancing", kBalance},
    {"location", kPath},
    {"locations", kPath},
    {"log_file", kLog},
    {"maxconn", "here that is connections of a listener, and sessions of a route's limits"},
    {"metrics", kAdmin},
    {"mode",
     "there is no such thing here; the scheme of a server says what it speaks: tcp, ws, http …"},
    {"origins", kCors},
    {"port", kListen},
    {"proxy_connect_timeout", "here that is connect_timeout of a backend"},
    {"proxy_http_version", "there is no such thing here; upgrades are passed on by themselves"},
    {"proxy_pass", kBackend},
    {"proxy_read_timeout", kTimeout},
    {"proxy_send_timeout", kTimeout},
    {"proxy_set_header", kHeaders},
    {"redirect", kRedirect},
    {"request_headers_to_add", kHeaders},
    {"return", kRedirect},
    {"root", kFolder},
    {"server", kBackend},
    {"server_name", kHosts},
    {"server_names", kHosts},
    {"ssl", kCertificate},
    {"ssl_certificate", kCertificate},
    {"ssl_certificate_key", kCertificate},
    {"ssl_only", "there is no such thing here; a listener with tls takes nothing else"},
    {"static", kFolder},
    {"stats", kAdmin},
    {"target", kBackend},
    {"timeout", kTimeout},
    {"token_plugin", "there is no such thing here; write a route for each target"},
    {"token_source", "there is no such thing here; write a route for each target"},
    {"try_files", kFolder},
    {"unix_target", "here that is a server unix:/run/NAME of a backend"},
    {"upstream", kBackend},
    {"upstreams", kBackend},
    {"use_backend", "here that is backend: NAME of a route"},
    {"user", kPlace},
    {"verbose", kLog},
    {"virtual_hosts", kHosts},
    {"web", kFolder},
    {"worker_connections", "here that is connections of a listener"},
    {"worker_processes", kWorkers},
};
static_assert(std::ranges::is_sorted(kForeign, {}, &Foreign::key));

}  // namespace

std::string_view HintForForeignKey(std::string_view of, std::string_view key) {
  // Certificates of a listener stand in a list, as there can be several.
  if (of.starts_with("listeners[") && of.ends_with("].tls") && (key == "cert" || key == "key"))
    return "write tls: { certificates: [ { cert: FILE, key: FILE } ] }";
  const auto it = std::ranges::lower_bound(kForeign, key, {}, &Foreign::key);
  return it != std::end(kForeign) && it->key == key ? it->hint : std::string_view();
}

}  // namespace upgate::config
