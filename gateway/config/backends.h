#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/config/error.h"
#include "gateway/config/files.h"
#include "gateway/config/millis.h"

namespace upgate::config {

// The backends of a Config: their servers, and how these are chosen, checked and connected to.

enum class ServerScheme : std::uint8_t { kTcp, kTls, kUnix, kWs, kWss, kHttp, kHttps };

// What is relayed between a client and a server: payload bytes, WebSocket frames, or HTTP including
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
  // What the name in its address stands for.
  enum class Resolve : std::uint8_t {
    kAny,   // one server: any of the addresses that it has when a connection is made
    kEach,  // a server for each address
    kSrv,   // a server for each target of its SRV records; the address has no port
  };
  ServerScheme scheme = ServerScheme::kTcp;
  std::variant<HostPort, UnixPath> address;
  // Addresses to connect to in place of those that the name has when it is looked up. Only for the
  // targets of resolvers, whose addresses were checked, and for one address of a name.
  std::vector<Ip> pinned = {};
  std::string url;        // as written, for logs and statistics
  std::size_t index = 0;  // among all servers of the configuration, in file order
  Mark mark;
  std::uint32_t weight = 1;        // its share of new clients relative to the others, 1 to 1000
  bool backup = false;             // gets clients only while no other server can take them
  std::uint64_t max_sessions = 0;  // sessions and requests at once, over all loops; 0: no limit
  Resolve resolve = Resolve::kAny;
  // The URL as written of a name that stands for this server among others; then `url` has the
  // address. Empty for a server of the file.
  std::string origin = {};
  // Gets clients only while none of a lower tier can take them. From SRV records; backups come
  // after all of these.
  std::uint32_t tier = 0;
};

// The version of the PROXY protocol by which servers learn the client's address.
enum class SendProxy : std::uint8_t { kOff, kV1, kV2 };

// TLS settings for connections to the servers of a backend.
struct ClientTls {
  bool verify = true;
  std::optional<FilePath> ca;              // nullopt: the system's CA certificates
  std::optional<std::string> server_name;  // SNI and the name to verify; nullopt: the server's host
  std::optional<Certificate> certificate;  // client certificate to present
};

// How a server is chosen for a new client.
enum class Balance : std::uint8_t {
  kRoundRobin,
  kLeastSessions,  // the one with the fewest sessions for its weight
  kRandomTwo,      // the better one of two chosen at random
  kHash,           // the same server for the same key, as long as that server can take clients
};

// What a request is hashed by.
struct HashKey {
  enum class Kind : std::uint8_t { kClient, kPath, kHost, kHeader, kCookie, kQuery };
  Kind kind = Kind::kClient;
  std::string name;  // of the header field, cookie or query parameter
};

// As written in the file.
std::string_view NameOf(Balance balance);
std::string ToString(const HashKey& key);

// When a server that fails gets no new clients for a while.
struct Ejection {
  std::uint32_t failures = 3;  // in a row
  Millis time{10'000};         // the first time; doubles each time, up to kLongestEjection
  std::uint32_t most = 50;     // percentage of a backend's servers that may be ejected at once
};
inline constexpr Millis kLongestEjection = std::chrono::minutes(5);

// A cookie that leads a client back to its server.
struct Sticky {
  enum class Secure : std::uint8_t { kAuto, kNo, kYes };  // kAuto: if the client uses TLS
  enum class SameSite : std::uint8_t { kLax, kStrict, kNone };
  std::string cookie = "upgate";
  Millis max_age{0};  // 0: until the browser is closed
  std::string path = "/";
  Secure secure = Secure::kAuto;
  SameSite same_site = SameSite::kLax;
  std::optional<FilePath> secret_file;  // nullopt: a key of its own, until the process ends
};

// How the servers of a backend are asked whether they work.
struct HealthCheck {
  enum class Kind : std::uint8_t {
    kTcp,   // a connection, TLS included; and what `send` and `expect` say
    kHttp,  // GET `path`, answered with a status of `statuses`
    kWs,    // an opening handshake at `path`, a ping and its pong
  };
  struct StatusRange {
    int first = 200;
    int last = 399;
  };
  Kind kind = Kind::kTcp;
  Millis interval{5'000};
  Millis timeout{2'000};   // of one check; at most the interval
  std::uint32_t rise = 2;  // good checks in a row that bring a server up
  std::uint32_t fall = 3;  // bad ones that take it down
  std::string path = "/healthz";
  std::vector<StatusRange> statuses{StatusRange{}};
  std::string send;    // empty: nothing
  std::string expect;  // to be found in what the server sends; empty: anything
};

// What becomes of the sessions of a server that health checks find down.
enum class OnDown : std::uint8_t {
  kKeep,
  kClose,  // closed with 1012, spread over drain_spread
};

// When another server gets a request that a server has failed.
struct Retry {
  std::uint32_t tries = 2;  // servers in all
  bool connect = true;      // no connection, or it broke before an answer
  bool timeout = true;      // no answer in time
  bool status = true;       // 502, 503 or 504 to a WebSocket handshake, of a ws server
};

struct Backend {
  std::string name;
  std::vector<Server> servers;  // at least one, all with the same kind of relay
  Relay relay = Relay::kBytes;
  Millis connect_timeout{3'000};  // for name lookup, connection, TLS and 101 of one server
  // For HTTP; 0: no limit.
  Millis first_byte_timeout{120'000};  // from the end of the request to the response head
  Millis read_timeout{60'000};         // between two pieces of the response, or of the request
  Millis request_timeout{0};           // the whole exchange
  std::uint32_t pool_size = 64;        // connections kept open for reuse, per loop
  Millis pool_idle{60'000};            // maximum idle time of a pooled connection
  // With it, connections are not pooled: each belongs to one client.
  SendProxy send_proxy = SendProxy::kOff;
  ClientTls tls;
  Balance balance = Balance::kRoundRobin;
  HashKey hash;          // with kHash
  Millis slow_start{0};  // until a server that came back gets its whole share; 0: at once
  std::optional<Sticky> sticky;
  std::optional<Ejection> ejection{std::in_place};  // nullopt: never
  std::optional<HealthCheck> health;
  OnDown on_down = OnDown::kKeep;
  Millis resolve_interval{0};  // between two lookups of names that stand for several servers
  std::optional<Retry> retry;  // nullopt: only where no connection could be made, with any server
  Mark mark;
  std::string words;  // of its part of the file; see WordsOf
};

}  // namespace upgate::config
