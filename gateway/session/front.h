#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "gateway/http/server_connection.h"
#include "gateway/io/network.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"

namespace upgate::session {

// The place where clients come in on one loop: one listener's sockets, TLS where it has any, and
// the HTTP connections that have not been upgraded. Owned by the worker; on its loop's thread.
class Front final : private io::AcceptHandler, private http::ServerConnection::Owner {
 public:
  // Everything is borrowed and outlives the front; `tls` is nullptr for a plain listener.
  Front(io::Loop loop, const http::ServerOptions& options, tls::ServerContext* tls,
        tls::Scratch& scratch, http::RequestHandler& handler, stats::ListenerStats& stats);
  ~Front();

  Result<SocketAddress> Listen(const SocketAddress& address, const io::ListenOptions& options);

  // Stops listening; idle connections end, busy ones after their answer. `empty` is called once no
  // connection is left, at the earliest in the next turn's callbacks or at once when there is none.
  void Drain(std::function<void()> empty);
  // Ends every connection at once.
  void Abandon();

  std::size_t connections() const { return connections_.size(); }

 private:
  void OnAccept(std::unique_ptr<io::ByteStream> stream) override;
  void OnAcceptFailed(const Error& error) override;
  void OnConnectionDone(http::ServerConnection& connection) override;

  io::Loop loop_;
  const http::ServerOptions& options_;
  tls::ServerContext* tls_;
  tls::Scratch& scratch_;
  http::RequestHandler& handler_;
  stats::ListenerStats& stats_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
  std::unordered_map<http::ServerConnection*, std::unique_ptr<http::ServerConnection>> connections_;
  std::function<void()> empty_;
};

}  // namespace upgate::session
