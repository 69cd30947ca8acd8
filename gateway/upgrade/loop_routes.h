#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/ref.h"
#include "gateway/io/network.h"
#include "gateway/upgrade/generation.h"
#include "gateway/upgrade/route_context.h"
#include "gateway/upgrade/service_host.h"

namespace upgate::upgrade {

// The routes of the configuration that serves, on one loop, and what they lead to. One
// configuration takes the place of another in two steps, so that no loop serves by the new one
// before every loop has the instances of its services: Prepare everywhere, then Switch everywhere.
//
// What both say in the same words stays what it is: the same context, with everything behind it.
class LoopRoutes {
 public:
  // Of the loop; all of it is borrowed and outlives the routes.
  struct Setup {
    io::Loop loop;
    tls::Scratch& scratch;
    const plugin::StatsSource& stats;
    backend::ServerWatcher& servers;
    SharedLimit& idle_servers;
    ServicePost& others;
    std::size_t index;  // of `loops`
    std::size_t loops;
  };
  explicit LoopRoutes(const Setup& setup) : setup_(setup) {}

  // Makes what is new. A second call takes the place of the first.
  void Prepare(std::shared_ptr<const Generation> generation);
  // From now on the generation prepared last serves. What was replaced goes with its last holder.
  // Returns whether there was a route before that is not there any more in the same words.
  bool Switch();

  // Of the one that serves.
  const Generation& generation() const { return *now_.generation; }
  // By the index of the route in its configuration.
  RouteContext& At(std::size_t index) { return *now_.contexts[index]; }

  // The route of the generation that serves; nullptr when there is none of that name.
  const RouteRecord* FindByName(std::string_view name) const;

  // nullptr when it is not there, or not any more.
  ServiceHost* HostOf(const plugin::Service& service);
  // When no route and no session of any loop leads to it any more.
  void DropHost(const plugin::Service& service) { hosts_.erase(&service); }

 private:
  struct Table {
    std::shared_ptr<const Generation> generation;
    std::vector<Ref<RouteContext>> contexts;  // as in the configuration
    std::map<const backend::BackendRecord*, Ref<LoopBackend>> backends;
    std::unordered_map<std::string_view, const RouteRecord*> names;
  };

  Ref<RouteContext> MakeContext(const std::shared_ptr<const RouteRecord>& record, Table& table);
  Ref<LoopBackend> BackendFor(const std::shared_ptr<const backend::BackendRecord>& record,
                              Table& table);
  Ref<ServiceHost> HostFor(const plugin::Service& service);

  const Setup setup_;
  Table now_;
  std::optional<Table> next_;
  std::map<const plugin::Service*, Ref<ServiceHost>> hosts_;  // first to go; see RouteContext
};

}  // namespace upgate::upgrade
