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
constexpr std::string_view kAccess =
    "use access: { allow: [ 10.0.0.0/8 ], deny: [ 10.66.0.0/16 ] } of a listener or a route";
constexpr std::string_view kClientCertificates =
    "use client_auth: required and client_ca: FILE of a listener's tls";
constexpr std::string_view kClientRates =
    "use requests: { rate: 600/m } and handshakes: { rate: 5/s } of a route's limits";
constexpr std::string_view kClientCount =
    "use connections_per_client of a listener, or sessions_per_client of a route's limits";
constexpr std::string_view kTrustedProxies = "use trusted_proxies: [ 10.0.0.0/8 ] of a listener";
constexpr std::string_view kErrorPages = "use errors: { 404: FILE, 5xx: FILE } at the top level";
constexpr std::string_view kHealth = "use health: { check: http, path: /healthz } of a backend";
constexpr std::string_view kIdle = "use idle of a route's limits, and http: { idle_timeout: 60s }";
constexpr std::string_view kTlsVersion = "use min_version: \"1.2\" of a listener's tls";
constexpr std::string_view kServerTls = "use tls: { verify: true, ca: FILE } of a backend";
constexpr std::string_view kRedirectHttps = "use redirect_https: true of a listener";
constexpr std::string_view kProxyProtocol = "use proxy_protocol: required of a listener";
constexpr std::string_view kPlace = "not supported; use the service manager";

// In alphabetical order.
constexpr Foreign kForeign[] = {
    {"accept_proxy", kProxyProtocol},
    {"access_log", kLog},
    {"acl", kPath},
    {"add_header", kAnswerHeaders},
    {"addprefix", kRewrite},
    {"admin_port", kAdmin},
    {"alias", kFolder},
    {"allow", kAccess},
    {"allowed_origins", kCors},
    {"auth", kAuth},
    {"auth_basic", kAuth},
    {"auth_plugin", kAuth},
    {"auth_request", kAuth},
    {"auth_source", kAuth},
    {"authentication", kAuth},
    {"authorization", kAuth},
    {"balance", kBalance},
    {"basic_auth", kAuth},
    {"basicauth", kAuth},
    {"bind", kListen},
    {"ca_file", kClientCertificates},
    {"cafile", kClientCertificates},
    {"cert", kCertificate},
    {"cert_chain", kCertificate},
    {"cert_file", kCertificate},
    {"certfile", kCertificate},
    {"certificate", kCertificate},
    {"check", kHealth},
    {"ciphers", "not supported; the ciphers are those of the OpenSSL library"},
    {"client_auth_type", kClientCertificates},
    {"client_body_timeout", "use http: { body_rate: 240B }"},
    {"client_header_timeout", "use http: { head_timeout: 10s }"},
    {"client_max_body_size", "use body_size: 10MiB of a route's limits"},
    {"cluster", kBackend},
    {"clusters", kBackend},
    {"compress", "use compress_http: true of a route for HTTP, compression: true for WebSockets"},
    {"cookie", kSticky},
    {"crt", kCertificate},
    {"daemon", kPlace},
    {"default_backend", "use a route with path: /*"},
    {"deny", kAccess},
    {"digestauth", kAuth},
    {"docroot", kFolder},
    {"domains", kHosts},
    {"entry_points", kListen},
    {"entrypoints", kListen},
    {"error_log", kLog},
    {"error_page", kErrorPages},
    {"errorfile", kErrorPages},
    {"errorfiles", kErrorPages},
    {"ext_authz", kAuth},
    {"fail_timeout", kEjection},
    {"file_server", kFolder},
    {"filter_chains", kListen},
    {"force_https", kRedirectHttps},
    {"forward_auth", kAuth},
    {"forwardauth", kAuth},
    {"forwardedheaders", kTrustedProxies},
    {"frontend", kListen},
    {"frontends", kListen},
    {"gzip", "use compress_http: true of a route"},
    {"handle_errors", kErrorPages},
    {"hash_policy", "use balance: hash and hash: client, path, header NAME … of a backend"},
    {"health_check", kHealth},
    {"health_checks", kHealth},
    {"health_uri", kHealth},
    {"healthcheck", kHealth},
    {"heartbeat", "use ping_interval of a route's limits"},
    {"heartbeat_interval", "use ping_interval of a route's limits"},
    {"host_token", "use resolver: host_token of a route"},
    {"http2", "not supported; clients use HTTP/1.1"},
    {"http_filters", "use the keys of a route: match, auth, cors, limits …"},
    {"http_request", "use match, request_headers or access of a route"},
    {"http_response", kAnswerHeaders},
    {"httpchk", kHealth},
    {"https_redirect", kRedirectHttps},
    {"idle_timeout", kIdle},
    {"inflightreq", kClientCount},
    {"insecureskipverify", kServerTls},
    {"ip_hash", "use balance: hash and hash: client of a backend"},
    {"ipallowlist", kAccess},
    {"ipwhitelist", kAccess},
    {"jwt", kAuth},
    {"jwt_authn", kAuth},
    {"keepalive", "use pool_size of a backend"},
    {"keepalive_timeout", "use http: { idle_timeout: 60s }"},
    {"key", kCertificate},
    {"key_file", kCertificate},
    {"keyfile", kCertificate},
    {"large_client_header_buffers", "use http: { head_size: 64KiB }"},
    {"lb_policy", kBalance},
    {"least_conn", "use balance: least_sessions of a backend"},
    {"limit_conn", kClientCount},
    {"limit_conn_zone", kClientCount},
    {"limit_except", kMatch},
    {"limit_req", kClientRates},
    {"limit_req_zone", kClientRates},
    {"listen", kListen},
    {"listen_host", kListen},
    {"listen_port", kListen},
    {"listener", kListen},
    {"load_balancing", kBalance},
    {"loadbalancer", kBackend},
    {"location", kPath},
    {"locations", kPath},
    {"log_file", kLog},
    {"max_conns", "use max_sessions of a server: servers: [ { url: URL, max_sessions: 100 } ]"},
    {"max_fails", kEjection},
    {"max_message_size", "use message_size of a route's limits"},
    {"max_size", "use message_size or body_size of a route's limits"},
    {"maxconn", "use connections of a listener, and sessions of a route's limits"},
    {"maxpayload", "use message_size of a route's limits"},
    {"maxrequestbodybytes", "use body_size: 10MiB of a route's limits"},
    {"metrics", kAdmin},
    {"middlewares", "use the keys of a route: match, auth, cors, limits …"},
    {"minversion", kTlsVersion},
    {"mode", "not supported; the scheme of a server sets its protocol: tcp, ws, http …"},
    {"nbproc", kWorkers},
    {"nbthread", kWorkers},
    {"option", kHealth},
    {"origins", kCors},
    {"outlier_detection", kEjection},
    {"port", kListen},
    {"ports", kListen},
    {"prefix_rewrite", kRewrite},
    {"private_key", kCertificate},
    {"proxy_buffering", "not needed; bodies are streamed"},
    {"proxy_connect_timeout", "use connect_timeout of a backend"},
    {"proxy_http_version", "not supported; upgrades are forwarded automatically"},
    {"proxy_next_upstream", "use retry: { tries: 2, on: [ connect, timeout ] } of a backend"},
    {"proxy_pass", kBackend},
    {"proxy_read_timeout", kTimeout},
    {"proxy_request_buffering", "not needed; bodies are streamed"},
    {"proxy_send_timeout", kTimeout},
    {"proxy_set_header", kHeaders},
    {"proxy_ssl_certificate", "use tls: { certificate: { cert: FILE, key: FILE } } of a backend"},
    {"proxy_ssl_trusted_certificate", kServerTls},
    {"proxy_ssl_verify", kServerTls},
    {"rate_limit", kClientRates},
    {"ratelimit", kClientRates},
    {"real_ip_header", kTrustedProxies},
    {"record", "not supported"},
    {"redir", kRedirect},
    {"redirect", kRedirect},
    {"redirect_scheme", kRedirectHttps},
    {"redirectregex", kRedirect},
    {"redirectscheme", kRedirectHttps},
    {"regex_rewrite", kRewrite},
    {"remote_ip", kAccess},
    {"replace_path_regex", kRewrite},
    {"replacepath", kRewrite},
    {"replacepathregex", kRewrite},
    {"request_body", "use body_size: 10MiB of a route's limits"},
    {"request_headers_to_add", kHeaders},
    {"require_client_certificate", kClientCertificates},
    {"response_headers_to_add", kAnswerHeaders},
    {"retries", "use retry: { tries: 2, on: [ connect, timeout ] } of a backend"},
    {"retry_policy", "use retry: { tries: 2, on: [ connect, timeout ] } of a backend"},
    {"return", kRedirect},
    {"reverse_proxy", kBackend},
    {"rewrite", kRewrite},
    {"rewrite_target", kRewrite},
    {"root", kFolder},
    {"route_config", "use routes: [ { path: /x, backend: NAME } ]"},
    {"routers", "use routes: [ { path: /x, backend: NAME } ]"},
    {"send_timeout", "use queue_time of a route's limits"},
    {"server", kBackend},
    {"server_name", kHosts},
    {"server_names", kHosts},
    {"service", kBackend},
    {"services", kBackend},
    {"set_real_ip_from", kTrustedProxies},
    {"shutdown_timeout", "use shutdown: { timeout: 10s }"},
    {"split_clients",
     "use split: [ { backend: a, weight: 95 }, { backend: b, weight: 5 } ] of a route"},
    {"ssl", kCertificate},
    {"ssl_certificate", kCertificate},
    {"ssl_certificate_key", kCertificate},
    {"ssl_ciphers", "not supported; the ciphers are those of the OpenSSL library"},
    {"ssl_client_certificate", kClientCertificates},
    {"ssl_min_ver", kTlsVersion},
    {"ssl_only", "not supported; a listener with tls accepts nothing else"},
    {"ssl_protocols", kTlsVersion},
    {"ssl_target", "use a server tls://HOST:PORT of a backend"},
    {"ssl_verify_client", kClientCertificates},
    {"static", kFolder},
    {"stats", kAdmin},
    {"stick_table", kSticky},
    {"sticky_cookie", kSticky},
    {"sticky_sessions", kSticky},
    {"stripprefixregex", kRewrite},
    {"target", kBackend},
    {"threads", kWorkers},
    {"timeout", kTimeout},
    {"timeout_client", kIdle},
    {"timeout_connect", "use connect_timeout of a backend"},
    {"timeout_server", kTimeout},
    {"timeout_tunnel", kIdle},
    {"tls", "use tls of a listener, or of a backend"},
    {"tls_certificate", kCertificate},
    {"tls_minimum_protocol_version", kTlsVersion},
    {"token_plugin", "use resolver: token_file, redis or http of a route"},
    {"token_source", "use the options of a route with resolver: token_file, redis or http"},
    {"transport_socket", kServerTls},
    {"try_files", kFolder},
    {"unix_target", "use a server unix:/run/NAME of a backend"},
    {"upstream", kBackend},
    {"upstreams", kBackend},
    {"use_backend", "use backend: NAME of a route"},
    {"use_remote_address", kTrustedProxies},
    {"user", kPlace},
    {"verbose", kLog},
    {"verify_client", kClientCertificates},
    {"virtual_hosts", kHosts},
    {"web", kFolder},
    {"web_auth", kAuth},
    {"worker_connections", "use connections of a listener"},
    {"worker_processes", kWorkers},
    {"xff_num_trusted_hops", kTrustedProxies},
};
static_assert(std::ranges::is_sorted(kForeign, {}, &Foreign::key));

struct OwnKey {
  std::string_view key;
  std::string_view of;
};

// Keys of this program, for those who write them elsewhere. In alphabetical order.
constexpr OwnKey kOwnKeys[] = {
    {"accept_rate", "a listener"},
    {"access", "a listener or a route"},
    {"admin", "the top level"},
    {"allow_credentials", "a route's cors"},
    {"allow_headers", "a route's cors"},
    {"allow_methods", "a route's cors"},
    {"allow_origins", "a route's cors"},
    {"allow_private_network", "a route's cors"},
    {"backends", "the top level"},
    {"backlog", "a listener"},
    {"backup", "a server: servers: [ { url: URL, weight: 1 } ]"},
    {"body_rate", "http at the top level"},
    {"body_size", "a route's limits"},
    {"bytes", "a route's limits"},
    {"certificates", "a listener's tls"},
    {"client_auth", "a listener's tls"},
    {"client_ca", "a listener's tls"},
    {"client_cert_headers", "a route"},
    {"clients", "a route's match"},
    {"close_timeout", "a route's limits"},
    {"compress_http", "a route"},
    {"compression", "a route"},
    {"compression_memory", "the top level"},
    {"connect_timeout", "a backend"},
    {"connections", "a listener"},
    {"connections_per_client", "a listener"},
    {"cookies", "a route's match"},
    {"cors", "a route"},
    {"dialects", "a listener or a route"},
    {"dns", "the top level"},
    {"drain_spread", "the top level"},
    {"ejection", "a backend"},
    {"encoding", "a route"},
    {"enforce", "a route"},
    {"errors", "the top level"},
    {"expose_headers", "a route's cors"},
    {"first_byte_timeout", "a backend"},
    {"handshakes", "a route's limits"},
    {"hash", "a backend"},
    {"head_size", "http at the top level"},
    {"head_timeout", "http at the top level"},
    {"headers", "a route's match"},
    {"health", "a backend"},
    {"hosts", "a route"},
    {"hsts", "a listener"},
    {"http", "the top level"},
    {"idle", "a route's limits"},
    {"limits", "a route"},
    {"listeners", "the top level"},
    {"log", "the top level"},
    {"match", "a route"},
    {"max_age", "a route's limits"},
    {"max_sessions", "a server: servers: [ { url: URL, weight: 1 } ]"},
    {"memory", "the top level"},
    {"message_size", "a route's limits"},
    {"messages", "a route's limits"},
    {"methods", "a route's match"},
    {"min_version", "a listener's tls"},
    {"on_change", "a route"},
    {"on_down", "a backend"},
    {"options", "a route"},
    {"overload", "the top level"},
    {"path", "a route"},
    {"ping_interval", "a route's limits"},
    {"plugin", "a route"},
    {"pool_idle", "a backend"},
    {"pool_size", "a backend"},
    {"proxy_protocol", "a listener"},
    {"query", "a route's match"},
    {"queue_time", "a route's limits"},
    {"read_timeout", "a backend"},
    {"redirect_https", "a listener"},
    {"request_headers", "a route"},
    {"request_id", "http at the top level"},
    {"request_timeout", "a backend"},
    {"requests", "a route's limits"},
    {"require_origin", "a route"},
    {"resolve_interval", "the top level"},
    {"resolver", "a route"},
    {"response_headers", "a route"},
    {"retry", "a backend"},
    {"rewrite_host", "a route"},
    {"rewrite_path", "a route"},
    {"rewrite_query", "a route"},
    {"routes", "the top level"},
    {"send_proxy", "a backend"},
    {"server_compression", "a route"},
    {"server_header", "the top level"},
    {"server_message_size", "a route's limits"},
    {"servers", "a backend"},
    {"sessions", "a route's limits"},
    {"sessions_per_client", "a route's limits"},
    {"shutdown", "the top level"},
    {"slow_start", "a backend"},
    {"split", "a route"},
    {"sticky", "a backend"},
    {"strip_prefix", "a route"},
    {"subprotocols", "a route"},
    {"tls_watch", "the top level"},
    {"traceparent", "http at the top level"},
    {"trusted_proxies", "a listener"},
    {"underscores", "http at the top level"},
    {"upgrades", "a route"},
    {"watch_config", "the top level"},
    {"weight", "a server: servers: [ { url: URL, weight: 1 } ]"},
    {"workers", "the top level"},
};
static_assert(std::ranges::is_sorted(kOwnKeys, {}, &OwnKey::key));

}  // namespace

std::string_view HintForForeignKey(std::string_view of, std::string_view key) {
  // Certificates of a listener are a list, because there can be several.
  if (of.ends_with("tls") && (key == "cert" || key == "key")) {
    return of.starts_with("listeners[") || of.starts_with("admin")
               ? "write tls: { certificates: [ { cert: FILE, key: FILE } ] }"
               : "write tls: { certificate: { cert: FILE, key: FILE } }";
  }
  const auto it = std::ranges::lower_bound(kForeign, key, {}, &Foreign::key);
  return it != std::end(kForeign) && it->key == key ? it->hint : std::string_view();
}

std::string_view PlaceOfKey(std::string_view key) {
  const auto it = std::ranges::lower_bound(kOwnKeys, key, {}, &OwnKey::key);
  return it != std::end(kOwnKeys) && it->key == key ? it->of : std::string_view();
}

}  // namespace upgate::config
