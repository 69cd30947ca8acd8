#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "gateway/backend/server.h"
#include "gateway/base/result.h"
#include "gateway/config/config.h"
#include "gateway/io/network.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"

namespace upgate::backend {

// Why the gateway could not connect to any server of a backend.
struct OpenError {
  // The error of the last server tried. kTimeout: it did not answer in time, which is a 504.
  // kLimit: the gateway has no descriptors or memory for a connection, which is a 503. Everything
  // else is a 502.
  Errc code = Errc::kOther;
  std::string message;                    // for the log: the errors of all servers that were tried
  TlsFault tls_fault = TlsFault::kOther;  // if `code` is kTls
  // An operator has drained every server, so that none was tried; this is a 503.
  bool drained = false;
};

// The outcome to count for a handshake that failed with this error.
stats::HandshakeOutcome OutcomeOf(const OpenError& error);

class OpenHandler {
 public:
  // Connected, TLS handshake included. `server` lives as long as the pool; `since` is when the
  // attempt with this server began.
  virtual void OnOpened(std::unique_ptr<io::ByteStream> stream, const Server& server,
                        io::Instant since) = 0;
  virtual void OnOpenFailed(const OpenError& error) = 0;
  // What is sent first on each connection to a server, before TLS: a PROXY header.
  virtual std::string Greeting() { return {}; }

 protected:
  ~OpenHandler() = default;
};

// Observes the outcome of each connection attempt. Called from every loop: must be thread-safe.
class ServerWatcher {
 public:
  virtual void OnServerUp(ServerRecord& server) = 0;
  virtual void OnServerDown(ServerRecord& server, const Error& why) = 0;

 protected:
  ~ServerWatcher() = default;
};

// The servers of one backend on one loop, used round robin. If a server cannot be connected to
// within connect_timeout, the next one is tried, until each has been tried once. Servers that an
// operator has drained are skipped. On its loop's thread.
class Pool {
 public:
  // `index` is the loop's; the round robin starts at a different server on each loop. What is
  // borrowed outlives the pool; `watcher` may be nullptr.
  Pool(std::shared_ptr<const BackendRecord> backend, io::Loop loop, tls::Scratch& scratch,
       ServerWatcher* watcher, std::size_t index = 0);

  // Connects to a server. The handler is never called from inside Open; destroying the result
  // cancels the attempt.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler) { return Open(handler, NextServer()); }
  // The same, starting with the server of this index in the configuration.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, std::size_t first);
  // The index of the next server; advances the round robin. Returns a drained server only if all
  // are drained.
  std::size_t NextServer();

  const config::Backend& backend() const { return *record_->config; }
  const Server& server(std::size_t index) const { return servers_[index]; }
  std::size_t size() const { return servers_.size(); }

 private:
  class Opening;

  const std::shared_ptr<const BackendRecord> record_;
  std::deque<Server> servers_;  // in the order of the configuration
  io::Loop loop_;
  tls::Scratch& scratch_;
  ServerWatcher* watcher_;
  std::size_t next_;
};

}  // namespace upgate::backend
