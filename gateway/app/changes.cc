#include "gateway/app/changes.h"

#include <map>
#include <utility>

namespace upgate::app {
namespace {

// The records of one kind, by name. Equal pointers mean equal text.
using Things = std::map<std::string, const void*>;

void Compare(std::string_view what, const Things& before, const Things& now,
             std::vector<admin::Change>& changes) {
  for (const auto& [name, thing] : before) {
    if (!now.contains(name)) changes.push_back({std::string(what), name, "removed"});
  }
  for (const auto& [name, thing] : now) {
    const auto it = before.find(name);
    if (it == before.end()) {
      changes.push_back({std::string(what), name, "added"});
    } else if (it->second != thing) {
      changes.push_back({std::string(what), name, "changed"});
    }
  }
}

Things ListenersOf(const upgrade::Generation& generation) {
  Things things;
  for (const auto& listener : generation.listeners) things.emplace(listener->name, listener.get());
  return things;
}

Things RoutesOf(const upgrade::Generation& generation) {
  Things things;
  for (const auto& route : generation.routes) things.emplace(route->name, route.get());
  return things;
}

Things BackendsOf(const upgrade::Generation& generation) {
  Things things;
  for (const auto& [name, backend] : generation.backends) things.emplace(name, backend.get());
  return things;
}

Things ServersOf(const upgrade::Generation& generation) {
  Things things;
  for (const auto& [name, backend] : generation.backends) {
    for (const auto& server : backend->servers)
      things.emplace(name + " " + server->url, server.get());
  }
  return things;
}

std::string AdminAddressOf(const config::Config& config) {
  return config.admin ? config.admin->address.ToString() : "";
}

}  // namespace

std::vector<admin::Change> ChangesBetween(const upgrade::Generation& before,
                                          const upgrade::Generation& now) {
  std::vector<admin::Change> changes;
  Compare("listener", ListenersOf(before), ListenersOf(now), changes);
  Compare("backend", BackendsOf(before), BackendsOf(now), changes);
  Compare("server", ServersOf(before), ServersOf(now), changes);
  Compare("route", RoutesOf(before), RoutesOf(now), changes);
  for (const std::string& owner : now.renewed) changes.push_back({"certificate", owner, "changed"});
  return changes;
}

std::vector<std::string> NeedingRestart(const config::Config& started, const config::Config& now) {
  std::vector<std::string> keys;
  if (started.workers != now.workers) keys.emplace_back("workers");
  if (started.dns_servers != now.dns_servers) keys.emplace_back("dns.servers");
  if (started.log.format != now.log.format) keys.emplace_back("log.format");
  if (AdminAddressOf(started) != AdminAddressOf(now)) keys.emplace_back("admin.address");
  return keys;
}

}  // namespace upgate::app
