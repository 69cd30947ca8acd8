#pragma once

#include <cstddef>
#include <memory>
#include <string>

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
};

// How a handshake ends for which no server could be had.
stats::HandshakeOutcome OutcomeOf(const OpenError& error);

class OpenHandler {
 public:
  // Connected, TLS included. `server` lives as long as the configuration; `since` is when the
  // attempt with this server began.
  virtual void OnOpened(std::unique_ptr<io::ByteStream> stream, const config::Server& server,
                        io::Instant since) = 0;
  virtual void OnOpenFailed(const OpenError& error) = 0;

 protected:
  ~OpenHandler() = default;
};

// Is told how each attempt to connect to a server went. Called from every loop.
class ServerWatcher {
 public:
  virtual void OnServerUp(const config::Server& server) = 0;
  virtual void OnServerDown(const config::Server& server, const Error& why) = 0;

 protected:
  ~ServerWatcher() = default;
};

// The servers of one backend, as one loop sees them. Takes them in turn (round robin); one that
// cannot be connected to within connect_timeout gives way to the next, until each has been tried
// once. Runs on its loop's thread.
class Pool {
 public:
  // Everything is borrowed and outlives the pool; `tls` is nullptr where no server needs it, and
  // `watcher` where nobody wants to know.
  // `first` is where the turn begins: give each loop another one, so that they do not all start at
  // the same server.
  Pool(const config::Backend& backend, tls::ClientContext* tls, io::Loop loop,
       tls::Scratch& scratch, stats::LoopStats& stats, ServerWatcher* watcher,
       std::size_t first = 0);

  // Connects to a server. The handler is never called from inside Open; destroying what is returned
  // cancels.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler) { return Open(handler, NextServer()); }
  // The same, beginning with this server: its place in backend().servers.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, std::size_t first);
  // Whose turn it is; moves the turn on.
  std::size_t NextServer();

  const config::Backend& backend() const { return backend_; }

 private:
  class Opening;

  const config::Backend& backend_;
  tls::ClientContext* tls_;
  io::Loop loop_;
  tls::Scratch& scratch_;
  stats::LoopStats& stats_;
  ServerWatcher* watcher_;
  std::size_t next_;
};

}  // namespace upgate::backend
