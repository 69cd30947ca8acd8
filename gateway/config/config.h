#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/log.h"
#include "gateway/config/dialect.h"
#include "gateway/config/error.h"
#include "gateway/config/value.h"

namespace upgate::config {

using Millis = std::chrono::milliseconds;

// Every struct here is plain data, checked by Parse: names that refer to others exist, ranges hold.
// Nothing changes after that; threads share it through a shared_ptr<const Config>. Defaults stand
// here and nowhere else.

// A path of a file, made absolute against the folder of the configuration file, and where it was
// written.
struct FilePath {
  std::string path;
  Mark mark;
  std::string key;  // "listeners[0].tls.certificates[0].cert"
};

struct Certificate {
  FilePath cert;  // PEM: the certificate and its chain
  FilePath key;   // PEM
};

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };
enum class ClientAuth : std::uint8_t { kNone, kOptional, kRequired };

struct ListenerTls {
  std::vector<Certificate> certificates;  // at least one; the first is the default
  TlsVersion min_version = TlsVersion::kTls12;
  ClientAuth client_auth = ClientAuth::kNone;
  std::optional<FilePath> client_ca;  // present unless client_auth is none
};

// Where to listen: a literal address or name with a port, or a unix socket.
struct ListenAddress {
  std::variant<HostPort, UnixPath> where;
  Mark mark;
  std::string key;  // "listeners[0].address"
  std::string ToString() const;
};

// Whose word about its clients is believed (Forwarded and X-Forwarded-*).
struct TrustedProxies {
  std::vector<Cidr> blocks;
  bool unix_sockets = false;  // who comes by a unix socket has no address
};

struct Listener {
  ListenAddress address;
  std::optional<ListenerTls> tls;
  TrustedProxies trusted_proxies;
  DialectSet dialects{Dialect::kRfc6455};  // of routes that say nothing about it
  int backlog = 1024;
  std::uint64_t connections = 0;  // open at the same time, over all loops; 0: no limit
};

// Bounds of the HTTP/1.1 side of every listener.
struct HttpLimits {
  std::uint64_t head_size = 64 * 1024;
  std::uint32_t headers = 100;
  Millis head_timeout{10'000};
  Millis idle_timeout{60'000};
  std::uint64_t body_rate = 240;  // bytes per second of a request body at least; 0: any
  bool underscores = false;       // header fields with '_' in their names are kept, not dropped
};

enum class ServerScheme : std::uint8_t { kTcp, kTls, kUnix, kWs, kWss, kHttp, kHttps };

// What passes between a client and a server: payload bytes, WebSocket frames, or HTTP with its
// upgrades.
enum class Relay : std::uint8_t { kBytes, kFrames, kHttp };

constexpr Relay RelayOf(ServerScheme scheme) {
  if (scheme == ServerScheme::kWs || scheme == ServerScheme::kWss) return Relay::kFrames;
  if (scheme == ServerScheme::kHttp || scheme == ServerScheme::kHttps) return Relay::kHttp;
  return Relay::kBytes;
}

constexpr bool IsSecure(ServerScheme scheme) {
  return scheme == ServerScheme::kTls || scheme == ServerScheme::kWss ||
         scheme == ServerScheme::kHttps;
}

struct Server {
  ServerScheme scheme = ServerScheme::kTcp;
  std::variant<HostPort, UnixPath> address;
  std::string url;        // as written, for logs and statistics
  std::size_t index = 0;  // of all servers of the configuration, in file order
  Mark mark;
};

// TLS towards the servers of a backend.
struct ClientTls {
  bool verify = true;
  std::optional<FilePath> ca;              // nothing: the system's
  std::optional<std::string> server_name;  // SNI and the name verified; nothing: the server's host
  std::optional<Certificate> certificate;  // what we show to the server
};

struct Backend {
  std::string name;
  std::vector<Server> servers;  // at least one, all of one kind of relay
  Relay relay = Relay::kBytes;
  Millis connect_timeout{3'000};  // name, connection, TLS and 101 of one server
  // Of HTTP; 0: no limit.
  Millis first_byte_timeout{120'000};  // from the end of the request to the head of the answer
  Millis read_timeout{60'000};         // between two pieces of the answer, and of the request
  Millis request_timeout{0};           // the whole exchange
  std::uint32_t pool_size = 64;        // connections kept open for later requests, on each loop
  Millis pool_idle{60'000};            // how long one of these waits for a request
  ClientTls tls;
  Mark mark;
};

// One entry of allow_origins: "*", "null", "https://a.example", "https://*.example.com[:port]",
// "http://localhost:*", or the text of an origin of another scheme, "app://.".
struct OriginPattern {
  enum class Kind : std::uint8_t { kAny, kNull, kExact, kSubdomains, kText };
  Kind kind = Kind::kAny;
  std::string scheme;      // lower case; of http, https, ws and wss
  std::string host;        // lower case; of kSubdomains without "*."; of kText the whole origin
  std::uint16_t port = 0;  // the scheme's default filled in
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

struct PathPattern {
  // Of a compiled regular expression and of what matching remembers, in bytes: what one route may
  // cost.
  static constexpr std::int64_t kRegexMemory = 1024 * 1024;

  enum class Kind : std::uint8_t { kExact, kPrefix, kRegex };
  Kind kind = Kind::kExact;
  // kExact: the path. kPrefix: without "/*" ("/live/*" -> "/live", "/*" -> ""). kRegex: the RE2
  // expression without '~'.
  std::string text;
  std::string written;           // as the file has it
  std::size_t instructions = 0;  // of the compiled expression, kRegex only
};

struct HostPattern {
  std::string host;       // lower case; of a wildcard without "*."
  bool wildcard = false;  // "*.example.org": one or more labels in front
};

enum class Encoding : std::uint8_t { kAuto, kBinary, kText, kBase64 };

// Puts `to` in the place of `from` at the beginning of a value.
struct Replacement {
  std::string from;
  std::string to;
};

// What the gateway changes in the answers of an HTTP server.
struct Rewrite {
  std::optional<Replacement> location;       // the beginning of Location and Content-Location
  std::optional<Replacement> cookie_domain;  // the Domain of Set-Cookie; to "": taken out
  std::optional<Replacement> cookie_path;    // the beginning of the Path of Set-Cookie
};

struct RouteLimits {
  std::uint64_t message_size =
      1024 * 1024;  // of one client message, in bytes of payload; over it 1009
  std::uint64_t server_message_size = 0;  // the same of a WebSocket server's; 0: no limit
  std::uint64_t sessions = 0;             // open at once on this route; 0: no limit; over it 503
  // Nothing from either end, pings and pongs included, but for the answers to our own; 0: for ever.
  Millis idle{0};
  Millis ping_interval{
      30'000};  // silence of the client before a ping, and then before it is given up; 0: no pings
  Millis close_timeout{5'000};  // how long a closing session waits for the rest and for the peer
  friend bool operator==(const RouteLimits&, const RouteLimits&) = default;
};

// Most payload bytes of one message of a server, in a form that needs no case of its own for "no
// limit": so large that there can be no such message, and small enough to be added to.
constexpr std::uint64_t MostOfServer(const RouteLimits& limits) {
  return limits.server_message_size != 0 ? limits.server_message_size : std::uint64_t{1} << 62;
}

// permessage-deflate (RFC 7692) with clients. The defaults keep nothing for a session that is idle:
// no context takeover either way, and a window for what clients send that 10,000 of them may use at
// once.
struct Compression {
  int level = 3;                   // 1 (fast) to 9 (small)
  std::uint64_t threshold = 1024;  // bytes of payload; shorter messages go as they are
  bool server_no_context_takeover = true;
  bool client_no_context_takeover = true;
  std::uint8_t server_max_window_bits = 15;  // 8 to 15
  std::uint8_t client_max_window_bits = 12;  // 8 to 15; for clients that can do with less than 15
};

struct Route {
  PathPattern path;
  std::vector<HostPattern> hosts;      // empty: any host
  std::optional<std::string> backend;  // exactly one of backend and plugin
  std::optional<std::string> plugin;
  Mark plugin_mark;
  Value options;  // the plugin's own settings, checked by it; an empty map when there are none
  std::vector<std::string> subprotocols;
  Encoding encoding = Encoding::kAuto;
  std::optional<DialectSet> dialects;  // nothing: those of the listener
  // Of a route to WebSocket or HTTP servers: the gateway is an end towards both sides and holds
  // them to the rules of RFC 6455; otherwise frames pass as they are.
  bool enforce = false;
  // Where the gateway is the client's WebSocket end; nothing: its offers of extensions are not
  // taken.
  std::optional<Compression> compression;
  // With enforce: offered to the server; nothing: no extension is. "server" and "client" (we) are
  // as in the standard.
  std::optional<Compression> server_compression;
  std::optional<Cors> cors;
  bool preserve_host = true;  // HTTP servers get the client's Host; else their own address
  bool forwarded = true;      // HTTP servers get X-Forwarded-*, Forwarded and Via
  Rewrite rewrite;
  bool require_origin = false;  // refuses requests without an Origin header
  RouteLimits limits;
  std::size_t index = 0;  // in file order
  Mark mark;
};

// What may be held for clients: bytes, or a part of the memory that there is.
struct MemoryLimit {
  std::uint64_t bytes = 0;  // 0: `percent` counts
  std::uint32_t percent = 25;
};
inline constexpr std::uint64_t kLeastMemoryLimit = 16 * 1024 * 1024;

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
};

struct Config {
  std::string file;                 // for messages; empty when it came from memory
  std::string folder;               // where relative paths start
  std::vector<Listener> listeners;  // at least one
  std::optional<ListenAddress> admin;
  std::uint32_t workers = 0;             // loops; 0: one a core
  std::string server_header = "upgate";  // empty: no Server header
  HttpLimits http;
  // Most that all compressed sessions together may come to hold for it, in bytes.
  std::uint64_t compression_memory = 256 * 1024 * 1024;
  // Most that is held for all clients together.
  MemoryLimit memory;
  Millis shutdown_timeout{10'000};  // from SIGTERM to the end, at most
  LogSettings log;
  std::map<std::string, Backend> backends;
  std::vector<Route> routes;  // at least one, in file order
  std::size_t server_count = 0;
};

}  // namespace upgate::config
