#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/backend/server.h"
#include "gateway/base/shared_limit.h"
#include "gateway/config/config.h"
#include "gateway/http/server_connection.h"
#include "gateway/plugin/service.h"
#include "gateway/route/router.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"
#include "gateway/tls/context_cell.h"

namespace upgate::upgrade {

// What outlives a configuration hangs on names: a listener is the same as long as its address is, a
// route as long as its name is, a server as long as its backend's name and its URL are. So numbers,
// and what is open under a limit, go on when a configuration takes the place of another. A record
// whose words are the same in both is itself the same object.

struct ListenerRecord {
  std::shared_ptr<const config::Config> whole;  // of which `config` is a part
  const config::Listener* config = nullptr;
  std::string name;  // the address as configured, made unique
  std::shared_ptr<tls::ContextCell<tls::ServerContext>> tls;  // nullptr: plain
  std::shared_ptr<stats::ListenerRow> row;                    // these two: see Generation
  std::shared_ptr<SharedLimit> connections;                   // open ones, over all loops
};

struct RouteRecord {
  std::shared_ptr<const config::Config> whole;  // of which `config` is a part
  const config::Route* config = nullptr;
  std::string name;  // the path and the hosts as configured, made unique
  // One of these two. Whoever holds a service keeps its instances, on every loop.
  std::shared_ptr<const plugin::Service> service;
  std::shared_ptr<const backend::BackendRecord> backend;
  std::shared_ptr<stats::RouteRow> row;   // these two: see Generation
  std::shared_ptr<SharedLimit> sessions;  // open ones, over all loops
};

// The admin section that is in force. That of a configuration with another address, or with none,
// waits for a restart as a whole: its tokens were not meant for the address that is open.
struct AdminRecord {
  std::shared_ptr<const config::Config> whole;  // of which `config` is a part
  const config::Admin* config = nullptr;
  std::vector<std::string> tokens;                            // empty: none is needed
  std::shared_ptr<tls::ContextCell<tls::ServerContext>> tls;  // nullptr: plain
};

// A configuration made ready to serve: its files read, its services made. Immutable and shared by
// all loops, but for the contexts of TLS and the counts, which are thread-safe.
//
// Rows and limits are there in one that is to serve, not in one that is only looked at.
struct Generation {
  std::uint64_t number = 0;  // counted from 1 since the start; 0: it does not serve
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<route::Router> router;
  std::vector<std::shared_ptr<const ListenerRecord>> listeners;  // as in the configuration
  std::vector<std::shared_ptr<const RouteRecord>> routes;        // as in the configuration
  std::map<std::string, std::shared_ptr<const backend::BackendRecord>, std::less<>> backends;
  std::shared_ptr<const AdminRecord> admin;  // nullptr: there is no admin address
  std::shared_ptr<const http::ServerOptions> http;
  // Whose certificates, keys or CAs are not those of the generation before: "listener ADDRESS",
  // "backend NAME" or "admin".
  std::vector<std::string> renewed;
  // Certificates read anew for records that are those of the generation before: to be called when
  // this one begins to serve.
  std::vector<std::function<void()>> renewals;
};

}  // namespace upgate::upgrade
