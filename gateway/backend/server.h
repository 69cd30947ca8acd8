#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

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

  // True if an operator has drained it: it gets no new connections.
  bool drained() const { return row && row->drained.load(std::memory_order_relaxed); }
};

// A backend of a generation; shared by all loops. Immutable, except for its thread-safe members.
struct BackendRecord {
  std::shared_ptr<const config::Config> whole;  // owns `config`
  const config::Backend* config = nullptr;
  std::shared_ptr<tls::ContextCell<tls::ClientContext>> tls;  // nullptr: no server uses TLS
  std::vector<std::shared_ptr<ServerRecord>> servers;         // in the order of config->servers
};

// One server on one loop; a part of a Pool.
struct Server {
  const config::Server& config;
  ServerRecord& record;
  stats::ServerStats& stats;  // of the loop
};

}  // namespace upgate::backend
