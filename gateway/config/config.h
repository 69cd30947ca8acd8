#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/log.h"
#include "gateway/base/rate.h"
#include "gateway/config/backends.h"
#include "gateway/config/dialect.h"
#include "gateway/config/error.h"
#include "gateway/config/files.h"
#include "gateway/config/millis.h"
#include "gateway/config/rewriting.h"
#include "gateway/config/route_match.h"
#include "gateway/config/value.h"

namespace upgate::config {

// All structs here and in backends.h are plain data, validated by Parse: references by name
// resolve, ranges hold. Immutable after that; threads share them through a shared_ptr<const
// Config>. Defaults are defined only here.

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };
enum class ClientAuth : std::uint8_t { kNone, kOptional, kRequired };

struct ListenerTls {
  std::vector<Certificate> certificates;  // at least one; the first is the default
  TlsVersion min_version = TlsVersion::kTls12;
  ClientAuth client_auth = ClientAuth::kNone;
  std::optional<FilePath> client_ca;  // set unless client_auth is none
};

// A listening address: an IP address or name with a port, or a unix socket.
struct ListenAddress {
  std::variant<HostPort, UnixPath> where;
  Mark mark;
  std::string key;  // "listeners[0].address"
  std::string ToString() const;
  // True if only this machine can connect: a unix socket, a loopback address or localhost.
  bool IsLocal() const;
};

// Peers or clients, by their addresses.
struct AddressSet {
  std::vector<Cidr> blocks;
  bool unix_sockets = false;  // peers on unix sockets, which have no address
  bool empty() const { return blocks.empty() && !unix_sockets; }
  bool Has(const SocketAddress& peer) const;
};

// The peers whose Forwarded and X-Forwarded-* headers, and PROXY headers, are trusted.
using TrustedProxies = AddressSet;

// Which clients may use a listener or a route, by their addresses. Those in `deny` may not, even if
// `allow` has them, too.
struct Access {
  std::optional<AddressSet> allow;  // nullopt: everybody
  AddressSet deny;
  bool empty() const { return !allow && deny.empty(); }
  bool Allows(const SocketAddress& client) const;
  // For a client whose address a proxy hides.
  bool allows_unknown() const { return !allow; }
};

// Strict-Transport-Security (RFC 6797), for responses over TLS.
struct Hsts {
  Millis max_age{0};
  bool include_subdomains = false;
  bool preload = false;
  std::string ToString() const;  // the value of the field
};

struct Listener {
  std::string words;  // of its part of the file; see WordsOf
  std::string name;   // by which routes can refer to it; empty: only by its address
  ListenAddress address;
  std::optional<ListenerTls> tls;
  TrustedProxies trusted_proxies;
  // Every connection begins with a PROXY header, before TLS; only from trusted_proxies.
  bool proxy_protocol = false;
  Access access;                           // by the connection's address; others are closed
  DialectSet dialects{Dialect::kRfc6455};  // for routes that do not set dialects
  int backlog = 1024;
  std::uint64_t connections = 0;  // concurrent connections over all loops; 0: no limit
  // The same for each client: an IPv4 address, or the /64 of an IPv6 address.
  std::uint64_t connections_per_client = 0;
  Rate accept_rate;  // of new connections; others wait in the backlog
  // The port of the https URL that requests over plain HTTP are redirected to; 0: none are.
  std::uint16_t redirect_https = 0;
  std::optional<Hsts> hsts;
  // The name, or without one the address as ToString writes it.
  std::string identity() const { return name.empty() ? address.ToString() : name; }
};

// Limits of the HTTP/1.1 side of every listener.
struct HttpLimits {
  std::uint64_t head_size = 64 * 1024;
  std::uint32_t headers = 100;
  Millis head_timeout{10'000};
  Millis idle_timeout{60'000};
  std::uint64_t body_rate = 240;  // minimum rate of a request body in bytes per second; 0: none
  bool underscores = false;       // keep header fields whose names contain '_'
  bool request_id = false;        // every request has an X-Request-ID, in the response and the log
  bool traceparent = false;       // the same for W3C Trace Context, without the response
};

// An entry of allow_origins: "*", "null", "https://a.example", "https://*.example.com[:port]",
// "http://localhost:*", or the text of an origin with another scheme, "app://.".
struct OriginPattern {
  enum class Kind : std::uint8_t { kAny, kNull, kExact, kSubdomains, kText };
  Kind kind = Kind::kAny;
  std::string scheme;      // lower case; only for http, https, ws and wss
  std::string host;        // lower case; for kSubdomains without "*."; for kText the whole origin
  std::uint16_t port = 0;  // the scheme's default if none was given
  bool any_port = false;
};

struct Cors {
  std::vector<OriginPattern> allow_origins;
  std::vector<std::string> allow_methods;  // for preflights; empty: GET, HEAD, POST
  std::vector<std::string> allow_headers;
  std::vector<std::string> expose_headers;
  bool allow_credentials = false;
  bool allow_private_network = false;
  std::optional<Millis> max_age;
};

enum class Encoding : std::uint8_t { kAuto, kBinary, kText, kBase64 };

// Replaces `from` at the beginning of a value by `to`.
struct Replacement {
  std::string from;
  std::string to;
};

// Changes to the responses of an HTTP server.
struct Rewrite {
  std::optional<Replacement> location;       // the beginning of Location and Content-Location
  std::optional<Replacement> cookie_domain;  // the Domain of Set-Cookie; "" removes it
  std::optional<Replacement> cookie_path;    // the beginning of the Path of Set-Cookie
};

// How fast each session may send in one direction.
struct SessionRate {
  enum class Over : std::uint8_t {
    kDelay,  // the peer is not read until it may send again
    kClose,  // Close 1008
  };
  enum class From : std::uint8_t { kBoth, kClient, kServer };
  Rate rate;  // none by default
  Over over = Over::kDelay;
  From from = From::kBoth;  // whose sending is limited; each by itself
  friend bool operator==(const SessionRate&, const SessionRate&) = default;
};

// gzip of the bodies of HTTP responses.
struct HttpCompression {
  int level = 4;                  // 1 (fast) to 9 (small)
  std::uint64_t min_size = 1024;  // bytes; shorter bodies are sent as they are
  std::vector<std::string> types{"text/*",
                                 "application/javascript",
                                 "application/json",
                                 "application/ld+json",
                                 "application/manifest+json",
                                 "application/xml",
                                 "application/wasm",
                                 "image/svg+xml"};  // "text/*": all of that type
};

struct RouteLimits {
  // Payload bytes of one client message; 1009 above it.
  std::uint64_t message_size = 1024 * 1024;
  std::uint64_t server_message_size = 0;  // the same for a WebSocket server's messages; 0: no limit
  std::uint64_t body_size = 0;  // of the body of an HTTP request; 413 above it; 0: no limit
  std::uint64_t sessions = 0;   // concurrent sessions on this route; 503 above it; 0: no limit
  // By client; 429 above them.
  enum class By : std::uint8_t {
    kAddress,  // an IPv4 address, or the /64 of an IPv6 address
    kUser,     // as the route's `auth` found; by address for nobody
  };
  By by = By::kAddress;
  std::uint64_t sessions_per_client = 0;  // 0: no limit
  Rate handshakes;                        // of WebSocket; none by default
  Rate requests;                          // all others; none by default
  // By session and direction.
  SessionRate messages;
  SessionRate bytes;  // payload
  // A client that takes nothing of what waits for it for so long is closed with 1013; 0: never.
  Millis queue_time{0};
  // Time without traffic in either direction, including pings and pongs but not the Pongs that
  // answer the gateway's own pings; 0: no limit.
  Millis idle{0};
  // Silence of the client before a ping, and again before the session is ended; 0: no pings.
  Millis ping_interval{30'000};
  // A session of this age is closed with 1012, or up to a tenth of it earlier; 0: never.
  Millis max_age{0};
  Millis close_timeout{5'000};  // how long a closing session waits for queued data and for the peer
  friend bool operator==(const RouteLimits&, const RouteLimits&) = default;
};

// Maximum payload bytes of one server message, with "no limit" as a value larger than any possible
// message but small enough to allow addition.
constexpr std::uint64_t MostOfServer(const RouteLimits& limits) {
  return limits.server_message_size != 0 ? limits.server_message_size : std::uint64_t{1} << 62;
}

// permessage-deflate (RFC 7692) with clients. With the defaults an idle session holds no
// compression state: no context takeover in either direction, and a window for client messages
// small enough for 10,000 concurrent users.
struct Compression {
  int level = 3;                   // 1 (fast) to 9 (small)
  std::uint64_t threshold = 1024;  // payload bytes; shorter messages are not compressed
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  std::uint8_t server_max_window_bits = 15;  // 8 to 15
  std::uint8_t client_max_window_bits = 12;  // 8 to 15; for clients that support less than 15
};

// A place in a request where a token may stand.
struct TokenPlace {
  enum class Kind : std::uint8_t { kQuery, kPath, kHost, kHeader, kCookie };
  Kind kind = Kind::kQuery;
  std::string name;  // of the parameter, field or cookie
};

// What a resolver's answers may lead to: an entry of `allow`.
struct TargetPattern {
  enum class Kind : std::uint8_t { kHost, kSubdomains, kBlock, kUnixSocket, kUnixFolder };
  Kind kind = Kind::kHost;
  // Lower case, without a trailing dot; for kSubdomains without "*."; a path for unix sockets,
  // without "/*" for a folder.
  std::string text;
  Cidr block;
  std::uint16_t first_port = 0;  // inclusive; not for unix sockets
  std::uint16_t last_port = 0;
  std::string written;
};

// A route's server is looked up for each client: by a token in the request, with a plugin.
struct Resolver {
  std::string name;  // of the plugin
  Mark mark;
  std::vector<TokenPlace> from;      // the first that is there; at least one
  std::vector<TargetPattern> allow;  // at least one
  Millis timeout{3'000};             // for the answer and the look-up of the name in it
  // How long an answer is used again, unless the resolver says how long; 0: not at all.
  Millis cache{0};
  // HTTP and WebSocket servers do not get the token's query parameter.
  bool strip_query = false;
  ServerScheme scheme = ServerScheme::kTcp;  // of answers without one; all have its kind of relay
  Backend backend;                           // how targets are connected to; no servers
};

// A way to find out who a client is: an entry of `auth`.
struct Authenticator {
  std::string name;
  std::string kind;  // of the plugin: "jwt"
  Value options;     // validated by it
  Mark mark;
  std::string words;  // of its part of the file; see WordsOf
};

// Who may use a route.
struct RouteAuth {
  // Of authenticators; at least one. The first that finds its kind of credential decides.
  std::vector<std::string> use;
  bool optional = false;  // a client without any credential is let in as nobody
  // Sessions are closed with this code when their credential ends. 3000 is registered as
  // Unauthorized.
  std::uint16_t expired_code = 3000;
};

// What becomes of a route's open sessions when a new configuration leads elsewhere or has not got
// their route, server or listener any more.
enum class OnChange : std::uint8_t {
  kDrain,  // closed with 1012, spread over drain_spread
  kKeep,   // left alone
  kClose,  // closed with 1012 at once
};

struct Route {
  // What statistics, the log and the admin address call it; unique. Where the file has none: the
  // path and the hosts as written, with " #2" and so on where that is taken.
  std::string name;
  PathPattern path;
  std::vector<HostPattern> hosts;  // empty: any host
  Conditions match;
  // Exactly one of backend, plugin and resolver; with `split`, the backend is its first.
  std::optional<std::string> backend;
  std::vector<Share> split;  // at least two backends, all with the same kind of relay; or none
  std::optional<std::string> plugin;
  Mark plugin_mark;
  std::shared_ptr<const Resolver> resolver;
  // The settings of the plugin or resolver, validated by it; an empty map if there are none.
  Value options;
  std::vector<std::string> subprotocols;
  Encoding encoding = Encoding::kAuto;
  std::optional<DialectSet> dialects;  // nullopt: those of the listener
  // For routes to WebSocket or HTTP servers: the gateway is a WebSocket endpoint towards both sides
  // and enforces RFC 6455; otherwise frames pass through unchanged.
  bool enforce = false;
  // Used where the gateway is the client's WebSocket endpoint; nullopt: offered extensions are
  // declined.
  std::optional<Compression> compression;
  // With enforce: offered to the server; nullopt: no extension is offered. "server" and "client"
  // (the gateway) as in the standard.
  std::optional<Compression> server_compression;
  std::optional<HttpCompression> compress_http;  // nullopt: bodies are sent as they are
  std::optional<Cors> cors;
  bool preserve_host = true;  // HTTP servers get the client's Host; otherwise their own address
  bool forwarded = true;      // HTTP servers get X-Forwarded-*, Forwarded and Via
  Rewrite rewrite;
  Rewriting rewriting;
  // Protocols other than WebSocket that HTTP servers may switch to, in lower case.
  std::vector<std::string> upgrades;
  bool require_origin = false;    // refuse requests without an Origin header
  std::optional<RouteAuth> auth;  // nullopt: anybody
  Access access;                  // by the client's address, as trusted proxies report it; else 403
  RouteLimits limits;
  OnChange on_change = OnChange::kDrain;
  std::size_t index = 0;  // in file order
  Mark mark;
  std::string words;          // of its part of the file; see WordsOf
  std::string options_words;  // of `options`
};

// Limit for memory held for clients: bytes, or a percentage of the available memory.
struct MemoryLimit {
  std::uint64_t bytes = 0;  // 0: use `percent`
  std::uint32_t percent = 25;
};
inline constexpr std::uint64_t kLeastMemoryLimit = 16 * 1024 * 1024;

// When new handshakes are refused.
struct OverloadLimits {
  // Of the memory that the process uses, relative to that of its control group or the machine.
  MemoryLimit memory{.percent = 80};
  Millis loop_lag{100};  // of the 99th percentile of the turns of an event loop; 0: none
};

// Which ordinary HTTP requests have a line in the log.
enum class LogRequests : std::uint8_t {
  kOff,
  kErrors,  // those answered with 4xx or 5xx, of which a flood is cut short
  kAll
};

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  LogRequests requests = LogRequests::kErrors;
};

// How the gateway stops, from SIGTERM on.
struct Shutdown {
  Millis delay{0};            // served as before, but not ready: time for a balancer to notice
  Millis spread{0};           // how long the closes of the sessions are spread, after the delay
  Millis timeout{10'000};     // from the signal; what is left then is cut off
  std::uint16_t code = 1001;  // of the closes
};

// The address for operators.
struct Admin {
  ListenAddress address;
  // The tokens that requests must carry; set unless the address is local.
  std::optional<FilePath> token_file;
  // The names it may be addressed by, besides IP addresses and localhost.
  std::vector<HostPattern> hosts;
  std::optional<ListenerTls> tls;
};

struct Config {
  std::string file;                 // for messages; empty if not read from a file
  std::string folder;               // the base of relative paths
  std::vector<Listener> listeners;  // at least one
  std::optional<Admin> admin;
  std::uint32_t workers = 0;             // loops; 0: one per core
  std::string server_header = "upgate";  // empty: no Server header
  HttpLimits http;
  // Limit for the compression state of all sessions together, in bytes.
  std::uint64_t compression_memory = 256 * 1024 * 1024;
  // Limit for the memory held for all clients together.
  MemoryLimit memory;
  OverloadLimits overload;
  Shutdown shutdown;
  // How long the closes are spread of sessions that a new configuration ends.
  Millis drain_spread{10'000};
  // For backends that do not say so themselves.
  Millis resolve_interval{30'000};
  // Name servers in the place of the system's, "127.0.0.1:5353"; empty: the system's.
  std::vector<std::string> dns_servers;
  Millis tls_watch{30'000};  // between two looks at the files of certificates; 0: never
  Millis watch_config{0};    // between two looks at `file`; 0: never
  // Pages for errors that the gateway answers with: by status, "404", or class, "5xx".
  std::map<std::string, FilePath> errors;
  LogSettings log;
  std::map<std::string, Authenticator> auth;
  std::map<std::string, Backend> backends;
  std::vector<Route> routes;  // at least one, in file order
  std::size_t server_count = 0;

  // How the servers behind a route are connected to: those of its backend, or those that its
  // resolver finds. nullptr for a plugin.
  const Backend* BackendOf(const Route& route) const;
};

}  // namespace upgate::config
