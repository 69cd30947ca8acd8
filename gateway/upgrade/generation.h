#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/backend/server.h"
#include "gateway/backend/server_names.h"
#include "gateway/base/client_counts.h"
#include "gateway/base/client_rates.h"
#include "gateway/base/shared_limit.h"
#include "gateway/base/shared_rate.h"
#include "gateway/config/config.h"
#include "gateway/http/field_changes.h"
#include "gateway/http/server_connection.h"
#include "gateway/plugin/auth.h"
#include "gateway/plugin/service.h"
#include "gateway/route/router.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"
#include "gateway/tls/context_cell.h"
#include "gateway/upgrade/rewriter.h"

namespace upgate::upgrade {

// Identity over reloads is by name: a listener is the same as long as its address is, a route as
// long as its name is, a server as long as the name of its backend and its URL are. Counters and
// the numbers of open connections and sessions therefore continue when a new configuration replaces
// another. If the text of a listener, route or backend is unchanged as well, both generations share
// the same record object. A record can be in use for longer than its generation, so it has a copy
// of its part of the configuration, and does not keep the rest of it alive.

struct ListenerRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Listener* config = nullptr;
  std::string name;  // the address as configured, made unique
  std::shared_ptr<tls::ContextCell<tls::ServerContext>> tls;  // nullptr: plain
  std::shared_ptr<stats::ListenerRow> row;                    // this and the next: see Generation
  std::shared_ptr<SharedLimit> connections;                   // open ones, over all loops
  std::shared_ptr<ClientCounts> by_client;                    // the same for each client
  std::shared_ptr<SharedRate> accept_rate;                    // of new ones, over all loops
};

// A route's resolver, made ready: shared by all loops. Immutable, but for what is thread-safe in
// it.
struct ResolverRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Resolver* config = nullptr;
  std::shared_ptr<const plugin::Resolver> plugin;
  std::shared_ptr<tls::ContextCell<tls::ClientContext>> tls;  // to targets
  std::shared_ptr<stats::ServerRow> row;                      // of all targets together
};

// An authenticator, made ready: shared by all loops and by the routes that use it. Immutable.
struct AuthRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Authenticator* config = nullptr;
  std::shared_ptr<const plugin::AuthCheck> check;
};

struct RouteRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Route* config = nullptr;
  std::string name;  // as configured, by default the path and the hosts; unique
  // Exactly one of service, backend and resolver is set. A reference to a service keeps its
  // instances alive on every loop.
  std::shared_ptr<const plugin::Service> service;
  std::shared_ptr<const backend::BackendRecord> backend;
  // Of a route that splits its clients: all of its backends, the first included.
  std::vector<std::shared_ptr<const backend::BackendRecord>> split;
  std::shared_ptr<const ResolverRecord> resolver;
  std::vector<std::shared_ptr<const AuthRecord>> auth;  // empty: anybody
  std::shared_ptr<const Rewriter> rewriter;             // nullptr: nothing is changed
  std::shared_ptr<stats::RouteRow> row;                 // this and the next: see Generation
  std::shared_ptr<SharedLimit> sessions;                // open ones, over all loops
  std::shared_ptr<ClientCounts> by_client;              // the same for each client
  // By client, over all loops; nullptr: no limit.
  std::shared_ptr<ClientRates> handshake_rates;
  std::shared_ptr<ClientRates> request_rates;
};

// The `admin` section in force. If a new configuration has another address, or no address, its
// whole section waits for a restart: its tokens were not meant for the address that is open.
struct AdminRecord {
  std::shared_ptr<const void> owner;  // of `config`
  const config::Admin* config = nullptr;
  std::vector<std::string> tokens;                            // empty: no token is required
  std::shared_ptr<tls::ContextCell<tls::ServerContext>> tls;  // nullptr: plain
};

// A configuration made ready to serve: files read, services created, router built. Shared by all
// loops. Immutable, except for the TLS contexts, statistics rows and limits of its records, which
// are thread-safe.
//
// Records have statistics rows and limits only if the generation was made to serve, not if it was
// made for a check.
struct Generation {
  std::uint64_t number = 0;  // counted from 1 since the start; 0: made for a check only
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<route::Router> router;
  std::vector<std::shared_ptr<const ListenerRecord>> listeners;  // in the configuration's order
  std::vector<std::shared_ptr<const RouteRecord>> routes;        // in the configuration's order
  std::unordered_map<std::string_view, std::size_t> places;      // in `routes`, by name
  std::map<std::string, std::shared_ptr<const backend::BackendRecord>, std::less<>> backends;
  // Servers of earlier generations, which keep their state if they come back while something still
  // uses them. By backend and URL.
  std::map<std::pair<std::string, std::string>, std::weak_ptr<backend::ServerRecord>> away;
  std::shared_ptr<const backend::ServersOfNames> names;  // those that it serves with
  std::map<std::string, std::shared_ptr<const AuthRecord>, std::less<>> auth;
  http::FieldChanges forged;  // drops what clients may not send; see IdentityFieldsOf
  std::shared_ptr<const AdminRecord> admin;  // nullptr: no admin address
  std::shared_ptr<const http::ServerOptions> http;
  // Of the cookies of backends that have no secret_file: made at the start, the same from then on.
  std::shared_ptr<const std::string> sticky_key;
  // Whose certificates, keys or CAs are not those of the generation before: "listener ADDRESS",
  // "backend NAME" or "admin".
  std::vector<std::string> renewed;
  // Changes to what this generation shares with the previous one (certificates that were read
  // again, new bounds of limits). To be called, in order, when this generation begins to serve.
  std::vector<std::function<void()>> renewals;

  void AddRoute(std::shared_ptr<const RouteRecord> route) {
    places.emplace(route->name, routes.size());
    routes.push_back(std::move(route));
  }
  // nullptr if there is no route of that name.
  const RouteRecord* FindRoute(std::string_view name) const {
    const auto it = places.find(name);
    return it != places.end() ? routes[it->second].get() : nullptr;
  }
};

}  // namespace upgate::upgrade
