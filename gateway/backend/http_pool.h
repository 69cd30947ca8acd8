#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
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
  ServerUse use;  // of the exchange
  // How long it may be idle before it is reused, according to the server.
  io::Millis idle_most = io::Millis::max();
};

// The kept-alive connections to the servers of one HTTP backend on one loop: at most pool_size idle
// ones, each for at most pool_idle and for a second less than the server keeps it; with send_proxy
// none. A connection that the server closes, or on which it sends an unsolicited byte, is
// discarded. On its loop's thread.
class HttpPool final : private http::ClientConnection::Owner, private io::Timer::Owner {
 public:
  // Everything is borrowed and outlives the pool. `descriptors` limits the idle connections of all
  // pools and loops together.
  HttpPool(Pool& servers, io::Loop loop, SharedLimit& descriptors);
  ~HttpPool();

  // The most recently used idle connection to the chosen server; nullopt if there is none: then
  // open a new one and make a lease of it with Adopt. A request that is not `repeatable` only gets
  // a connection that was idle briefly, because the server may be about to close the others.
  std::optional<Lease> TakeIdle(Pool::Choice& choice, bool repeatable);
  Lease Adopt(Opened opened);
  // Applies the Keep-Alive field of a response: timeout=SECONDS (RFC 2068, section 19.7.1).
  static void Heed(Lease& lease, const http::Headers& answer);
  // After an exchange: keeps the connection if it can be reused, otherwise has the loop delete it.
  void GiveBack(Lease lease);

  // A connection that is kept for one client, because the server has authenticated the connection
  // and not a request. Nobody else gets it. Destroying this closes it; the pool outlives it.
  class Reserved {
   public:
    Reserved(Reserved&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_) {}
    Reserved& operator=(Reserved&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(id_, other.id_);
      return *this;
    }
    ~Reserved() {
      if (pool_ != nullptr) pool_->CloseReserved(id_);
    }

   private:
    friend class HttpPool;
    Reserved(HttpPool& pool, std::uint64_t id) : pool_(&pool), id_(id) {}
    HttpPool* pool_;
    std::uint64_t id_;
  };
  // After an exchange, in the place of GiveBack. nullopt if the connection cannot be used again.
  std::optional<Reserved> Reserve(Lease lease);
  // For the client's next request; nullopt if the server has closed it, is about to, or gets no new
  // requests: then any connection to any server will do.
  std::optional<Lease> TakeReserved(Reserved reserved, const Search& search);

  std::size_t idle() const { return idle_.size(); }
  std::size_t reserved() const { return reserved_.size(); }
  const config::Backend& backend() const { return servers_.backend(); }
  Pool& servers() { return servers_; }

 private:
  struct Idle {
    Lease lease;
    io::Instant since{};
    io::Instant until{};  // not reused from then on
    SharedLimit::Taken descriptor;
  };

  void OnIdleConnectionClosed(http::ClientConnection& connection) override;
  void OnTimer(io::Timer& timer) override;
  void SweepAt(io::Instant at);
  void Discard(std::unique_ptr<http::ClientConnection> connection);
  void CloseReserved(std::uint64_t id);

  Pool& servers_;
  io::Loop loop_;
  SharedLimit& descriptors_;
  http::ClientLimits limits_;
  std::deque<Idle> idle_;  // in the order in which they became idle
  // By a number, which is never used again. Not limited by pool_size and pool_idle.
  std::map<std::uint64_t, Idle> reserved_;
  std::uint64_t next_reserved_ = 0;
  io::Timer sweep_;
  io::Instant sweep_at_{};  // while it is armed
};

}  // namespace upgate::backend
