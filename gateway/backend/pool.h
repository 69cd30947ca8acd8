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

// Why no server of a backend could be had.
struct OpenError {
  // Of the last server tried. kTimeout: it did not answer in time, which is 504. kLimit: the
  // gateway has no descriptors or memory for a connection, which is 503. Everything else is 502.
  Errc code = Errc::kOther;
  std::string message;                    // for the log: what was wrong with each server
  TlsFault tls_fault = TlsFault::kOther;  // of kTls
  // An operator has taken every server out of service, so none was tried, which is 503.
  bool drained = false;
};

// How a handshake ends for which no server could be had.
stats::HandshakeOutcome OutcomeOf(const OpenError& error);

class OpenHandler {
 public:
  // Connected, TLS included. `server` lives as long as the pool; `since` is when the attempt with
  // this server began.
  virtual void OnOpened(std::unique_ptr<io::ByteStream> stream, const Server& server,
                        io::Instant since) = 0;
  virtual void OnOpenFailed(const OpenError& error) = 0;

 protected:
  ~OpenHandler() = default;
};

// Is told how each attempt to connect to a server went. Called from every loop.
class ServerWatcher {
 public:
  virtual void OnServerUp(ServerRecord& server) = 0;
  virtual void OnServerDown(ServerRecord& server, const Error& why) = 0;

 protected:
  ~ServerWatcher() = default;
};

// The servers of one backend, as one loop sees them. Takes them in turn (round robin); one that
// cannot be connected to within connect_timeout gives way to the next, until each has been tried
// once. Servers that an operator has drained are passed over. Runs on its loop's thread.
class Pool {
 public:
  // `index` of the loop: the turn begins elsewhere on each, so that they do not all start at the
  // same server. What is borrowed outlives the pool; `watcher` is nullptr where nobody wants to
  // know.
  Pool(std::shared_ptr<const BackendRecord> backend, io::Loop loop, tls::Scratch& scratch,
       ServerWatcher* watcher, std::size_t index = 0);

  // Connects to a server. The handler is never called from inside Open; destroying what is returned
  // cancels.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler) { return Open(handler, NextServer()); }
  // The same, beginning with this server: its place in the configuration.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, std::size_t first);
  // Whose turn it is; moves the turn on. A drained one only where all are.
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
