#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/ref.h"
#include "gateway/io/network.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/route_context.h"
#include "gateway/upgrade/service_host.h"

namespace upgate::upgrade {

// The routes of the serving generation on one loop, and what is behind them. A generation replaces
// another in two steps, so that no loop serves the new one before every loop has the instances of
// its services: Prepare on all loops, then Switch on all loops. On the loop's thread.
//
// A route whose record is in both generations keeps its context, with everything behind it.
class LoopRoutes {
 public:
  // Everything is the loop's, borrowed, and outlives this object.
  struct Setup {
    io::Loop loop;
    tls::Scratch& scratch;
    const plugin::StatsSource& stats;
    backend::ServerWatcher& servers;
    SharedLimit& idle_servers;
    ServicePost& others;
    Log& log;
    std::function<void(std::move_only_function<void()>)> post;  // to this loop, from any thread
    std::size_t index;                                          // of this loop, below `loops`
    std::size_t loops;
  };
  explicit LoopRoutes(const Setup& setup);
  ~LoopRoutes();

  // Creates the contexts of new and changed routes. A second call before Switch replaces the first.
  void Prepare(std::shared_ptr<const Generation> generation);
  // Makes the prepared generation the serving one; does nothing if none is prepared. Replaced
  // contexts are destroyed with their last reference. Returns true if any previous route is gone or
  // has changed.
  bool Switch();

  // The serving generation; there is none before the first Switch.
  const Generation& generation() const { return *now_.generation; }
  // `index` is the route's position in the configuration (config::Route::index).
  RouteContext& At(std::size_t index) { return *now_.contexts[index]; }

  // Finds a route of the serving generation; nullptr if there is none of that name.
  const RouteRecord* FindByName(std::string_view name) const;

  // The host of a service's instance on this loop; nullptr if it has none, or none any more.
  ServiceHost* HostOf(const plugin::Service& service);
  // Destroys the instance. To be called when no route and no session of any loop uses the service.
  void DropHost(const plugin::Service& service) { hosts_.erase(&service); }

 private:
  struct Table {
    std::shared_ptr<const Generation> generation;
    std::vector<Ref<RouteContext>> contexts;  // in the order of the configuration
    std::map<const backend::BackendRecord*, Ref<LoopBackend>> backends;
    std::map<const AuthRecord*, Ref<LoopAuth>> auth;
    std::unordered_map<std::string_view, const RouteRecord*> names;
  };

  Target TargetOf(const std::shared_ptr<const RouteRecord>& record, Table& table);
  Ref<RouteContext> MakeContext(const std::shared_ptr<const RouteRecord>& record, Table& table);
  Ref<LoopBackend> BackendFor(const std::shared_ptr<const backend::BackendRecord>& record,
                              Table& table);
  Ref<LoopAuth> AuthFor(const std::shared_ptr<const AuthRecord>& record, Table& table);
  Ref<ServiceHost> HostFor(const plugin::Service& service);

  const Setup setup_;
  Table now_;
  std::optional<Table> next_;
  std::map<const plugin::Service*, Ref<ServiceHost>> hosts_;  // destroyed first; see RouteContext
};

}  // namespace upgate::upgrade
