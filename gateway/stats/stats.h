#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/overload.h"
#include "gateway/base/proxy_header.h"
#include "gateway/base/result.h"
#include "gateway/config/dialect.h"
#include "gateway/io/memory.h"
#include "gateway/stats/certificate.h"
#include "gateway/stats/row_table.h"

namespace upgate::stats {

// A number that one thread changes and any thread may read: a plain load, add and store, no locked
// instruction.
class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // For gauges, such as what is open now.
  void Subtract(std::uint64_t n = 1) { Add(~n + 1); }
  std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Counts values by powers of two: bucket i holds values whose bit width is i: 0, 1, 2-3, 4-7, …
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 41;  // the last one holds everything from 2^39 on
  void Record(std::uint64_t value, std::uint64_t times = 1) {
    const auto width = static_cast<std::size_t>(std::bit_width(value));
    buckets_[width < kBuckets ? width : kBuckets - 1].Add(times);
    sum_.Add(value * times);
  }
  // Adds everything that `other` has recorded.
  void Add(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i].Add(other.bucket(i));
    sum_.Add(other.sum());
  }
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].Get(); }
  std::uint64_t sum() const { return sum_.Get(); }
  // The largest value that bucket i can hold.
  static constexpr std::uint64_t UpperBound(std::size_t i) { return (std::uint64_t{1} << i) - 1; }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

// The outcome of an opening handshake. The names used in statistics are in kHandshakeOutcomeNames.
enum class HandshakeOutcome : std::uint8_t {
  kAccepted,
  kBadRequest,       // 400, 405, 426: not a valid handshake
  kForbiddenOrigin,  // 403
  kNoSubprotocol,    // 400: none in common with the route
  kTooManySessions,  // 503: the route's limit
  kBackendFailed,    // 502
  kBackendTimeout,   // 504
  kClientGone,       // before the response
  kShuttingDown,     // 503
  kServerRefused,    // a WebSocket or HTTP server answered with something other than 101
  kNoResources,      // 503: no descriptors or memory for the connection to the server
  kDrained,          // 503: an operator has taken the route, or every server of it, out of service
  kServersOut,       // 503: every server is ejected, or down by health checks
  kServersFull,      // 503: every server has its max_sessions
  kNoTarget,         // 404: no token, or an unknown one, on a route with a resolver
  kUnauthorized,     // refused by the route's `auth`; see AuthOutcome
  kForbiddenClient,  // 403: by the route's `access`
  kTooManyOfClient,  // 429: the route's limits by client
  kOverloaded,       // 503: the process is out of memory or time
};
inline constexpr std::size_t kHandshakeOutcomes = 19;
inline constexpr std::array<std::string_view, kHandshakeOutcomes> kHandshakeOutcomeNames{
    "accepted",          "bad_request",        "forbidden_origin", "no_subprotocol",
    "too_many_sessions", "backend_failed",     "backend_timeout",  "client_gone",
    "shutting_down",     "server_refused",     "no_resources",     "drained",
    "servers_out",       "servers_full",       "no_target",        "unauthorized",
    "forbidden_client",  "too_many_of_client", "overloaded"};

// How the look-up of a client's server ended, on a route with a resolver. The names used in
// statistics are in kResolutionNames.
enum class Resolution : std::uint8_t {
  kFound,
  kCached,   // found among the answers of before
  kUnknown,  // 404: no token, or an unknown one
  kRefused,  // 502: the target is not in `allow`, or none that a route of this kind can have
  kFailed,   // 502: the resolver is broken, or the target's name has no address
  kTimeout,  // 504
  kGone,     // the client went away meanwhile
};
inline constexpr std::size_t kResolutions = 7;
inline constexpr std::array<std::string_view, kResolutions> kResolutionNames{
    "found", "cached", "unknown", "refused", "failed", "timeout", "client_gone"};

// How the check of a request's credentials ended, on a route with `auth`. The names used in
// statistics are in kAuthOutcomeNames.
enum class AuthOutcome : std::uint8_t {
  kAllowed,
  kNobody,       // let in without a credential: `optional`
  kMissing,      // 401: no credential
  kMalformed,    // 401: it cannot be read, or is too long
  kWrong,        // 401: an unknown user or token, a wrong password, a wrong signature
  kExpired,      // 401
  kNotYetValid,  // 401
  kForeign,      // 401: a good token of another issuer, or for another audience
  kForbidden,    // 403: it does not meet what is required
  kTooMany,      // 429: too many failures from the address, or too many checks at once
  kDenied,       // what a service that was asked has answered
  kFailed,       // 502: the check itself failed
  kTimeout,      // 504
  kGone,         // the client went away meanwhile
};
inline constexpr std::size_t kAuthOutcomes = 14;
inline constexpr std::array<std::string_view, kAuthOutcomes> kAuthOutcomeNames{
    "allowed", "nobody",    "missing",  "malformed", "wrong",  "expired", "not_yet_valid",
    "foreign", "forbidden", "too_many", "denied",    "failed", "timeout", "client_gone"};

// Traffic in one direction between the gateway and WebSocket peers of one kind.
struct Traffic {
  Counter text_messages;
  Counter binary_messages;
  Counter bytes;   // payload of data frames
  Counter frames;  // data frames
  Counter pings;
  Counter pongs;
  Counter closes;
  Histogram message_size;  // bytes
  Counter rate_waits;      // times that a peer was not read for a while because of limits
  // For messages that are compressed on the wire (RFC 7692); `bytes` counts their inflated size.
  Counter compressed_messages;
  Counter compressed_bytes;  // on the wire
  Counter inflated_bytes;    // after inflating
};

// Both directions: "in" is from these peers, "out" is to them.
struct BothWays {
  Traffic in;
  Traffic out;
};

// Close codes of the client's side of ended sessions: an array for 1000-1015, then the ranges.
struct CloseCodes {
  std::array<Counter, 16> standard;  // 1000 + i; 1005: no code, 1006: no Close at all
  Counter library;                   // 3000-3999
  Counter application;               // 4000-4999
  // Codes that no session can end with (RFC 6455, section 7.4) are not counted.
  void Count(std::uint16_t code);
};

// Why a route has refused requests, handshakes included. The names used in statistics are in
// kRefusalNames.
enum class Refusal : std::uint8_t {
  kAddress,           // 403: by its `access`
  kHandshakeRate,     // 429
  kRequestRate,       // 429
  kSessionsOfClient,  // 429
  kOverload,          // 503
  kBodySize,          // 413, by the length that was announced
};
inline constexpr std::size_t kRefusals = 6;
inline constexpr std::array<std::string_view, kRefusals> kRefusalNames{
    "address", "handshakes", "requests", "sessions_per_client", "overload", "body_size"};

// `in` and `out` are the traffic with clients.
struct RouteStats : BothWays {
  Counter requests;  // of any kind that reached the route
  std::array<Counter, kHandshakeOutcomes> handshakes;
  std::array<Counter, kRefusals> refusals;  // of requests, handshakes included
  Counter sessions_open;                    // now
  Counter sessions_total;
  std::array<Counter, config::kDialects> sessions_by_dialect;  // of sessions_total
  Counter sessions_compressed;                                 // total with permessage-deflate
  Counter compression_declined;                   // sessions without it because memory was short
  std::array<Counter, kResolutions> resolutions;  // of a route with a resolver
  std::array<Counter, kAuthOutcomes> auth;        // of a route with `auth`
  CloseCodes close_codes;
  Histogram handshake_us;  // from the end of the request head to the 101
};

// `in` and `out` are for sessions where the gateway is a WebSocket endpoint towards the server: on
// routes with `enforce`.
struct ServerStats : BothWays {
  Counter connects;  // successful ones
  Counter connect_failures;
  Counter connect_timeouts;
  Counter retries;        // requests that another server got because this one failed them
  Counter sessions_open;  // now
  Counter sessions_total;
  Counter bytes_sent;            // to the server, in sessions and HTTP bodies
  Counter bytes_received;        // from the server
  Counter sessions_compressed;   // total with permessage-deflate negotiated with the server
  Counter compression_declined;  // not offered to the server because memory was short
  Histogram connect_us;
};

// Why clients had to wait before they were accepted. The names used in statistics are in
// kWaitReasonNames.
enum class WaitReason : std::uint8_t {
  kConnections,  // the listener's limit
  kDescriptors,  // only the descriptors reserved for other purposes are left
  kSystem,       // accept failed: no descriptors or memory
  kAcceptRate,   // the listener's accept_rate
  kHandshakes,   // enough TLS handshakes are under way
};
inline constexpr std::size_t kWaitReasons = 5;
inline constexpr std::array<std::string_view, kWaitReasons> kWaitReasonNames{
    "connections", "descriptors", "system", "accept_rate", "tls_handshakes"};

// Names of TlsFault.
inline constexpr std::array<std::string_view, kTlsFaults> kTlsFaultNames{
    "other", "plain_http", "not_tls", "version", "certificate", "alert", "gone", "timeout"};

// Names of ProxyFault.
inline constexpr std::array<std::string_view, kProxyFaults> kProxyFaultNames{
    "untrusted", "absent", "malformed", "checksum", "timeout", "gone"};

// Why connections of clients were closed at once. The names used in statistics are in
// kTurnedAwayNames.
enum class TurnedAway : std::uint8_t {
  kAddress,              // by the listener's `access`
  kConnectionsOfClient,  // the client has as many as it may
  kOverload,             // the process is out of memory or time; of TLS listeners
};
inline constexpr std::size_t kTurnedAways = 3;
inline constexpr std::array<std::string_view, kTurnedAways> kTurnedAwayNames{
    "address", "connections_per_client", "overload"};
// For the log.
inline constexpr std::array<std::string_view, kTurnedAways> kTurnedAwayReasons{
    "the client's address is not allowed by access of this listener",
    "the client has as many connections as connections_per_client of this listener allows",
    "the gateway is overloaded"};

struct ListenerStats {
  Counter connections_open;  // now, including those of sessions
  Counter connections_total;
  Counter requests;
  Counter responses_2xx;  // of HTTP responses; 1xx counts upgrades
  Counter responses_1xx, responses_3xx, responses_4xx, responses_5xx;
  std::array<Counter, kTlsFaults> tls_failures;
  Counter connection_errors;
  std::array<Counter, kWaitReasons> accept_pauses;
  Counter connections_refused;                       // after waiting too long
  std::array<Counter, kTurnedAways> turned_away;     // closed before anything was read
  std::array<Counter, kProxyFaults> proxy_refusals;  // closed for want of a PROXY header
  // Statuses outside of 100-599 are not counted.
  void CountResponse(int status);
};

// Current permessage-deflate state.
struct CompressionStats {
  Counter deflaters;
  Counter inflaters;
  Counter memory_bytes;    // of both
  Counter reserved_bytes;  // maximum that open sessions may use
};

// Clients affected by the memory limit. The names used in statistics are in kMemoryRefusalNames.
struct MemoryStats {
  Counter waiting;  // clients not being read now
  Counter waits;    // how often a client was not read for a while
  std::array<Counter, io::kMemoryRefusals> refusals;
};
inline constexpr std::array<std::string_view, io::kMemoryRefusals> kMemoryRefusalNames{
    "request", "unfinished_request", "session", "stalled_reader", "tls_handshake", "connection"};

// The numbers of one loop that belong to nothing with a name. Written by its thread, read by any.
struct alignas(64) LoopStats {
  Counter unrouted;  // requests that no route took
  CompressionStats compression;
  MemoryStats memory;
};

// The numbers of one thing that has a name, one set for each loop. Made by the Registry; whoever
// counts in a row holds it, and what is held stays in the output.
template <class T>
struct Row {
  using Numbers = T;
  // Loops write at the same time: none shares a cache line with another.
  struct alignas(64) OfLoop : Numbers {};

  Row(std::string its_name, std::size_t loop_count)
      : name(std::move(its_name)), loops(loop_count) {}

  const std::string name;
  std::vector<OfLoop> loops;  // by index; each written by its loop's thread, read by any
  // Taken out of service by an operator, until it is put back: kept here because a row lives as
  // long as anything of its name does, whatever configurations come and go. Thread-safe.
  std::atomic<bool> drained = false;
};
using ListenerRow = Row<ListenerStats>;  // named by its address
using RouteRow = Row<RouteStats>;        // by the path pattern, with the hosts where it has any
// Named by its URL. A URL that two backends have is a row in each.
struct ServerRow : Row<ServerStats> {
  ServerRow(std::string its_backend, std::string url, std::size_t loop_count)
      : Row(std::move(url), loop_count), backend(std::move(its_backend)) {}
  const std::string backend;
  // Thread-safe.
  std::atomic<bool> failed = false;   // to be connected to, when that was tried last
  std::atomic<bool> ejected = false;  // gets no new clients for a while, because it failed
  std::atomic<bool> down = false;     // by health checks
  std::atomic<std::uint32_t> weight = 1;
};

// `name` where it is not taken, else the first of "name #2", "name #3" and so on that is not. For
// those who name rows, so that no two things share one. `taken` is asked for each candidate.
std::string UniqueName(std::string_view name, const std::function<bool(std::string_view)>& taken);

// What a loop counts by itself.
struct LoopTimes {
  std::uint64_t turns = 0;
  std::uint64_t busy_us = 0;  // processor time
};

// The numbers of all loops together. The number of loops is fixed; rows come and go while they run.
// Thread-safe but for the Watch functions. The mutex guards which rows there are and never what
// they count, so that counting takes no lock.
class Registry {
 public:
  // What runs: "version" of the program, and the libraries by name.
  using Build = std::vector<std::pair<std::string, std::string>>;
  Registry(Build build, std::size_t loops);
  LoopStats& loop(std::size_t index) { return loops_[index]; }

  // The row of this name, which is made where there is none. Never nullptr. Names are identities:
  // who asks for one that another has counts in the same row.
  std::shared_ptr<ListenerRow> Listener(std::string_view name);
  std::shared_ptr<RouteRow> Route(std::string_view name);
  std::shared_ptr<ServerRow> Server(std::string_view backend, std::string_view url);

  // The rows of a configuration, in the order of the output. These come first and stay until the
  // next order, held or not. Behind them come the rows that somebody else still holds (sessions of
  // an earlier configuration), the longest there first. All others are forgotten, here and whenever
  // output is made; a forgotten name starts again at 0. The rows are of this registry; one that
  // stands there twice counts where it first does.
  struct Order {
    std::vector<std::shared_ptr<ListenerRow>> listeners;
    std::vector<std::shared_ptr<RouteRow>> routes;
    std::vector<std::shared_ptr<ServerRow>> servers;
  };
  void SetOrder(const Order& order);

  // The configuration with this number is the one in force from now on. Without it the number and
  // the time are 0.
  void SetGeneration(std::uint64_t number);
  // An attempt to load the configuration again; `ok`: it was taken.
  void CountReload(bool ok);

  // The certificates that are in use from now on, in the order of the output. Of those with the
  // same owner and file, only the first is shown.
  void SetCertificates(std::vector<Certificate> certificates);

  // Sets the source for a loop's turns; without it they are 0. `read` is called from any thread
  // that requests the output. Must be called before that, and before the loops run.
  void WatchLoop(std::size_t index, std::function<LoopTimes()> read);

  // Sets the source for memory held for clients; without it both values are 0. `total` is not
  // owned. The same order as for WatchLoop.
  void WatchMemory(const io::MemoryTotal& total) { memory_ = &total; }
  // Sets the source for what the process is overloaded by; without it that is nothing. Not owned.
  // The same order as for WatchLoop.
  void WatchOverload(const Overload& overload) { overload_ = &overload; }
  // Sets the source for the number of lost log lines; without it that is 0. The same order as for
  // WatchLoop.
  void WatchLog(std::function<std::uint64_t()> read);

  // What is open now.
  struct Open {
    std::uint64_t connections = 0;  // of clients, including those of sessions
    std::uint64_t sessions = 0;
    std::vector<std::pair<std::string, std::uint64_t>> routes;  // routes with sessions: name, count
  };
  Open OpenNow() const;

  // Everything as one JSON object, or as Prometheus text (exposition format 0.0.4), metrics named
  // upgate_*. Buckets of histograms are cumulative in both.
  std::string Json() const;
  std::string Prometheus() const;

 private:
  // What is known of the configuration.
  struct Reloads {
    std::atomic<std::uint64_t> generation{0};
    std::atomic<std::int64_t> loaded_unix_seconds{0};  // when the last one was taken
    std::atomic<std::uint64_t> ok{0};
    std::atomic<std::uint64_t> failed{0};
  };

  Order Rows() const;                        // all there are, in the order of the output
  std::unique_ptr<LoopStats> Total() const;  // over all loops
  std::vector<LoopTimes> ReadTimes() const;  // of each loop
  std::vector<Certificate> Certificates() const;
  std::uint64_t LogLinesLost() const { return log_lines_lost_ ? log_lines_lost_() : 0; }

  const Build build_;
  std::deque<LoopStats> loops_;
  std::vector<std::function<LoopTimes()>> watches_;  // one a loop; empty where nobody watches
  const Overload* overload_ = nullptr;
  const io::MemoryTotal* memory_ = nullptr;
  std::function<std::uint64_t()> log_lines_lost_;  // empty where nobody watches
  const std::int64_t started_unix_seconds_;
  Reloads reloads_;

  // Mutable because making output forgets rows, which is no change that the output shows.
  mutable std::mutex rows_mutex_;
  mutable RowTable<ListenerRow> listeners_;
  mutable RowTable<RouteRow> routes_;
  mutable RowTable<ServerRow> servers_;

  mutable std::mutex certificates_mutex_;
  std::vector<Certificate> certificates_;
};

}  // namespace upgate::stats
