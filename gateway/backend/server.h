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

// What all loops, and all configurations one after the other, know of one server: it is the same
// server as long as the name of its backend and its URL are the same. Thread-safe.
struct ServerRecord {
  ServerRecord(std::string backend_name, std::string server_url,
               std::shared_ptr<stats::ServerRow> numbers)
      : backend(std::move(backend_name)), url(std::move(server_url)), row(std::move(numbers)) {}
  const std::string backend;
  const std::string url;
  const std::shared_ptr<stats::ServerRow> row;

  // Whether an operator has taken it out of service: it gets no new connections.
  bool drained() const { return row && row->drained.load(std::memory_order_relaxed); }
};

// A backend of a configuration, made ready: shared by all loops. Immutable, but for what is
// thread-safe in it.
struct BackendRecord {
  std::shared_ptr<const config::Config> whole;  // of which `config` is a part
  const config::Backend* config = nullptr;
  std::shared_ptr<tls::ContextCell<tls::ClientContext>> tls;  // nullptr where no server needs it
  std::vector<std::shared_ptr<ServerRecord>> servers;         // in the order of config->servers
};

// One server as one loop sees it; a part of a Pool.
struct Server {
  const config::Server& config;
  ServerRecord& record;
  stats::ServerStats& stats;  // of the loop
};

}  // namespace upgate::backend
