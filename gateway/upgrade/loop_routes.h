#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/base/ref.h"
#include "gateway/io/later.h"
#include "gateway/io/network.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/route_context.h"
#include "gateway/upgrade/service_host.h"

namespace upgate::upgrade {

// The routes of the serving generation on one loop, and what is behind them. A generation replaces
// another in two steps, so that no loop serves the new one before every loop has the instances of
// its services: Prepare on all loops, then Switch on all loops. On the loop's thread.
//
// A route whose record is in both generations keeps its context, with everything behind it. With
// thousands of routes, creating and destroying contexts takes milliseconds, so that each turn of
// the loop does a small part of it.
class LoopRoutes final : private io::Later {
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

  // Creates the contexts of new and changed routes over several turns, then calls `done` with the
  // time that the longest of its parts took. A second call before Switch replaces the first, whose
  // `done` is then not called if it has not been.
  using Prepared = std::function<void(std::chrono::microseconds longest)>;
  void Prepare(std::shared_ptr<const Generation> generation, Prepared done);
  // The same at once, for a loop that does not run yet.
  void PrepareNow(std::shared_ptr<const Generation> generation);
  // Makes the prepared generation the serving one; does nothing if none is prepared, or not yet
  // completely. Returns true if any previous route is gone or has changed. Replaced contexts are
  // destroyed with their last reference, those that nobody else holds over several turns.
  // `released` is called after that, from a later turn; not if this object is destroyed before.
  bool Switch(std::function<void()> released);

  // The serving generation; there is none before the first Switch.
  const Generation& generation() const { return *now_.generation; }
  // `index` is the route's position in the configuration (config::Route::index).
  RouteContext& At(std::size_t index) { return *now_.contexts[index]; }

  // Finds a route of the serving generation; nullptr if there is none of that name.
  const RouteRecord* FindByName(std::string_view name) const {
    return now_.generation->FindRoute(name);
  }

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
  };
  class Retired;

  void OnLater() override;
  void Begin(std::shared_ptr<const Generation> generation);
  // Adds some contexts to next_; true if any are missing.
  bool PrepareSome();
  bool IsPrepared() const;
  void AddContext(const std::shared_ptr<const RouteRecord>& record);
  // The serving context of a record; nullptr if it has none.
  RouteContext* KeptFor(const RouteRecord& record) const;

  Target TargetOf(const std::shared_ptr<const RouteRecord>& record, Table& table);
  Ref<RouteContext> MakeContext(const std::shared_ptr<const RouteRecord>& record, Table& table);
  Ref<LoopBackend> BackendFor(const std::shared_ptr<const backend::BackendRecord>& record,
                              Table& table);
  Ref<LoopAuth> AuthFor(const std::shared_ptr<const AuthRecord>& record, Table& table);
  Ref<ServiceHost> HostFor(const plugin::Service& service);

  const Setup setup_;
  Table now_;
  std::optional<Table> next_;
  std::size_t kept_ = 0;  // contexts of next_ that are in now_ as well
  Prepared prepared_;
  std::chrono::microseconds longest_{};
  std::vector<std::unique_ptr<Retired>> retired_;
  std::map<const plugin::Service*, Ref<ServiceHost>> hosts_;  // destroyed first; see RouteContext
};

}  // namespace upgate::upgrade
