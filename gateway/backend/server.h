#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gateway/backend/hash_ring.h"
#include "gateway/backend/server_health.h"
#include "gateway/backend/sticky.h"
#include "gateway/config/config.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"
#include "gateway/tls/context_cell.h"

namespace upgate::backend {

// A server, as all loops and successive generations see it: it is the same as long as the name of
// its backend and its URL are the same. Thread-safe.
struct ServerRecord {
  ServerRecord(std::string backend_name, std::string server_url,
               std::shared_ptr<stats::ServerRow> numbers)
      : backend(std::move(backend_name)), url(std::move(server_url)), row(std::move(numbers)) {}
  const std::string backend;
  const std::string url;
  const std::shared_ptr<stats::ServerRow> row;
  ServerHealth health;
  std::atomic<std::uint64_t> in_use{0};  // see ServerUse

  // True if an operator has drained it: it gets no new connections.
  bool drained() const { return row && row->drained.load(std::memory_order_relaxed); }
  // `most`: max_sessions of the server; 0: no limit.
  bool IsFull(std::uint64_t most) const {
    return most != 0 && in_use.load(std::memory_order_relaxed) >= most;
  }
};

// A client's place on a server, from the choice of the server to the end of the request or session.
// Released on destruction; the server outlives it.
class ServerUse {
 public:
  ServerUse() = default;
  ServerUse(ServerUse&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  ServerUse& operator=(ServerUse&& other) noexcept {
    std::swap(server_, other.server_);
    return *this;
  }
  ~ServerUse() {
    if (server_ != nullptr) server_->in_use.fetch_sub(1, std::memory_order_relaxed);
  }
  // Empty if `most` are in use already; 0: no limit.
  static ServerUse TryTake(ServerRecord& server, std::uint64_t most) {
    ServerUse use;
    const std::uint64_t before = server.in_use.fetch_add(1, std::memory_order_relaxed);
    use.server_ = &server;
    if (most != 0 && before >= most) return {};
    return use;
  }
  explicit operator bool() const { return server_ != nullptr; }

 private:
  ServerRecord* server_ = nullptr;
};

// A backend of a generation; shared by all loops. Immutable, except for its thread-safe members.
struct BackendRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Backend* config = nullptr;
  std::shared_ptr<tls::ContextCell<tls::ClientContext>> tls;  // nullptr: no server uses TLS
  std::vector<std::shared_ptr<ServerRecord>> servers;         // in the order of config->servers
  std::shared_ptr<const HashRing> ring;                       // nullptr without balance: hash
  std::shared_ptr<const StickyValues> sticky;                 // nullptr without sticky
  mutable std::mutex ejecting;  // held while ejected servers are counted

  std::shared_ptr<tls::ClientContext> tls_context() const { return tls ? tls->Get() : nullptr; }
};

// One server on one loop; a part of a Pool.
struct Server {
  const config::Server& config;
  ServerRecord& record;
  stats::ServerStats& stats;  // of the loop
  std::size_t index = 0;      // in the configuration
};

}  // namespace upgate::backend
