#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <string>

#include "gateway/backend/balancer.h"
#include "gateway/backend/retry_budget.h"
#include "gateway/backend/server.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"
#include "gateway/io/network.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"

namespace upgate::backend {

// Why no server could be tried. Each of these is a 503.
enum class Lack : std::uint8_t {
  kNone,
  kDrained,  // an operator has taken every server out of service
  kOut,      // the others are ejected, or down according to health checks
  kFull,     // the others have reached their max_sessions
};

// Why the gateway could not connect to any server of a backend.
struct OpenError {
  // The error of the last server tried. kTimeout: it did not answer in time, which is a 504.
  // kLimit: the gateway has no descriptors or memory for a connection, which is a 503. Everything
  // else is a 502.
  Errc code = Errc::kOther;
  std::string message;                    // for the log: the errors of all servers that were tried
  TlsFault tls_fault = TlsFault::kOther;  // if `code` is kTls
  Lack lack = Lack::kNone;                // if not kNone, no server was tried
  std::chrono::seconds retry_after{0};    // then: when another try may do
};

// The outcome to count for a handshake that failed with this error.
stats::HandshakeOutcome OutcomeOf(const OpenError& error);

// A connection to a server, after the TLS handshake.
struct Opened {
  std::unique_ptr<io::ByteStream> stream;
  const Server& server;  // lives as long as the pool
  io::Instant since;     // when the attempt with this server began
  ServerUse use;
};

class OpenHandler {
 public:
  virtual void OnOpened(Opened opened) = 0;
  virtual void OnOpenFailed(const OpenError& error) = 0;
  // What is sent first on each connection to a server, before TLS: a PROXY header.
  virtual std::string Greeting() { return {}; }

 protected:
  ~OpenHandler() = default;
};

// Observes the state of servers. Called from every loop: must be thread-safe.
class ServerWatcher {
 public:
  // The outcome of each connection attempt.
  virtual void OnServerUp(ServerRecord& server) = 0;
  virtual void OnServerDown(ServerRecord& server, const Error& why) = 0;
  // The server gets no new clients for `time`; a trial has ended its ejection.
  virtual void OnServerEjected(ServerRecord& server, io::Millis time, std::string_view why) = 0;
  virtual void OnServerBack(ServerRecord& server) = 0;

 protected:
  ~ServerWatcher() = default;
};

// The servers of one backend on one loop: chooses a server for each client, connects to it, and
// ejects servers that fail. On its loop's thread.
class Pool {
 public:
  // `index` is the loop's; see Balancer. What is borrowed outlives the pool; `watcher` may be
  // nullptr.
  Pool(std::shared_ptr<const BackendRecord> backend, io::Loop loop, tls::Scratch& scratch,
       ServerWatcher* watcher, std::size_t index = 0);
  ~Pool();

  // The index of the chosen server, and the client's place on it; empty if places are not counted.
  struct Choice {
    std::size_t server = kNoServer;
    ServerUse use;
  };
  std::expected<Choice, Lack> Choose(const Search& search);

  // The same server for another request of its client; an error if it gets no new ones.
  std::expected<Choice, Lack> ChooseAgain(const Server& server, const Search& search);

  // Connects to the chosen server. If it cannot be connected to within connect_timeout, another one
  // is chosen, until all have been tried or `retry` of the backend ends it. The handler is never
  // called from inside Open; `search` is borrowed; destroying the result cancels the attempt.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, Search& search,
                                    std::expected<Choice, Lack> first);
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, Search& search) {
    return Open(handler, search, Choose(search));
  }

  // The outcome of a request: the server responded, or a WebSocket handshake with it failed or
  // timed out. For the ejection of servers.
  void OnAnswered(const Server& server);
  void OnBroken(const Server& server, std::string_view why);

  RetryBudget& retries() { return retries_; }
  const config::Backend& backend() const { return *record_->config; }
  const BackendRecord& record() const { return *record_; }
  const Server& server(std::size_t index) const { return servers_[index]; }
  std::size_t size() const { return servers_.size(); }

 private:
  class Opening;
  class Trial;
  static constexpr std::string_view kConnectTimeout = "connect_timeout of the backend";

  SharedMs Now() const { return loop_.timers.Now().time_since_epoch().count() + shared_clock_; }
  std::expected<Choice, Lack> Lacking(const Search& search, SharedMs now);
  ServerUse Use(std::size_t server, const Search& search) const;
  // True if a successful connection shows that the server works.
  bool ConnectingIsEnough(const Search& search) const {
    return !search.for_session || backend().relay == config::Relay::kBytes;
  }
  bool MayTryAnother(const Search& search) const {
    const auto& retry = backend().retry;
    return !retry || (retry->connect && search.tries < retry->tries);
  }
  // `on_trust`: a WebSocket server has not shown yet that it serves clients, so the next failure
  // ejects it again.
  void NoteSuccess(const Server& server, bool on_trust = false);
  void NoteFailure(const Server& server, std::string_view why);
  std::chrono::seconds RetryAfter(Lack lack) const;
  io::Millis TrialPatience() const;
  void StartTrial(std::size_t server);

  const std::shared_ptr<const BackendRecord> record_;
  std::deque<Server> servers_;  // in the order of the configuration
  io::Loop loop_;
  tls::Scratch& scratch_;
  ServerWatcher* watcher_;
  const SharedMs shared_clock_;   // offset from the loop's clock
  bool counts_requests_ = false;  // HTTP requests take places, too
  Balancer balancer_;
  RetryBudget retries_;
  std::map<std::size_t, std::unique_ptr<Trial>> trials_;  // under way, by server
};

}  // namespace upgate::backend
