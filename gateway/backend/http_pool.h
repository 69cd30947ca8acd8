#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "gateway/backend/pool.h"
#include "gateway/base/shared_limit.h"
#include "gateway/http/client_connection.h"

namespace upgate::backend {

// A connection to an HTTP server, lent for one exchange.
struct Lease {
  std::unique_ptr<http::ClientConnection> connection;
  const Server* server = nullptr;
  bool reused =
      false;  // it has served another exchange before, so the server may have closed it meanwhile
};

// The kept-alive connections to the servers of one HTTP backend, on one loop: at most pool_size
// idle ones, each for at most pool_idle. One that the server closes, or that has a byte on it
// nobody asked for, is never lent. Runs on its loop's thread.
class HttpPool final : private http::ClientConnection::Owner, private io::Timer::Owner {
 public:
  // Borrowed and outliving. `descriptors` is what the idle connections of all pools and loops may
  // take together.
  HttpPool(Pool& servers, io::Loop loop, SharedLimit& descriptors);
  ~HttpPool();

  // The idle connection used last to the server whose turn it is; nothing when there is none, and
  // `server` is where to Open then.
  std::unique_ptr<Lease> TakeIdle(std::size_t& server);
  // Connects anew, as Pool::Open does; make a lease of what comes with Adopt.
  std::unique_ptr<io::Pending> Open(OpenHandler& handler, std::size_t server) {
    return servers_.Open(handler, server);
  }
  Lease Adopt(std::unique_ptr<io::ByteStream> stream, const Server& server);
  // After an exchange: keeps the connection if it can be used again, else lets the loop delete it.
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
