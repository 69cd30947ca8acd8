#include "gateway/config/foreign_keys.h"

#include <algorithm>
#include <iterator>

namespace upgate::config {
namespace {

struct Foreign {
  std::string_view key;
  std::string_view hint;
};

constexpr std::string_view kListen = "use listeners: [ { address: \"0.0.0.0:8080\" } ]";
constexpr std::string_view kBackend =
    "use backend: NAME of a route, and backends: { NAME: { servers: [ tcp://HOST:PORT ] } }";
constexpr std::string_view kCertificate =
    "use tls: { certificates: [ { cert: FILE, key: FILE } ] } of a listener";
constexpr std::string_view kHosts = "use hosts: [ NAME ] of a route";
constexpr std::string_view kPath = "use path of a route: /exact, /prefix/* or ~regex";
constexpr std::string_view kFolder =
    "use a route with plugin: files and options: { root: DIRECTORY }";
constexpr std::string_view kRedirect = "use a route with plugin: redirect and options: { to: URL }";
constexpr std::string_view kTimeout =
    "use connect_timeout and first_byte_timeout of a backend, and idle of a route's "
    "limits";
constexpr std::string_view kAdmin = "use admin: { address: \"127.0.0.1:9901\" }";
constexpr std::string_view kHeaders =
    "use request_headers: { set: { NAME: VALUE } } of a route; Host, X-Forwarded-* and Forwarded "
    "are "
    "set automatically";
constexpr std::string_view kAnswerHeaders =
    "use response_headers: { set: { NAME: VALUE } } of a route, and cors for Access-Control-*";
constexpr std::string_view kRewrite =
    "use strip_prefix, or rewrite_path: { regex: ^/old/, to: /new/ }, of a route";
constexpr std::string_view kMatch = "use match: { methods, headers, query, cookies … } of a route";
constexpr std::string_view kCors =
    "use cors: { allow_origins: [ \"https://app.example.com\" ] } of a route";
constexpr std::string_view kBalance =
    "use balance: round_robin, least_sessions, random_two or hash of a backend";
constexpr std::string_view kEjection = "use ejection: { failures: 3, time: 10s } of a backend";
constexpr std::string_view kSticky = "use sticky: true of a backend, or balance: hash";
constexpr std::string_view kLog =
    "use log: { level: info, format: text }; lines go to standard error";
constexpr std::string_view kWorkers = "use workers: NUMBER; the default is one per core";
constexpr std::string_view kAuth =
    "use auth at the top level and auth of a route for who may connect, cors and require_origin of "
    "a "
    "route for which pages, client_auth of a listener's tls for which certificates";
constexpr std::string_view kAddressFilter = "use match: { clients: [ 10.0.0.0/8 ] } of a route";
constexpr std::string_view kPlace = "not supported; use the service manager";

// In alphabetical order.
constexpr Foreign kForeign[] = {
    {"access_log", kLog},
    {"acl", kPath},
    {"add_header", kAnswerHeaders},
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
     "not supported; bodies are streamed, and http.body_rate limits their duration"},
    {"cluster", kBackend},
    {"clusters", kBackend},
    {"crt", kCertificate},
    {"daemon", kPlace},
    {"default_backend", "use a route with path: /*"},
    {"deny", kAddressFilter},
    {"docroot", kFolder},
    {"domains", kHosts},
    {"error_log", kLog},
    {"fail_timeout", kEjection},
    {"filter_chains", kListen},
    {"frontend", kListen},
    {"frontends", kListen},
    {"hash_policy", "use balance: hash and hash: client, path, header NAME … of a backend"},
    {"heartbeat", "use ping_interval of a route's limits"},
    {"keepalive", "use pool_size of a backend"},
    {"key", kCertificate},
    {"key_file", kCertificate},
    {"keyfile", kCertificate},
    {"lb_policy", kBalance},
    {"least_conn", "use balance: least_sessions of a backend"},
    {"limit_except", kMatch},
    {"listen", kListen},
    {"listen_host", kListen},
    {"listen_port", kListen},
    {"listener", kListen},
    {"load_balancing", kBalance},
    {"location", kPath},
    {"locations", kPath},
    {"log_file", kLog},
    {"max_conns", "use max_sessions of a server: servers: [ { url: URL, max_sessions: 100 } ]"},
    {"max_fails", kEjection},
    {"maxconn", "use connections of a listener, and sessions of a route's limits"},
    {"metrics", kAdmin},
    {"mode", "not supported; the scheme of a server sets its protocol: tcp, ws, http …"},
    {"origins", kCors},
    {"outlier_detection", kEjection},
    {"port", kListen},
    {"proxy_connect_timeout", "use connect_timeout of a backend"},
    {"proxy_http_version", "not supported; upgrades are forwarded automatically"},
    {"proxy_pass", kBackend},
    {"proxy_read_timeout", kTimeout},
    {"proxy_send_timeout", kTimeout},
    {"proxy_set_header", kHeaders},
    {"redirect", kRedirect},
    {"replace_path_regex", kRewrite},
    {"request_headers_to_add", kHeaders},
    {"response_headers_to_add", kAnswerHeaders},
    {"return", kRedirect},
    {"rewrite_target", kRewrite},
    {"root", kFolder},
    {"server", kBackend},
    {"server_name", kHosts},
    {"server_names", kHosts},
    {"shutdown_timeout", "use shutdown: { timeout: 10s }"},
    {"split_clients",
     "use split: [ { backend: a, weight: 95 }, { backend: b, weight: 5 } ] of a route"},
    {"ssl", kCertificate},
    {"ssl_certificate", kCertificate},
    {"ssl_certificate_key", kCertificate},
    {"ssl_only", "not supported; a listener with tls accepts nothing else"},
    {"static", kFolder},
    {"stats", kAdmin},
    {"stick_table", kSticky},
    {"sticky_cookie", kSticky},
    {"sticky_sessions", kSticky},
    {"target", kBackend},
    {"timeout", kTimeout},
    {"tls", "use tls of a listener, or of a backend"},
    {"token_plugin", "use resolver: token_file, redis or http of a route"},
    {"token_source", "use the options of a route with resolver: token_file, redis or http"},
    {"try_files", kFolder},
    {"unix_target", "use a server unix:/run/NAME of a backend"},
    {"upstream", kBackend},
    {"upstreams", kBackend},
    {"use_backend", "use backend: NAME of a route"},
    {"user", kPlace},
    {"verbose", kLog},
    {"virtual_hosts", kHosts},
    {"web", kFolder},
    {"worker_connections", "use connections of a listener"},
    {"worker_processes", kWorkers},
};
static_assert(std::ranges::is_sorted(kForeign, {}, &Foreign::key));

}  // namespace

std::string_view HintForForeignKey(std::string_view of, std::string_view key) {
  // Certificates of a listener are a list, because there can be several.
  if (of.starts_with("listeners[") && of.ends_with("].tls") && (key == "cert" || key == "key"))
    return "write tls: { certificates: [ { cert: FILE, key: FILE } ] }";
  const auto it = std::ranges::lower_bound(kForeign, key, {}, &Foreign::key);
  return it != std::end(kForeign) && it->key == key ? it->hint : std::string_view();
}

}  // namespace upgate::config
