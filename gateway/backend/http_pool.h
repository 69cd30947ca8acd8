#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "gateway/backend/pool.h"
#include "gateway/base/shared_limit.h"
#include "gateway/http/client_connection.h"

namespace upgate::backend {

// A connection to an HTTP server, borrowed for one exchange.
struct Lease {
  std::unique_ptr<http::ClientConnection> connection;
  const Server* server = nullptr;
  // It has served an earlier exchange, so the server may have closed it in the meantime.
  bool reused = false;
};

// The kept-alive connections to the servers of one HTTP backend on one loop: at most pool_size idle
// ones, each for at most pool_idle; with send_proxy none. A connection that the server closes, or
// on which it sends an unsolicited byte, is discarded. On its loop's thread.
class HttpPool final : private http::ClientConnection::Owner, private io::Timer::Owner {
 public:
  // Everything is borrowed and outlives the pool. `descriptors` limits the idle connections of all
  // pools and loops together.
  HttpPool(Pool& servers, io::Loop loop, SharedLimit& descriptors);
  ~HttpPool();

  // The most recently used idle connection to the next server (round robin). nullptr if there is
  // none; `server` is then set to the index of that server, for Open.
  std::unique_ptr<Lease> TakeIdle(std::size_t& server);
  // Opens a new connection, as Pool::Open does; Adopt makes a lease of the resulting stream.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, std::size_t server) {
    return servers_.Open(handler, server);
  }
  Lease Adopt(std::unique_ptr<io::ByteStream> stream, const Server& server);
  // After an exchange: keeps the connection if it can be reused, otherwise has the loop delete it.
  void GiveBack(Lease lease);

  std::size_t idle() const { return idle_.size(); }
  const config::Backend& backend() const { return servers_.backend(); }

 private:
  struct Idle {
    Lease lease;
    io::Instant since{};
    SharedLimit::Taken descriptor;
  };

  void OnIdleConnectionLost(http::ClientConnection& connection) override;
  void OnTimer(io::Timer& timer) override;
  void Discard(std::unique_ptr<http::ClientConnection> connection);

  Pool& servers_;
  io::Loop loop_;
  SharedLimit& descriptors_;
  http::ClientLimits limits_;
  std::deque<Idle> idle_;  // in the order in which they became idle
  io::Timer sweep_;
};

}  // namespace upgate::backend
